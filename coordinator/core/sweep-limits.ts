/**
 * What stops a sweep: `[limits] failures` and `gpu_hours`, `deadline`, `[objective] target`, and `[stop] sweep_when`. What waits is cancelled with
 * the reason; what runs goes on to its end, and is cancelled should it come back to the queue. Looked at after each reaction
 * as a whole, as one event may end many attempts.
 */
import type { RunId, SweepId } from "../../shared/kernel/ids.ts";
import { GPU_WHOLE_MILLI, heldMilli, isCpuSlot } from "../../shared/run/devices.ts";
import { isTerminal } from "../../shared/run/states.ts";
import { rowOfRun } from "./apply-change.ts";
import type { Change, RunStateRow } from "./changes.ts";
import type { Attempt, Cluster, Sweep } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { Event, Now } from "./events.ts";
import { history } from "./reactor-runs.ts";
import { hasLimits, standingOf } from "./sweep-standing.ts";

const CANCELLED = { state: "cancelled", waitsFor: undefined } as const;
const HOUR_MS = 3_600_000;

/** Why a sweep stops, for its history, and where the file says so. */
interface Stop {
  readonly why: string;
  readonly from: string;
}

/** The reaction with what follows from it for sweeps that something may stop. */
export function withSweepLimits(cluster: Cluster, reaction: Reaction, event: Event, now: Now): Reaction {
  const rows = changedRows(cluster, reaction.changes);
  const spent = spentTime(cluster, reaction.changes);
  const stops = stopsOf(cluster, event, now);
  const further: Change[] = [];
  for (const id of new Set([...rows.keys(), ...spent.keys(), ...stops.keys()])) {
    const before = cluster.sweeps.get(id);
    if (!before) continue;
    // A retry by the user has opened it again.
    const reset = reaction.changes.findLast((change) => change.kind === "sweep-changed" && change.sweepId === id);
    const sweep = reset?.kind === "sweep-changed" ? { ...before, ...standingOf(reset) } : before;
    const news = { changed: rows.get(id) ?? new Map(), spentMs: spent.get(id) ?? 0, stop: stops.get(id) };
    further.push(...lookAt(cluster, sweep, news, now));
  }
  return further.length === 0 ? reaction : { ...reaction, changes: [...reaction.changes, ...further] };
}

/** Last rows of the runs that changed, by sweep, of sweeps with limits. */
function changedRows(cluster: Cluster, changes: readonly Change[]): Map<SweepId, Map<RunId, RunStateRow>> {
  const rows = new Map<SweepId, Map<RunId, RunStateRow>>();
  for (const change of changes) {
    if (change.kind !== "run-changed") continue;
    const { row } = change;
    const sweep = cluster.sweeps.get(row.sweepId);
    if (!sweep || !hasLimits(sweep)) continue;
    let changed = rows.get(sweep.id);
    if (!changed) {
      changed = new Map();
      rows.set(sweep.id, changed);
    }
    changed.set(row.runId, row);
  }
  return rows;
}

/** GPU time of the attempts that end, of sweeps that count it. */
function spentTime(cluster: Cluster, changes: readonly Change[]): Map<SweepId, number> {
  const spent = new Map<SweepId, number>();
  for (const change of changes) {
    if (change.kind !== "attempt-ended" || change.startedAt === undefined) continue;
    const attempt = cluster.attempts.get(change.fence);
    const sweep = attempt && countedSweep(cluster, attempt);
    if (sweep) spent.set(sweep.id, (spent.get(sweep.id) ?? 0) + gpuMs(attempt, change.startedAt, change.finishedAt));
  }
  return spent;
}

function countedSweep(cluster: Cluster, attempt: Attempt): Sweep | undefined {
  const run = cluster.runs.get(attempt.runId);
  const sweep = run && cluster.sweeps.get(run.sweepId);
  return sweep && sweep.gpuMsMax > 0 ? sweep : undefined;
}

