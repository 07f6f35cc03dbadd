/**
 * Work that several runs ask for is done once. Runs with one fingerprint queue as any others do; when the first of them is
 * placed, the others wait for it. They succeed with it, and where it ends otherwise they are queued for real again. Runs
 * that were asked for in spite of earlier work (`--force`, `rerun = "all"`) never wait, but may be waited for.
 *
 * A pass over the changes of any reaction, so that no reactor needs to know. Nothing ever waits for a run that is not with
 * an agent, so there are no chains and no circles.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import { rowOfRun } from "./apply-change.ts";
import type { Change, RunRow, RunStateRow, SweepRecord } from "./changes.ts";
import type { Cluster, Run, Sweep } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import { doersOf, isActive, isDoer } from "./doers.ts";
import type { Now } from "./events.ts";

/** What becomes of a point of a new sweep: its result is there, a run brings it right now, or it is to be done. */
export type PointDecision = Pick<RunRow, "reusedFrom" | "waitsFor">;

const TO_BE_DONE: PointDecision = { reusedFrom: undefined, waitsFor: undefined };

/**
 * Decides one point. `shares`: false for a sweep that runs everything again; `hold`: its runs are held, and so wait for
 * nothing but the user.
 */
export function decidePoint(
  cluster: Cluster,
  fingerprint: string,
  { shares, hold }: Pick<SweepRecord, "shares" | "hold">,
): PointDecision {
  if (!shares) return TO_BE_DONE;
  const reusedFrom = cluster.completed.get(fingerprint);
  if (reusedFrom !== undefined) return { reusedFrom, waitsFor: undefined };
  if (hold || !cluster.doers.has(fingerprint)) return TO_BE_DONE;
  const waitsFor = doersOf(cluster, fingerprint).find((id) => isActive(runOf(cluster, id).state));
  return waitsFor === undefined ? TO_BE_DONE : { reusedFrom: undefined, waitsFor };
}

/** What to do before anything is placed: runs that came back to the queue with their work done have their result. */
export function settledChanges(cluster: Cluster, now: Now): Change[] {
  const pass = new Pass(cluster, now);
  pass.settle();
  return pass.changes;
}

/** The reaction with what it means for other runs of the same work. */
export function withSameWork(cluster: Cluster, reaction: Reaction, now: Now): Reaction {
  const pass = new Pass(cluster, now);
  for (const change of reaction.changes) pass.note(change);
  pass.decide();
  return pass.changes.length === 0 ? reaction : { ...reaction, changes: [...reaction.changes, ...pass.changes] };
}

/** A run that the reaction changes. */
interface Touched {
  readonly id: RunId;
  /** Undefined: it was terminal. */
  readonly before: Run | undefined;
  readonly fingerprint: string;
  readonly sweep: Sweep;
}

class Pass {
  readonly changes: Change[] = [];
  readonly #cluster: Cluster;
  readonly #now: Now;
  readonly #touched = new Map<RunId, Touched>();
  /** Runs as the changes so far leave them. */
  readonly #rows = new Map<RunId, RunStateRow>();

  constructor(cluster: Cluster, now: Now) {
    this.#cluster = cluster;
    this.#now = now;
  }

