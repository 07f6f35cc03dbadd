/**
 * The agent's decisions, pure: an event gives changes for the journal and commands for the shell. The journal is written
 * before a command is carried out, so an attempt is accepted on disk before anything of it can run.
 */
import { required, unreachable } from "../../shared/kernel/assert.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import type { AttemptReport, CoordinatorMessage, Welcome } from "../../shared/run/session.ts";
import { answersOf, giveBackAll, giveBackLate, onAssign, refusal, rejected, takeOver } from "./assign.ts";
import { finishOf, outcomeOf } from "./end-of-attempt.ts";
import type { AgentChange, AgentCommand, AgentEvent, AgentReaction, Exit, Found, Now } from "./events.ts";
import { leaseRenewals } from "./lease.ts";
import { merge, NOTHING, saved, send } from "./reaction.ts";
import { type AgentAttempt, type AgentState, isHolding } from "./state.ts";
import { beginStop, climb } from "./stop-ladder.ts";

/** A longer time between two looks counts as this long: a few rounds of the looks, which come each second. */
const LOOK_GAP_MAX_MS = 5_000;

export function react(state: AgentState, event: AgentEvent, now: Now): AgentReaction {
  const reaction = reactionTo(state, event, now);
  return state.waiting.size === 0 ? reaction : merge(reaction, takeOver(state, event, reaction.changes, now));
}

function reactionTo(state: AgentState, event: AgentEvent, now: Now): AgentReaction {
  switch (event.kind) {
    case "message":
      return onMessage(state, event.message, event.helloSentMs, now);
    case "disconnected":
      return NOTHING;
    case "spawned": {
      const attempt = state.attempts.get(event.fence);
      if (attempt?.phase !== "accepted") return NOTHING;
      const { process } = event;
      const running = {
        ...attempt,
        phase: "running" as const,
        process,
        startedAt: now.wallMs,
        startedUptimeMs: now.uptimeMs,
      };
      const started = { kind: "started", fence: event.fence, pid: process.pid, startedAt: now.wallMs } as const;
      const reaction = { changes: [saved(running)], commands: [send(started)] };
      // It was told to stop while it was being spawned.
      return attempt.stop
        ? merge(reaction, beginStop({ ...running, stop: undefined }, attempt.stop.cause, now))
        : reaction;
    }
    case "not-spawned":
      return onNotSpawned(state, event.fence, event.reason, event.detail);
    case "exited":
      return onExited(state, event.fence, event.exit, now);
    case "cleaned": {
      const attempt = state.attempts.get(event.fence);
      if (attempt?.phase !== "ended") return NOTHING;
      const finish = finishOf(required(attempt.finish, "the outcome of an ended attempt"), event);
      const finished: AgentAttempt = { ...attempt, phase: "finished", finish };
      return { changes: [saved(finished)], commands: [send({ kind: "finished", finish })] };
    }
    case "activity":
      return onActivity(state, event.fence, event.bytes, now);
    case "stored":
      return state.attempts.get(event.fence)?.phase === "acked" ? removal(event.fence) : NOTHING;
    case "found":
      return onFound(state, event.fence, event.found, now);
    case "devices":
      return { changes: [], commands: [send({ kind: "devices", devices: event.devices })] };
    case "stop-all":
      return merge(
        giveBackAll(state),
        ...[...state.attempts.values()].map((attempt) => beginStop(attempt, "stop", now)),
      );
    case "heartbeat": {
      const fences = [...state.attempts.values()].filter((a) => isHolding(a.phase)).map((a) => a.assignment.fence);
      return { changes: [], commands: [send({ kind: "heartbeat", seq: state.heartbeatSeq + 1, fences })] };
    }
    case "tick":
      return merge(
        giveBackLate(state, now),
        ...[...state.attempts.values()].map((attempt) => onAttemptTick(attempt, now)),
      );
    default:
      return unreachable(event);
  }
}

