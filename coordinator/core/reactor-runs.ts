/** What users ask: submit, cancel, retry; and the placing of runs. */

import { required } from "../../shared/kernel/assert.ts";
import { type Fence, fence as makeFence, type RunId, type SweepId } from "../../shared/kernel/ids.ts";
import { rowOfRun } from "./apply-change.ts";
import {
  CANCELLED_BY_USER,
  type Change,
  type HistoryKind,
  type RunRow,
  type RunStateRow,
  STOPPING,
  type SweepRecord,
} from "./changes.ts";
import type { Attempt, Cluster, Run, Sweep } from "./cluster.ts";
import type { Command, Reaction } from "./commands.ts";
import type { Event, NewRun, NewSweep, Now } from "./events.ts";
import { attemptsOfRun } from "./gang.ts";
import { decidePoint, type PointDecision, settledChanges } from "./same-work.ts";
import { schedule } from "./scheduler.ts";
import type { CoreSettings } from "./settings.ts";
import { redecide } from "./staged-work.ts";
import { fenceOf } from "./successors.ts";
import { hasLimits, opened } from "./sweep-standing.ts";

type EventOf<Kind extends Event["kind"]> = Extract<Event, { kind: Kind }>;

export function onSubmit(cluster: Cluster, event: EventOf<"submit">, now: Now): Reaction {
  const runs = event.runs.map((run): RunRow => {
    const { imported: _, ...row } = run;
    return { ...row, ...decideRun(cluster, run, event.sweep) };
  });
  const sweep = recordOf(cluster, event, runs.filter((run) => run.reusedFrom !== undefined).length);
  return { changes: [{ kind: "sweep-added", sweep, runs }, submitted(sweep, now)], commands: [] };
}

/** What was decided while the runs were written is looked at again: only what has changed since is written once more. */
export function onSubmitStaged(cluster: Cluster, event: EventOf<"submit-staged">, now: Now): Reaction {
  const { work, decidedAt } = event;
  const { reused, moved } = redecide(cluster, work, decidedAt, (run) => decideRun(cluster, run, event.sweep));
  const sweep = recordOf(cluster, event, event.reused + reused.length);
  return { changes: [{ kind: "staged-added", sweep, work, reused, moved }, submitted(sweep, now)], commands: [] };
}

/** What becomes of a new run, given what is done and being done. */
export function decideRun(
  cluster: Cluster,
  run: Pick<NewRun, "fingerprint" | "imported">,
  sweep: Pick<NewSweep, "shares" | "hold">,
): PointDecision {
  const decided = decidePoint(cluster, run.fingerprint, sweep);
  const takesOver = sweep.shares && run.imported !== undefined && decided.reusedFrom === undefined;
  return takesOver ? { reusedFrom: run.imported, waitsFor: undefined } : decided;
}

function recordOf(cluster: Cluster, event: EventOf<"submit" | "submit-staged">, reused: number): SweepRecord {
  return { ...event.sweep, seq: cluster.nextSweepSeq, number: event.number, reused, failed: 0, stopped: "", gpuMs: 0 };
}

function submitted({ name, number, total, reused }: SweepRecord, now: Now): Change {
  return history(now, "submitted", `${name}.${number}: ${total} runs, ${reused} reused`);
}

/** A run that is not with an agent ends at once; one that is, is told to stop, and that it shall stop is durable first. */
export function onCancel(cluster: Cluster, event: EventOf<"cancel">, now: Now): Reaction {
  const changes: Change[] = [];
  const commands: Command[] = [];
  const byWhom = event.by ? `cancelled by ${event.by}` : CANCELLED_BY_USER;
  const why = event.why === undefined ? byWhom : `stopped early: ${event.why}`;
  for (const id of new Set(event.runIds)) {
    const run = cluster.runs.get(id);
    if (!run || run.cancelRequested) continue;
    const attempts = attemptsOfRun(cluster, run);
    if (attempts.length === 0 || run.state === "queued" || run.state === "held") {
      changes.push(runChanged(run, { state: "cancelled", reason: why, finishedAt: now.wallMs }));
      changes.push(history(now, "cancelled", "cancelled before it ran", run));
      continue;
    }
    changes.push(runChanged(run, { cancelRequested: true, reason: `${STOPPING}${why}` }));
    const told = `told ${attempts.map(({ node }) => node).join(", ")} to stop it`;
    changes.push(history(now, "cancel-requested", event.why === undefined ? told : `${told}: ${why}`, run));
    for (const { fence, phase, stopping, startedAt, node: name } of attempts) {
      if (stopping === "cancel") continue;
      changes.push({ kind: "attempt-changed", fence, phase, stopping: "cancel", startedAt });
      const node = cluster.nodes.get(name);
      if (node?.connected) commands.push({ kind: "kill", session: node.session, fence, reason: "cancel" });
    }
  }
  return { changes, commands };
}

