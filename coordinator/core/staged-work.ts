/**
 * Runs of a large sweep in the form in which memory will have them, made while they are written. The last step links them
 * in as they are, so it takes no longer for a million runs than for a thousand.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import type { Cluster, Run } from "./cluster.ts";
import { addDoer, isDoer, removeDoer, type WorkMap } from "./doers.ts";
import type { PointDecision } from "./same-work.ts";

/** Queued runs that differ in nothing but their index, by what they ask for and by priority. */
type QueuedRuns = Map<string, Map<number, Run[]>>;

export class StagedWork {
  /** Live runs that wait for no other. */
  readonly runs = new Map<RunId, Run>();
  readonly waiting: Run[] = [];
  readonly doers: WorkMap = new Map();
  readonly #queued: QueuedRuns = new Map();
  readonly #requestKeys: readonly string[];

  /** `requestKeys`: of the sweep's shapes. */
  constructor(requestKeys: readonly string[]) {
    this.#requestKeys = requestKeys;
  }

  get size(): number {
    return this.runs.size + this.waiting.length;
  }

  /** Adds a new run, in the order of their indexes. */
  add(run: Run): void {
    if (run.waitsFor !== undefined) {
      this.waiting.push(run);
      return;
    }
    this.runs.set(run.id, run);
    if (isDoer(run)) addDoer(this.doers, run.fingerprint, run.id);
    if (run.state === "queued") this.#queueOf(run).push(run);
  }

  /** Queued runs, each list in order and of one request and priority. */
  *queues(): Generator<Run[]> {
    for (const byPriority of this.#queued.values()) yield* byPriority.values();
  }

  /** Takes runs out again. */
  remove(ids: ReadonlySet<RunId>): void {
    if (ids.size === 0) return;
    for (const id of ids) {
      const run = this.runs.get(id);
      if (!run) continue;
      this.runs.delete(id);
      if (isDoer(run)) removeDoer(this.doers, run.fingerprint, id);
    }
    const stays = ({ id }: Run) => !ids.has(id);
    this.waiting.splice(0, this.waiting.length, ...this.waiting.filter(stays));
    for (const byPriority of this.#queued.values()) {
      for (const [priority, runs] of byPriority) byPriority.set(priority, runs.filter(stays));
    }
  }

  #queueOf(run: Run): Run[] {
    const key = required(this.#requestKeys[run.shape], "the shape of a run");
    let byPriority = this.#queued.get(key);
    if (!byPriority) {
      byPriority = new Map();
      this.#queued.set(key, byPriority);
    }
    let runs = byPriority.get(run.priority);
    if (!runs) {
      runs = [];
      byPriority.set(run.priority, runs);
    }
    return runs;
  }
}

/** What is decided otherwise by now than when the runs were written. */
export interface Redecided {
  /** Runs whose work was completed meanwhile. */
  readonly reused: readonly { readonly runId: RunId; readonly from: RunId }[];
  /** Live ones that wait for another run than before, or for none. */
  readonly moved: readonly Run[];
}

/** Looks again at the runs whose work has changed since the log of work ended at `decidedAt`. */
export function redecide(
  cluster: Cluster,
  work: StagedWork,
  decidedAt: number,
  decide: (run: Run) => PointDecision,
): Redecided {
  const reused: { runId: RunId; from: RunId }[] = [];
  const moved: Run[] = [];
  const changed = cluster.workLog.since(decidedAt);
  if (changed?.size === 0) return { reused, moved };
  const look = (run: Run) => {
    if (changed && !changed.has(run.fingerprint)) return;
    const { reusedFrom, waitsFor } = decide(run);
    if (reusedFrom !== undefined) reused.push({ runId: run.id, from: reusedFrom });
    else if (waitsFor !== run.waitsFor) moved.push({ ...run, waitsFor });
  };
  for (const run of work.runs.values()) look(run);
  for (const run of work.waiting) look(run);
  return { reused, moved };
}
