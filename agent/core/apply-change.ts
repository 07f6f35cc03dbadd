/** The only mutator of the agent's state in memory; the journal mirrors it. */
import { unreachable } from "../../shared/kernel/assert.ts";
import type { AgentChange, AgentCommand, AgentEvent, Now } from "./events.ts";
import { type AgentState, withUnclean } from "./state.ts";

/** Heartbeats without an answer that are remembered: enough for any lease, and bounded. */
const HEARTBEATS_REMEMBERED = 64;

export function applyChange(state: AgentState, change: AgentChange): void {
  switch (change.kind) {
    case "attempt-saved":
      state.attempts.set(change.fence, change.attempt);
      state.waiting.delete(change.fence);
      state.maxFenceSeen = Math.max(state.maxFenceSeen, change.fence);
      return;
    case "lease-renewed": {
      const attempt = state.attempts.get(change.fence);
      if (!attempt) return;
      const { leaseDeadlineMs, writtenDeadlineMs } = change;
      state.attempts.set(change.fence, { ...attempt, leaseDeadlineMs, writtenDeadlineMs });
      return;
    }
    case "looked": {
      const attempt = state.attempts.get(change.fence);
      if (attempt) state.attempts.set(change.fence, { ...attempt, activity: change.activity });
      return;
    }
    case "attempt-removed":
    case "refused":
      state.attempts.delete(change.fence);
      state.waiting.delete(change.fence);
      state.tombstones.add(change.fence);
      state.maxFenceSeen = Math.max(state.maxFenceSeen, change.fence);
      return;
    case "waits":
      state.waiting.set(change.waiting.assignment.fence, change.waiting);
      return;
    case "coordinator-known":
      state.storeId = change.storeId;
      state.term = change.term;
      return;
    case "draining":
      state.draining = change.draining;
      return;
    default:
      unreachable(change);
  }
}

/** Keeps the volatile part in step with what was heard and sent. Called for each event after its changes. */
export function applyVolatile(state: AgentState, event: AgentEvent, commands: readonly AgentCommand[], now: Now): void {
  if (event.kind === "disconnected") {
    state.session = undefined;
    state.heartbeatsSent.clear();
    state.waiting.clear();
  }
  if (event.kind === "stop-all") state.leaving = true;
  if (event.kind === "devices") state.devices = event.devices;
  if (event.kind === "cleaned") state.devices = withUnclean(state.devices, event.unclean);
  if (event.kind === "message") applyMessage(state, event);
  for (const command of commands) {
    if (command.kind !== "send" || command.message.kind !== "heartbeat") continue;
    state.heartbeatSeq = command.message.seq;
    state.heartbeatsSent.set(command.message.seq, now.uptimeMs);
    if (state.heartbeatsSent.size > HEARTBEATS_REMEMBERED)
      state.heartbeatsSent.delete(command.message.seq - HEARTBEATS_REMEMBERED);
  }
}

function applyMessage(state: AgentState, event: Extract<AgentEvent, { kind: "message" }>): void {
  const { message } = event;
  if (message.kind === "welcome") {
    state.session = message.welcome.session;
    state.exchangeSentMs = event.helloSentMs;
    state.heartbeatsSent.clear();
    state.waiting.clear();
  }
  if (message.kind === "heartbeat-ack") {
    const sentMs = state.heartbeatsSent.get(message.seq);
    if (sentMs !== undefined) state.exchangeSentMs = Math.max(state.exchangeSentMs, sentMs);
    for (const seq of state.heartbeatsSent.keys()) if (seq <= message.seq) state.heartbeatsSent.delete(seq);
  }
}
