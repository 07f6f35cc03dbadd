/** What the verbs that change something work with. */
import type { Clock } from "../../../shared/kernel/clock.ts";
import type { RunId, SweepId } from "../../../shared/kernel/ids.ts";
import type { TableName } from "../../../shared/run/notify.ts";
import type { RunState } from "../../../shared/run/states.ts";
import type { RunStateRow } from "../../core/changes.ts";
import type { Sweep } from "../../core/cluster.ts";
import type { Event, TerminalRun } from "../../core/events.ts";
import type { Engine } from "../../engine.ts";
import type { Feed } from "../../feed.ts";
import type { Annotations } from "../../store/annotations.ts";
import type { Queries } from "../../store/queries/queries.ts";
import type { Staging } from "../../store/staging.ts";
import type { Submissions } from "../../store/submissions.ts";
import type { Expander } from "../expand/expander.ts";

export interface WriteDeps {
  readonly engine: Engine;
  readonly queries: Queries;
  readonly submissions: Submissions;
  readonly staging: Staging;
  readonly expander: Expander;
  /** Why runs cannot start from this snapshot; undefined where all of it is here. */
  readonly snapshotProblem: (hash: string) => Promise<string | undefined>;
  readonly annotations: Annotations;
  readonly feed: Pick<Feed, "publish">;
  readonly loadTerminalRun: (id: RunId) => TerminalRun | undefined;
  /** A sweep as decisions see it, from the store. */
  readonly loadSweep: (id: SweepId) => Sweep | undefined;
  /** A new ULID. */
  readonly newUlid: () => string;
  readonly clock: Clock;
  /** Channels that `[notify]` may name, as `kind:name`. */
  readonly channels: ReadonlySet<string>;
  /** Those that channels fill. */
  readonly tables: readonly TableName[];
}

/** Ids of every run that the references name, in one of the states; none: any. Throws AppError for one that names nothing. */
export function namedRuns(queries: Queries, refs: readonly string[], states: readonly RunState[] = []): RunId[] {
  const selections = queries.refs.resolve(refs);
  return selections.flatMap((selection) => queries.runs.ids(selection, { states, order: "asc" }));
}

/** Runs of one event of a verb that changes many: what waits meanwhile, waits for a part of a second. */
const RUNS_PER_EVENT = 10_000;

/** Applies an event to many runs, some at a time; gives the rows that it changed. */
export async function changeRuns(
  engine: Engine,
  runIds: readonly RunId[],
  eventOf: (runIds: readonly RunId[]) => Event,
): Promise<RunStateRow[]> {
  const rows: RunStateRow[] = [];
  for (let from = 0; from < runIds.length; from += RUNS_PER_EVENT) {
    const changes = await engine.apply(eventOf(runIds.slice(from, from + RUNS_PER_EVENT)));
    for (const change of changes) if (change.kind === "run-changed") rows.push(change.row);
  }
  return rows;
}