/** What a Hello says of the attempts. */
export function reportAttempts(state: AgentState): AttemptReport[] {
  const reports: AttemptReport[] = [];
  for (const attempt of state.attempts.values()) {
    const { fence, runId, devices, gpuMilli } = attempt.assignment;
    const base = { fence, runId, devices, ...(gpuMilli !== undefined && { gpuMilli }) };
    if (attempt.phase === "accepted") reports.push({ ...base, phase: "accepted" });
    else if (attempt.phase === "running" || attempt.phase === "ended") {
      reports.push({ ...base, phase: "running", startedAt: attempt.startedAt ?? 0 });
    } else if (attempt.phase === "finished") {
      reports.push({
        ...base,
        phase: "finished",
        finish: required(attempt.finish, "the report of a finished attempt"),
      });
    }
  }
  return reports;
}

function onMessage(state: AgentState, message: CoordinatorMessage, helloSentMs: number, now: Now): AgentReaction {
  switch (message.kind) {
    case "welcome":
      return onWelcome(state, message.welcome, helloSentMs, now);
    case "refused": {
      const fatal =
        message.reason === "version" || message.reason === "already_connected" || message.reason === "superseded";
      return { changes: [], commands: [{ kind: "refused", fatal, message: message.message }] };
    }
    case "assign":
      return onAssign(state, message.assignment, now);
    case "kill": {
      if (state.waiting.has(message.fence)) return refusal(message.fence, "stopped", "");
      const attempt = state.attempts.get(message.fence);
      return attempt ? beginStop(attempt, message.reason, now) : NOTHING;
    }
    case "heartbeat-ack": {
      const sentMs = state.heartbeatsSent.get(message.seq);
      return sentMs === undefined ? NOTHING : leaseRenewals(state, message.renewed, sentMs);
    }
    case "finish-ack":
      return onFinishAck(state, message.fence);
    case "watermarks":
      return { changes: [], commands: [{ kind: "watermarks", offsets: message.offsets, resend: message.resend }] };
    case "drain":
      return { changes: [{ kind: "draining", draining: message.draining }], commands: [] };
    default:
      return unreachable(message);
  }
}

function onWelcome(state: AgentState, welcome: Welcome, helloSentMs: number, now: Now): AgentReaction {
  const commands: AgentCommand[] = [];
  if (welcome.bus) commands.push({ kind: "bus", ...welcome.bus });
  commands.push({ kind: "watermarks", offsets: welcome.watermarks, resend: true });
  const known: AgentChange = { kind: "coordinator-known", storeId: welcome.storeId, term: welcome.term };
  const adopted = welcome.decisions.filter((decision) => decision.action !== "finish-ack").map(({ fence }) => fence);
  const parts: AgentReaction[] = [{ changes: [known], commands }, leaseRenewals(state, adopted, helloSentMs)];
  for (const decision of welcome.decisions) {
    if (decision.action === "finish-ack") parts.push(onFinishAck(state, decision.fence));
    const attempt = state.attempts.get(decision.fence);
    if (decision.action === "kill" && attempt) parts.push(beginStop(attempt, decision.reason, now));
  }
  // What happened while the Hello was on its way could not be told: say how everything stands, in this session.
  const told = adopted.flatMap((fence) => {
    const attempt = state.attempts.get(fence);
    return attempt ? answersOf(attempt) : [rejected(fence, "stale", "this fence is done with")];
  });
  parts.push({ changes: [], commands: [...told, { kind: "devices", devices: state.devices } as const].map(send) });
  return merge(...parts);
}

function onNotSpawned(state: AgentState, fence: Fence, reason: string, detail: string): AgentReaction {
  if (state.attempts.get(fence)?.phase !== "accepted") return NOTHING;
  return {
    changes: [{ kind: "attempt-removed", fence }],
    commands: [send(rejected(fence, reason, detail)), { kind: "remove", fence }],
  };
}

function onExited(state: AgentState, fence: Fence, exit: Exit, now: Now): AgentReaction {
  const attempt = state.attempts.get(fence);
  if (!attempt || (attempt.phase !== "running" && attempt.phase !== "accepted")) return NOTHING;
  return ended(attempt, exit, now);
}

