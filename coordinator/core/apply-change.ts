/**
 * The only mutator of the cluster in memory. Mirrors `writeChange`: after both, memory and store say the same, which
 * `load-cluster` is held to by a test. Also keeps the derived parts (queues, holders, counts) in step.
 */
import { assert, required, unreachable } from "../../shared/kernel/assert.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import { isTerminal, type LiveState } from "../../shared/run/states.ts";
import type { Change, RunPoint, RunRow, RunStateRow, SweepRecord } from "./changes.ts";
import { firstState } from "./changes.ts";
import type { Attempt, Cluster, Gang, Run, Sweep } from "./cluster.ts";
import { coreShape, isWaiting, shapeOf } from "./cluster.ts";
import { addToWork, isActive, removeFromWork } from "./doers.ts";
import { deciding, endOf, type MemberEnd, peersOf } from "./gang.ts";
import { applyImported } from "./imported.ts";
import type { SweepExtended } from "./reactor-apply.ts";
import type { QueueEntry } from "./run-queue.ts";
import { RunQueue } from "./run-queue.ts";
import { notePace } from "./successors.ts";
import { standingOf } from "./sweep-standing.ts";

export function applyChange(cluster: Cluster, change: Change): void {
  switch (change.kind) {
    case "sweep-added":
      cluster.nextSweepSeq = change.sweep.seq + 1;
      addSweep(cluster, change.sweep, change);
      return;
    case "staged-added":
      cluster.nextSweepSeq = change.sweep.seq + 1;
      linkStaged(cluster, change);
      return;
    case "sweep-changed": {
      const sweep = cluster.sweeps.get(change.sweepId);
      if (sweep) Object.assign(sweep, standingOf(change));
      return;
    }
    case "sweep-extended":
      extendSweep(cluster, change);
      return;
    case "run-changed":
      changeRun(cluster, required(cluster.runs.get(change.row.runId), "the changed run"), change.row);
      return;
    case "run-revived":
      if (!cluster.sweeps.has(change.sweep.id)) cluster.sweeps.set(change.sweep.id, { ...change.sweep });
      addRuns(cluster, [runOfRow(change.row, change.point)]);
      return;
    case "attempt-added":
    case "attempt-revived":
      addAttempt(cluster, change.attempt);
      return;
    case "attempt-changed": {
      const attempt = required(cluster.attempts.get(change.fence), "the changed attempt");
      attempt.phase = change.phase;
      attempt.stopping = change.stopping;
      attempt.startedAt = change.startedAt;
      return;
    }
    case "attempt-ended":
      endAttempt(cluster, required(cluster.attempts.get(change.fence), "the ended attempt"), change);
      return;
    case "runs-imported":
      applyImported(cluster, change);
      return;
    case "node-saved":
      cluster.nodes.set(change.node.name, { ...change.node });
      return;
    case "node-link": {
      const node = required(cluster.nodes.get(change.name), "the linked node");
      node.session = change.session;
      node.connected = change.connected;
      node.silent = change.silent;
      node.lastHeardMs = change.lastHeardMs;
      cluster.nextSession = Math.max(cluster.nextSession, change.session + 1);
      return;
    }
    case "fence-floor":
      cluster.nextFence = Math.max(cluster.nextFence, change.nextFence);
      return;
    case "completed-added":
      cluster.completed.set(change.fingerprint, change.runId);
      cluster.workLog.note(change.fingerprint);
      cluster.failed.delete(change.fingerprint);
      return;
    case "failed-added":
      cluster.failed.set(change.fingerprint, change.runId);
      return;
    case "attempt-sealed":
    case "run-reused":
    case "history":
      return;
    default:
      unreachable(change);
  }
}

/**
 * Puts live runs into memory with everything that is derived from them. Also used by `load-cluster`. `mayBeDone`: false for
 * new runs, of which it was just decided that nobody has done their work.
 */
export function addRuns(cluster: Cluster, runs: Iterable<Run>, mayBeDone = true): void {
  for (const run of runs) {
    assert(!cluster.runs.has(run.id), `run ${run.id} is new`);
    cluster.runs.set(run.id, run);
    count(cluster.liveBySweep, run.sweepId, 1);
    enter(cluster, run, mayBeDone);
  }
}

/** Puts an attempt into memory and gives it its devices. Also used by `load-cluster`. */
export function addAttempt(cluster: Cluster, attempt: Attempt): void {
  assert(!cluster.attempts.has(attempt.fence), `fence ${attempt.fence} is new`);
  cluster.attempts.set(attempt.fence, { ...attempt });
  cluster.nextFence = Math.max(cluster.nextFence, attempt.fence + 1);
  if (attempt.behind !== undefined && cluster.attempts.has(attempt.behind))
    cluster.successors.set(attempt.behind, attempt.fence);
  else cluster.holders.add(attempt);
}

type RunDefaults = Pick<SweepRecord, "id" | "hold" | "priority">;

