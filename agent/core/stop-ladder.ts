/** TERM, grace, KILL. The shell only signals; when, is decided here. */
import type { AgentCommand, AgentReaction, Now } from "./events.ts";
import { NOTHING } from "./reaction.ts";
import type { AgentAttempt, Stop, StopCause } from "./state.ts";

/** After KILL, ask again this often: a process in uninterruptible sleep dies when it wakes. */
const KILL_AGAIN_MS = 5_000;

/**
 * Begins to stop an attempt; an attempt that is being stopped, or is over, is left alone. A passed lease leaves no time
 * for manners: another host may start the run. An attempt that was not spawned yet is stopped when it has been.
 */
export function beginStop(attempt: AgentAttempt, cause: StopCause, now: Now): AgentReaction {
  if (attempt.phase !== "running" && attempt.phase !== "accepted") return NOTHING;
  const { fence, stopGraceMs } = attempt.assignment;
  if (attempt.stop) return NOTHING;
  const kill = cause === "lease";
  const stop: Stop = { cause, killAtMs: now.uptimeMs + (kill ? KILL_AGAIN_MS : stopGraceMs), killed: kill };
  const signal: AgentCommand = { kind: "signal", fence, signal: kill ? "KILL" : "TERM", cause };
  return {
    changes: [{ kind: "attempt-saved", fence, attempt: { ...attempt, stop } }],
    commands: attempt.phase === "running" ? [signal] : [],
  };
}

/** The next rung when its time has come. */
export function climb(attempt: AgentAttempt, stop: Stop, now: Now): AgentReaction {
  if (now.uptimeMs < stop.killAtMs) return NOTHING;
  const { fence } = attempt.assignment;
  const next: Stop = { ...stop, killed: true, killAtMs: now.uptimeMs + KILL_AGAIN_MS };
  return {
    changes: [{ kind: "attempt-saved", fence, attempt: { ...attempt, stop: next } }],
    commands: [{ kind: "signal", fence, signal: "KILL", cause: stop.cause }],
  };
}