  note(change: Change): void {
    if (change.kind !== "run-changed" && change.kind !== "run-revived") return;
    const { row } = change;
    const id = row.runId;
    this.#rows.set(id, row);
    if (this.#touched.has(id)) return;
    if (change.kind === "run-revived") {
      this.#touched.set(id, { id, before: undefined, fingerprint: change.point.fingerprint, sweep: change.sweep });
    } else {
      const before = runOf(this.#cluster, id);
      this.#touched.set(id, { id, before, fingerprint: before.fingerprint, sweep: sweepOf(this.#cluster, before) });
    }
  }

  /** Runs that came back when their work was done: they are settled before anything is placed. */
  settle(): void {
    for (const id of this.#cluster.done) {
      const { fingerprint } = runOf(this.#cluster, id);
      this.#succeed(this.#row(id), required(this.#cluster.completed.get(fingerprint), "the run that did the work"));
    }
  }

  decide(): void {
    // First who ends: whoever comes after may find the work done, or free to be taken up.
    for (const run of this.#touched.values()) this.#leave(run);
    for (const run of this.#touched.values()) this.#start(run);
    for (const run of this.#touched.values()) this.#queue(run);
  }

  /** One that ended, or is no longer with an agent. */
  #leave({ id, before, fingerprint }: Touched): void {
    const row = this.#row(id);
    if (row.state === "failed" && this.#cluster.completed.get(fingerprint) === undefined) {
      this.changes.push({ kind: "failed-added", fingerprint, runId: id });
    }
    // Also a queued one succeeds: the word of a host that was given up comes late.
    if (row.state === "succeeded") return this.#finish(id, fingerprint);
    if (!before || !isActive(before.state) || isActive(row.state)) return;
    const other = this.#activeDoer(fingerprint, id);
    for (const waiter of this.#waitersFor(id)) this.#wait(waiter, other);
  }

  /** The work is done: those that wait for it have it, and those that were about to do it need not. */
  #finish(id: RunId, fingerprint: string): void {
    for (const waiter of this.#waitersFor(id)) this.#succeed(waiter, id);
    for (const other of doersOf(this.#cluster, fingerprint)) {
      if (other !== id && this.#isIdleSharer(other)) this.#succeed(this.#row(other), id);
    }
  }

  /** One that is placed: the others of its work wait for it. */
  #start({ id, before, fingerprint }: Touched): void {
    if (!isActive(this.#row(id).state) || (before && isActive(before.state))) return;
    for (const other of doersOf(this.#cluster, fingerprint)) {
      if (other !== id && this.#isIdleSharer(other)) this.#wait(this.#row(other), id);
    }
  }

  /** One that comes to the queue: somebody else may be at its work. */
  #queue({ id, fingerprint, sweep }: Touched): void {
    const row = this.#row(id);
    if (row.state !== "queued" || row.waitsFor !== undefined || !sweep.shares) return;
    const doer = this.#activeDoer(fingerprint, id);
    if (doer !== undefined) this.#wait(row, doer);
  }

  #succeed(row: RunStateRow, from: RunId): void {
    const { wallMs } = this.#now;
    const { runId, sweepId } = row;
    this.#change({ ...row, waitsFor: undefined, state: "succeeded", reason: "", notBefore: 0, finishedAt: wallMs });
    this.changes.push({ kind: "run-reused", runId, sweepId, from });
    const text = "another run brought the result";
    this.changes.push({ kind: "history", at: wallMs, what: "reused", runId, node: undefined, text });
  }

  /**
   * A retry delay is over by the time the waiting is. An attempt that was given up is not taken back any more: another has
   * started in its place, if of another run.
   */
  #wait(row: RunStateRow, waitsFor: RunId | undefined): void {
    this.#change({ ...row, waitsFor, notBefore: 0, givenUp: false });
  }

  #change(row: RunStateRow): void {
    this.#rows.set(row.runId, row);
    this.changes.push({ kind: "run-changed", row });
  }

  #row(id: RunId): RunStateRow {
    return this.#rows.get(id) ?? rowOfRun(runOf(this.#cluster, id));
  }

  #waitersFor(id: RunId): RunStateRow[] {
    const waiters = [...(this.#cluster.waiters.get(id) ?? [])].map((waiter) => this.#row(waiter));
    return waiters.filter(({ state, waitsFor }) => state === "queued" && waitsFor === id);
  }

  /** A run that does the work when the changes so far have happened, other than `id`. */
  #activeDoer(fingerprint: string, id: RunId): RunId | undefined {
    return doersOf(this.#cluster, fingerprint).find((other) => other !== id && isActive(this.#row(other).state));
  }

  /** Queued, and content with another's result. */
  #isIdleSharer(id: RunId): boolean {
    const row = this.#row(id);
    return isDoer(row) && row.state === "queued" && sweepOf(this.#cluster, runOf(this.#cluster, id)).shares;
  }
}

function runOf(cluster: Cluster, id: RunId): Run {
  return required(cluster.runs.get(id), "a live run");
}

function sweepOf(cluster: Cluster, run: Run): Sweep {
  return required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
}
