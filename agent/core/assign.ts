/**
 * Taking an assignment, or not. One that was handed out ahead waits until the attempt whose place it takes over has ended, and
 * is looked at then as if it came at that moment; nothing of it is written down before. One that waits for too long goes back,
 * as do all when this agent leaves: the coordinator knows better places.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import { GPU_WHOLE_MILLI, heldMilli } from "../../shared/run/devices.ts";
import type { AgentMessage, Assignment } from "../../shared/run/session.ts";
import type { AgentChange, AgentEvent, AgentReaction, Now } from "./events.ts";
import { merge, NOTHING, saved, send } from "./reaction.ts";
import { type AgentAttempt, type AgentState, holdersOf, isHolding, withUnclean } from "./state.ts";

/** The coordinator hands out ahead what it takes to be due within a second. */
const WAIT_MAX_MS = 2_000;

/** The same answer to the same assignment, however often it comes. */
export function onAssign(state: AgentState, assignment: Assignment, now: Now): AgentReaction {
  const { fence, behind } = assignment;
  const known = state.attempts.get(fence);
  if (known) return { changes: [], commands: answersOf(known).map(send) };
  if (state.tombstones.has(fence)) return refusal(fence, "stale", "this fence is done with");
  // It lay in a buffer while this process was stopped: by now the run may have been started elsewhere.
  const leaseDeadlineMs = state.exchangeSentMs + assignment.leaseMs;
  if (now.uptimeMs >= leaseDeadlineMs) return refusal(fence, "stale", "its lease had passed when it came");
  if (state.draining || state.leaving) return refusal(fence, "draining", "");
  if (behind !== undefined && holdsPlace(state, behind)) {
    if (state.waiting.has(fence)) return NOTHING;
    return { changes: [{ kind: "waits", waiting: { assignment, behind, sinceMs: now.uptimeMs } }], commands: [] };
  }
  for (const uuid of assignment.devices) {
    const holders = holdersOf(state, uuid);
    const held = [...holders, assignment].reduce((sum, { gpuMilli }) => sum + heldMilli(gpuMilli, uuid), 0);
    if (held > GPU_WHOLE_MILLI) {
      const fences = holders.map((holder) => holder.fence).join(" and ");
      return refusal(fence, "device_busy", `${uuid} is held by fence ${fences}`);
    }
    const device = state.devices.find((candidate) => candidate.uuid === uuid);
    if (!device) return refusal(fence, "device_busy", `${uuid} is not here`);
    if (device.health !== "clean")
      return refusal(fence, "device_busy", `${uuid} is ${device.health}: ${device.reason}`);
  }
  const attempt: AgentAttempt = {
    assignment,
    phase: "accepted",
    bootId: state.bootId,
    startedAt: undefined,
    startedUptimeMs: undefined,
    activity: undefined,
    process: undefined,
    leaseDeadlineMs,
    writtenDeadlineMs: leaseDeadlineMs,
    stop: undefined,
    finish: undefined,
  };
  // Where nothing has to be brought first, Started comes at once and says as much.
  const accepted = assignment.code || assignment.resume ? [send({ kind: "accepted", fence })] : [];
  return { changes: [saved(attempt)], commands: [...accepted, { kind: "start", assignment, leaseDeadlineMs }] };
}

/** What the changes of `event` make room for: those that waited behind an attempt that holds its place no more. */
export function takeOver(
  state: AgentState,
  event: AgentEvent,
  changes: readonly AgentChange[],
  now: Now,
): AgentReaction {
  const free = new Set(changes.flatMap((change) => (isFreeing(change) ? [change.fence] : [])));
  const due = [...state.waiting.values()].filter(({ behind }) => free.has(behind));
  if (due.length === 0) return NOTHING;
  const attempts = new Map([...state.attempts].filter(([fence]) => !free.has(fence)));
  const devices = event.kind === "cleaned" ? withUnclean(state.devices, event.unclean) : state.devices;
  const then = { ...state, attempts, devices };
  return merge(...due.map(({ assignment }) => onAssign(then, assignment, now)));
}

/** Gives back what has waited for too long. */
export function giveBackLate(state: AgentState, now: Now): AgentReaction {
  const late = [...state.waiting.values()].filter(({ sinceMs }) => now.uptimeMs - sinceMs >= WAIT_MAX_MS);
  return merge(...late.map(({ assignment, behind }) => refusal(assignment.fence, "waited", `fence ${behind} goes on`)));
}

/** Gives back all that waits, as this agent leaves. */
export function giveBackAll(state: AgentState): AgentReaction {
  return merge(...[...state.waiting.keys()].map((fence) => refusal(fence, "draining", "")));
}

export function answersOf(attempt: AgentAttempt): AgentMessage[] {
  const { fence } = attempt.assignment;
  if (attempt.phase === "finished" && attempt.finish) return [{ kind: "finished", finish: attempt.finish }];
  const accepted: AgentMessage = { kind: "accepted", fence };
  if (attempt.phase !== "running" || !attempt.process) return [accepted];
  return [accepted, { kind: "started", fence, pid: attempt.process.pid, startedAt: attempt.startedAt ?? 0 }];
}

/** Never to be started under this fence. */
export function refusal(fence: Fence, reason: string, detail: string): AgentReaction {
  return { changes: [{ kind: "refused", fence }], commands: [send(rejected(fence, reason, detail))] };
}

export function rejected(fence: Fence, reason: string, detail: string): AgentMessage {
  return { kind: "rejected", fence, reason, detail };
}

function holdsPlace(state: AgentState, fence: Fence): boolean {
  const attempt = state.attempts.get(fence);
  return attempt !== undefined && isHolding(attempt.phase);
}

function isFreeing(change: AgentChange): change is Extract<AgentChange, { fence: Fence }> {
  if (change.kind === "attempt-saved") return !isHolding(change.attempt.phase);
  return change.kind === "attempt-removed";
}