/** A part of a GPU counts as that part of its time. */
function gpuMs(attempt: Attempt, from: number, to: number): number {
  const gpus = attempt.devices.filter((uuid) => !isCpuSlot(uuid));
  const milli = gpus.reduce((sum, uuid) => sum + heldMilli(attempt.reserved?.gpuMilli, uuid), 0);
  return Math.round((Math.max(0, to - from) * milli) / GPU_WHOLE_MILLI);
}

/** What stops sweeps by time or by word from outside. */
function stopsOf(cluster: Cluster, event: Event, now: Now): Map<SweepId, Stop> {
  if (event.kind === "stop-sweep") return new Map([[event.sweepId, event]]);
  const stops = new Map<SweepId, Stop>();
  if (event.kind !== "tick") return stops;
  for (const sweep of cluster.sweeps.values()) {
    if (sweep.stopped !== "") continue;
    if (sweep.deadline > 0 && sweep.deadline <= now.wallMs) {
      stops.set(sweep.id, {
        why: "its deadline has passed",
        from: `deadline = ${new Date(sweep.deadline).toISOString()}`,
      });
    } else if (sweep.gpuMsMax > 0 && sweep.gpuMs + runningMs(cluster, sweep, now) >= sweep.gpuMsMax) {
      stops.set(sweep.id, budgetUsed(sweep));
    }
  }
  return stops;
}

function runningMs(cluster: Cluster, sweep: Sweep, now: Now): number {
  if (!cluster.activeBySweep.has(sweep.id)) return 0;
  let sum = 0;
  for (const attempt of cluster.attempts.values()) {
    if (attempt.startedAt === undefined || countedSweep(cluster, attempt)?.id !== sweep.id) continue;
    sum += gpuMs(attempt, attempt.startedAt, now.wallMs);
  }
  return sum;
}

function budgetUsed(sweep: Sweep): Stop {
  return { why: "its GPU hours are used up", from: `[limits] gpu_hours = ${sweep.gpuMsMax / HOUR_MS}` };
}

interface News {
  readonly changed: ReadonlyMap<RunId, RunStateRow>;
  readonly spentMs: number;
  readonly stop: Stop | undefined;
}

function lookAt(cluster: Cluster, sweep: Sweep, { changed, spentMs, stop }: News, now: Now): Change[] {
  const isCounted = sweep.failuresMax > 0;
  const failed =
    sweep.failed + (isCounted ? [...changed.values()].filter(({ state }) => state === "failed").length : 0);
  const used = sweep.gpuMs + spentMs;
  const found = sweep.stopped === "" ? (stop ?? overLimit(sweep, failed, used)) : undefined;
  const stopped = found ? `its sweep was stopped: ${found.why} (${found.from})` : sweep.stopped;
  const changes: Change[] = [];
  if (failed !== sweep.failed || used !== sweep.gpuMs || found) {
    const { deadline } = sweep;
    changes.push({ kind: "sweep-changed", sweepId: sweep.id, failed, stopped, gpuMs: used, deadline });
  }
  if (found) changes.push(history(now, "sweep-stopped", `${sweep.name}.${sweep.number}: ${found.why} (${found.from})`));
  if (stopped === "") return changes;
  // When it stops, all that waits; later only what has just come back.
  const candidates = found ? [...cluster.runs.values()].filter((run) => run.sweepId === sweep.id).map(rowOfRun) : [];
  const rows = new Map([...candidates.map((row) => [row.runId, row] as const), ...changed]);
  for (const row of rows.values()) {
    if (isTerminal(row.state) || (row.state !== "queued" && row.state !== "held")) continue;
    const reason = row.reason === "" || row.paused ? stopped : `${row.reason}; ${stopped}`;
    changes.push({ kind: "run-changed", row: { ...row, ...CANCELLED, reason, finishedAt: now.wallMs } });
  }
  return changes;
}

function overLimit(sweep: Sweep, failed: number, used: number): Stop | undefined {
  const { failuresMax, gpuMsMax } = sweep;
  if (failuresMax > 0 && failed >= failuresMax) {
    return { why: `${failed} of its runs failed`, from: `[limits] failures = ${failuresMax}` };
  }
  return gpuMsMax > 0 && used >= gpuMsMax ? budgetUsed(sweep) : undefined;
}