/** The outcome is journalled at once; the finish is told when tree and devices are clean and the output is whole. */
function ended(attempt: AgentAttempt, exit: Exit, now: Now, rebooted = false): AgentReaction {
  const { fence } = attempt.assignment;
  const outcome = rebooted ? ({ kind: "lost", reason: "reboot" } as const) : outcomeOf(attempt, exit);
  const startedAt = attempt.startedAt;
  const finish = { fence, outcome, startedAt, finishedAt: now.wallMs, finalSizes: {}, unclean: [], causes: [] };
  return { changes: [saved({ ...attempt, phase: "ended", finish })], commands: [{ kind: "clean", fence }] };
}

function onFound(state: AgentState, fence: Fence, found: Found, now: Now): AgentReaction {
  const attempt = state.attempts.get(fence);
  if (!attempt || !isHolding(attempt.phase)) return NOTHING;
  if (attempt.phase === "ended") return { changes: [], commands: [{ kind: "clean", fence }] };
  switch (found.state) {
    case "running": {
      // The spawn was recorded by the shim only: its start is told with the time of the finding.
      const startedAt = attempt.startedAt ?? now.wallMs;
      const startedUptimeMs = attempt.startedUptimeMs ?? now.uptimeMs;
      const running: AgentAttempt = {
        ...attempt,
        phase: "running",
        process: found.process,
        startedAt,
        startedUptimeMs,
      };
      const adoption: AgentReaction = {
        changes: [saved(running)],
        commands: [{ kind: "adopt", fence, process: found.process }],
      };
      // Whether its signal was sent before the last agent ended is not known: the ladder begins again.
      return attempt.stop
        ? merge(adoption, beginStop({ ...running, stop: undefined }, attempt.stop.cause, now))
        : adoption;
    }
    case "exited":
      return ended(attempt, { ...found, started: true, oom: false }, now);
    case "dead":
      return ended(attempt, { code: undefined, started: true, oom: false, expired: found.expired }, now);
    case "never-started":
      return ended(attempt, { code: undefined, started: false, oom: false, expired: false }, now);
    case "rebooted":
      return ended(attempt, { code: undefined, started: true, oom: false, expired: false }, now, true);
    default:
      return unreachable(found);
  }
}

function onFinishAck(state: AgentState, fence: Fence): AgentReaction {
  const attempt = state.attempts.get(fence);
  if (attempt?.phase !== "finished") return NOTHING;
  return { changes: [saved({ ...attempt, phase: "acked" })], commands: [{ kind: "await-stored", fence }] };
}

function onAttemptTick(attempt: AgentAttempt, now: Now): AgentReaction {
  if (attempt.phase !== "running") return NOTHING;
  if (attempt.stop) return climb(attempt, attempt.stop, now);
  if (now.uptimeMs > attempt.leaseDeadlineMs) return beginStop(attempt, "lease", now);
  const limit = attempt.assignment.timeLimitMs;
  if (limit > 0 && attempt.startedUptimeMs !== undefined && now.uptimeMs >= attempt.startedUptimeMs + limit) {
    return beginStop(attempt, "timeout", now);
  }
  return NOTHING;
}

/**
 * The idle limit counts only time in which somebody looked: while this process or the whole machine stood still, so may
 * the program have.
 */
function onActivity(state: AgentState, fence: Fence, bytes: number, now: Now): AgentReaction {
  const attempt = state.attempts.get(fence);
  const limit = attempt?.assignment.idleLimitMs ?? 0;
  if (attempt?.phase !== "running" || attempt.stop || limit === 0) return NOTHING;
  const { activity } = attempt;
  const gapMs = activity ? Math.min(now.uptimeMs - activity.lookedAtMs, LOOK_GAP_MAX_MS) : 0;
  const idleMs = activity?.bytes === bytes ? activity.idleMs + gapMs : 0;
  if (idleMs >= limit) return beginStop(attempt, "idle", now);
  const changes: AgentChange[] = [{ kind: "looked", fence, activity: { bytes, idleMs, lookedAtMs: now.uptimeMs } }];
  return { changes, commands: [] };
}

function removal(fence: Fence): AgentReaction {
  return { changes: [{ kind: "attempt-removed", fence }], commands: [{ kind: "remove", fence }] };
}