/** A live run as it begins. Written out, as a million of them are made. */
export function newRun(sweep: RunDefaults, row: RunRow): Run {
  const { state, reason, paused } = firstState(sweep);
  return {
    id: row.id,
    sweepId: sweep.id,
    index: row.index,
    shape: row.shape,
    fingerprint: row.fingerprint,
    state,
    reason,
    paused,
    priority: row.priority ?? sweep.priority,
    attempt: 0,
    fence: undefined,
    failures: 0,
    crashes: 0,
    givenUp: false,
    cancelRequested: false,
    avoid: undefined,
    notBefore: 0,
    waitsFor: row.waitsFor,
  };
}

export function runOfRow(row: RunStateRow, point: RunPoint): Run {
  assert(!isTerminal(row.state), `run ${row.runId} is live`);
  return {
    id: row.runId,
    sweepId: row.sweepId,
    index: point.index,
    shape: point.shape,
    fingerprint: point.fingerprint,
    state: row.state,
    reason: row.reason,
    priority: row.priority,
    attempt: row.attempt,
    fence: row.fence,
    failures: row.failures,
    crashes: row.crashes,
    givenUp: row.givenUp,
    cancelRequested: row.cancelRequested,
    paused: row.paused,
    avoid: row.avoid,
    notBefore: row.notBefore,
    waitsFor: row.waitsFor,
  };
}

/** The run's row as it stands in memory, to be changed and written. */
export function rowOfRun(run: Run): RunStateRow {
  const { id, index: _index, shape: _shape, fingerprint: _fingerprint, ...rest } = run;
  return { runId: id, ...rest, finishedAt: undefined };
}

/** Key of the group a run queues in: its request, its sweep where that has conditions, the node it avoids. */
export function groupKeyOf(sweep: Sweep, run: Run): string {
  const { requestKey } = shapeOf(sweep, run);
  const limited = limitedBy(sweep);
  if (limited === undefined && run.avoid === undefined) return requestKey;
  return `${requestKey} sweep=${limited ?? ""} avoid=${run.avoid ?? ""}`;
}

function limitedBy(sweep: Sweep): SweepId | undefined {
  return sweep.parallel > 0 || sweep.after.length > 0 ? sweep.id : undefined;
}

export function queueEntryOf(run: Run, sweep: Sweep): QueueEntry {
  return { runId: run.id, priority: run.priority, sweepSeq: sweep.seq, index: run.index };
}

/** What decisions need of a sweep. */
export function coreSweep(sweep: SweepRecord): Sweep {
  const { id, seq, name, number, parallel, shares, after, failuresMax, gpuMsMax } = sweep;
  const shapes = sweep.shapes.map(coreShape);
  return { id, seq, name, number, shapes, parallel, shares, after, failuresMax, gpuMsMax, ...standingOf(sweep) };
}

/** Its queued runs may queue with others afterwards: by another shape, or as the sweep limits itself now. */
function extendSweep(cluster: Cluster, { sweep, settings, runs, reshaped }: SweepExtended): void {
  const before = cluster.sweeps.get(sweep.id);
  const shapes = new Map(reshaped.map(({ runId, shape }) => [runId, shape]));
  const isRegrouped = before !== undefined && before.parallel > 0 !== sweep.parallel > 0;
  const moved = [...cluster.runs.values()].filter(
    ({ id, sweepId }) => sweepId === sweep.id && (isRegrouped || shapes.has(id)),
  );
  for (const run of moved) leave(cluster, run);
  if (before || runs.some(({ reusedFrom }) => reusedFrom === undefined)) cluster.sweeps.set(sweep.id, sweep);
  for (const run of moved) {
    run.shape = shapes.get(run.id) ?? run.shape;
    enter(cluster, run);
  }
  addRuns(cluster, newRuns({ id: sweep.id, ...settings }, runs), false);
}

function addSweep(cluster: Cluster, sweep: SweepRecord, change: Extract<Change, { kind: "sweep-added" }>): void {
  if (change.runs.every((run) => run.reusedFrom !== undefined)) return;
  cluster.sweeps.set(sweep.id, coreSweep(sweep));
  addRuns(cluster, newRuns(sweep, change.runs), false);
}

/** By then it holds for each of its runs that nobody has done the work. */
function linkStaged(
  cluster: Cluster,
  { sweep: record, work, reused, moved }: Extract<Change, { kind: "staged-added" }>,
) {
  work.remove(new Set([...reused.map(({ runId }) => runId), ...moved.map(({ id }) => id)]));
  if (work.size + moved.length === 0) return;
  const sweep = coreSweep(record);
  cluster.sweeps.set(sweep.id, sweep);
  if (work.runs.size > 0) {
    count(cluster.liveBySweep, sweep.id, work.runs.size);
    count(cluster.liveByState, firstState(record).state, work.runs.size);
  }
  cluster.runs.adopt(work.runs);
  cluster.doers.adopt(work.doers);
  for (const runs of work.queues()) {
    const [first] = runs;
    if (first) queueOf(cluster, first).adopt({ priority: first.priority, sweepSeq: sweep.seq }, runs);
  }
  addRuns(cluster, [...work.waiting, ...moved], false);
}

