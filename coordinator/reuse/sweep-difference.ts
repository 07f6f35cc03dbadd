/** What an edited file means for a sweep that is there, point by point. Points are told apart by what counts as the same work. */
import type { RunState } from "../../shared/run/states.ts";

/** A run of the sweep as it stands. */
export interface StandingRun<Id> {
  readonly id: Id;
  readonly fingerprint: string;
  readonly shape: number;
  readonly state: RunState;
  readonly priority: number;
  /** An earlier edit took it out. */
  readonly withdrawn: boolean;
}

/** A point of the edited file. */
export interface EditedPoint {
  readonly fingerprint: string;
  /** Number of its shape among those of the sweep and the new ones. */
  readonly shape: number;
  readonly priority: number;
}

export interface SweepDifference<Id, Point> {
  readonly added: readonly Point[];
  /** Queued or held, and gone from the file. */
  readonly withdrawn: readonly Id[];
  /** In both. */
  readonly unchanged: number;
  /** With an agent, and gone from the file: left alone. */
  readonly runningOn: number;
  /** Waiting runs that are of another shape now. */
  readonly reshaped: readonly { readonly runId: Id; readonly shape: number }[];
  /** Waiting runs that have another priority now. */
  readonly priorities: readonly { readonly runId: Id; readonly priority: number }[];
}

/** `runs` and `points`: each fingerprint at most once, but for runs that were withdrawn and added again. */
export function compareSweep<Id, Point extends EditedPoint>(
  runs: readonly StandingRun<Id>[],
  points: readonly Point[],
): SweepDifference<Id, Point> {
  // The last run of a point counts: those before it were withdrawn.
  const standing = new Map(runs.map((run) => [run.fingerprint, run]));
  const wanted = new Set(points.map(({ fingerprint }) => fingerprint));
  const added: Point[] = [];
  const reshaped: { runId: Id; shape: number }[] = [];
  const priorities: { runId: Id; priority: number }[] = [];
  let unchanged = 0;
  for (const point of points) {
    const run = standing.get(point.fingerprint);
    if (!run || (run.withdrawn && run.state === "cancelled")) {
      added.push(point);
      continue;
    }
    unchanged += 1;
    if (!isWaiting(run.state)) continue;
    if (run.shape !== point.shape) reshaped.push({ runId: run.id, shape: point.shape });
    if (run.priority !== point.priority) priorities.push({ runId: run.id, priority: point.priority });
  }
  const gone = [...standing.values()].filter(({ fingerprint }) => !wanted.has(fingerprint));
  return {
    added,
    withdrawn: gone.filter(({ state }) => isWaiting(state)).map(({ id }) => id),
    unchanged,
    runningOn: gone.filter(({ state }) => state === "assigned" || state === "running" || state === "unknown").length,
    reshaped,
    priorities,
  };
}

function isWaiting(state: RunState): boolean {
  return state === "queued" || state === "held";
}
