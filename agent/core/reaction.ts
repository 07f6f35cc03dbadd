/** What reactions are made of. */
import type { AgentMessage } from "../../shared/run/session.ts";
import type { AgentChange, AgentCommand, AgentReaction } from "./events.ts";
import type { AgentAttempt } from "./state.ts";

export const NOTHING: AgentReaction = { changes: [], commands: [] };

export function saved(attempt: AgentAttempt): AgentChange {
  return { kind: "attempt-saved", fence: attempt.assignment.fence, attempt };
}

export function send(message: AgentMessage): AgentCommand {
  return { kind: "send", message };
}

export function merge(...parts: readonly AgentReaction[]): AgentReaction {
  return { changes: parts.flatMap((part) => part.changes), commands: parts.flatMap((part) => part.commands) };
}