function* newRuns(sweep: RunDefaults, rows: readonly RunRow[]): Generator<Run> {
  for (const row of rows) if (row.reusedFrom === undefined) yield newRun(sweep, row);
}

function changeRun(cluster: Cluster, run: Run, row: RunStateRow): void {
  leave(cluster, run);
  if (isTerminal(row.state)) {
    removeRun(cluster, run);
    return;
  }
  Object.assign(run, runOfRow(row, run));
  enter(cluster, run);
}

function removeRun(cluster: Cluster, run: Run): void {
  cluster.runs.delete(run.id);
  count(cluster.liveBySweep, run.sweepId, -1);
  if (cluster.liveBySweep.has(run.sweepId)) return;
  cluster.sweeps.delete(run.sweepId);
  cluster.pace.delete(run.sweepId);
}

function endAttempt(cluster: Cluster, attempt: Attempt, end: Extract<Change, { kind: "attempt-ended" }>): void {
  notePace(cluster, attempt, end);
  cluster.attempts.delete(attempt.fence);
  if (attempt.behind !== undefined && isWaiting(cluster, attempt)) cluster.successors.delete(attempt.behind);
  else cluster.holders.remove(attempt);
  const successor = cluster.successors.get(attempt.fence);
  if (successor !== undefined) {
    cluster.successors.delete(attempt.fence);
    cluster.holders.add(required(cluster.attempts.get(successor), "who waits for the place"));
  }
  if (attempt.gang) noteGangEnd(cluster, attempt.gang, endOf(attempt, end));
}

/** Kept as long as one of the gang lives. Also used by `load-cluster`. */
export function noteGangEnd(cluster: Cluster, { first }: Gang, end: MemberEnd): void {
  if (peersOf(cluster, end.attempt).length === 0) cluster.gangEnds.delete(first);
  else cluster.gangEnds.set(first, deciding(cluster.gangEnds.get(first) ?? end, end));
}

/** Adds what follows from a run's state. */
function enter(cluster: Cluster, run: Run, mayBeDone = true): void {
  addToWork(cluster, run);
  count(cluster.liveByState, run.state, 1);
  if (isActive(run.state)) count(cluster.activeBySweep, run.sweepId, 1);
  if (run.state !== "queued" || run.waitsFor !== undefined) return;
  if (mayBeDone && isDone(cluster, run)) cluster.done.add(run.id);
  else if (run.notBefore > 0) cluster.delayed.add(run.id);
  else queueOf(cluster, run).add(queueEntryOf(run, sweepOf(cluster, run.sweepId)));
}

/** Takes back what `enter` added. */
function leave(cluster: Cluster, run: Run): void {
  removeFromWork(cluster, run);
  count(cluster.liveByState, run.state, -1);
  if (isActive(run.state)) count(cluster.activeBySweep, run.sweepId, -1);
  if (run.state !== "queued" || run.waitsFor !== undefined) return;
  if (cluster.done.delete(run.id)) return;
  if (run.notBefore > 0) cluster.delayed.delete(run.id);
  else removeFromQueue(cluster, run);
}

/** Nobody who shares does again what was completed. */
function isDone(cluster: Cluster, run: Run): boolean {
  return sweepOf(cluster, run.sweepId).shares && cluster.completed.get(run.fingerprint) !== undefined;
}

function removeFromQueue(cluster: Cluster, run: Run): void {
  const sweep = sweepOf(cluster, run.sweepId);
  const group = required(cluster.groups.get(groupKeyOf(sweep, run)), "the group of a queued run");
  assert(group.queue.remove(queueEntryOf(run, sweep)), `queued run ${run.id} is in its queue`);
  if (group.queue.size === 0) cluster.groups.delete(group.key);
}

function queueOf(cluster: Cluster, run: Run): RunQueue {
  const sweep = sweepOf(cluster, run.sweepId);
  const key = groupKeyOf(sweep, run);
  let group = cluster.groups.get(key);
  if (!group) {
    const { resources } = shapeOf(sweep, run);
    group = { key, request: resources, limitedBy: limitedBy(sweep), avoid: run.avoid, queue: new RunQueue() };
    cluster.groups.set(key, group);
  }
  return group.queue;
}

function sweepOf(cluster: Cluster, id: SweepId): Sweep {
  return required(cluster.sweeps.get(id), "the sweep of a live run");
}

function count<Key extends SweepId | LiveState>(counts: Map<Key, number>, key: Key, step: number): void {
  const value = (counts.get(key) ?? 0) + step;
  if (value === 0) counts.delete(key);
  else counts.set(key, value);
}