/** Failed and cancelled runs go back to the queue with fresh counters; held ones are let go. Others are left alone. */
export function onRetry(cluster: Cluster, event: EventOf<"retry">, now: Now): Reaction {
  const changes: Change[] = [];
  const fresh = {
    state: "queued",
    reason: "",
    failures: 0,
    crashes: 0,
    givenUp: false,
    cancelRequested: false,
    paused: false,
    avoid: undefined,
    notBefore: 0,
    waitsFor: undefined,
  } as const;
  const reopened = new Map<SweepId, Change>();
  // Who tries again wants it to run: a sweep that was stopped is open again, and its failures are counted anew.
  const reopen = (id: SweepId, over?: Sweep): void => {
    const live = cluster.sweeps.get(id);
    // One that is over is known from before this batch of events, in which it may have been stopped.
    const sweep = live ?? over;
    const mayBeStopped = live ? live.failed > 0 || live.stopped !== "" : over && hasLimits(over);
    if (sweep && mayBeStopped) reopened.set(id, { kind: "sweep-changed", sweepId: id, ...opened(sweep, now) });
  };
  for (const id of new Set(event.runIds)) {
    const run = cluster.runs.get(id);
    const delayed = run?.state === "queued" && run.notBefore > 0;
    if (!run || (run.state !== "held" && !delayed)) continue;
    changes.push(runChanged(run, fresh), history(now, "retried", "released by the user", run));
    reopen(run.sweepId);
  }
  // One that is named twice is revived once.
  for (const terminal of new Map(event.terminal.map((run) => [run.row.runId, run])).values()) {
    const { row } = terminal;
    if (cluster.runs.has(row.runId) || terminal.reused || row.state === "succeeded") continue;
    reopen(row.sweepId, terminal.sweep);
    changes.push({
      kind: "run-revived",
      row: { ...row, ...fresh, finishedAt: undefined },
      sweep: { ...terminal.sweep, ...opened(terminal.sweep, now) },
      point: terminal.point,
    });
    changes.push({ ...history(now, "retried", "queued again by the user"), runId: row.runId });
  }
  return { changes: [...reopened.values(), ...changes], commands: [] };
}

/** Places what can start now. Each placement is durable before its Assign is sent. */
export function onSchedule(cluster: Cluster, now: Now, settings: CoreSettings): Reaction {
  const changes: Change[] = settledChanges(cluster, now);
  const commands: Command[] = [];
  let nextFence = cluster.nextFence;
  const placed = new Map<RunId, Fence>();
  for (const placement of schedule(cluster, settings)) {
    const run = required(cluster.runs.get(placement.runId), "the placed run");
    const { places } = placement;
    const first = makeFence(nextFence);
    const behind = placement.behind && fenceOf(cluster, placement.behind, placed);
    placed.set(run.id, first);
    const number = run.attempt + 1;
    changes.push(
      runChanged(run, { state: "assigned", reason: "", attempt: number, fence: first, givenUp: false, notBefore: 0 }),
    );
    for (const { node: name, devices, reserved } of places) {
      const node = required(cluster.nodes.get(name), "the chosen node");
      const fence = makeFence(nextFence++);
      const attempt: Attempt = {
        fence,
        runId: run.id,
        number,
        ...(places.length > 1 && { gang: { first, size: places.length } }),
        node: name,
        devices,
        reserved,
        ...(behind !== undefined && { behind }),
        phase: "assigned",
        stopping: "",
        startedAt: undefined,
      };
      changes.push({ kind: "attempt-added", attempt, at: now.wallMs });
      commands.push({ kind: "assign", session: node.session, fence, runId: run.id });
    }
  }
  return { changes, commands };
}

/** The run's row with some of it changed. */
export function runChanged(run: Run, patch: Partial<RunStateRow>): Change {
  return { kind: "run-changed", row: { ...rowOfRun(run), ...patch } };
}

export function history(now: Now, what: HistoryKind, text: string, run?: Run): Extract<Change, { kind: "history" }> {
  return { kind: "history", at: now.wallMs, what, runId: run?.id, node: undefined, text };
}
