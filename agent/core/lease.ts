/**
 * Leases. The deadline counts from the sending of the exchange that renewed it, on a clock that counts sleep, so it is
 * never later than what the coordinator assumes. The warden's copy is rewritten only when it has fallen behind by a part
 * of the lease: it may then kill a little early, never late.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import type { AgentChange, AgentCommand, AgentReaction } from "./events.ts";
import type { AgentState } from "./state.ts";
import { isHolding } from "./state.ts";

/** Part of the lease by which the warden's copy may lag. */
const LAG_PART = 0.1;

export function leaseRenewals(state: AgentState, fences: readonly Fence[], sentMs: number): AgentReaction {
  const changes: AgentChange[] = [];
  const commands: AgentCommand[] = [];
  for (const fence of fences) {
    const attempt = state.attempts.get(fence);
    if (!attempt || !isHolding(attempt.phase)) continue;
    const { leaseMs } = attempt.assignment;
    const deadlineMs = Math.max(attempt.leaseDeadlineMs, sentMs + leaseMs);
    const rewrite = deadlineMs - attempt.writtenDeadlineMs >= leaseMs * LAG_PART;
    const writtenDeadlineMs = rewrite ? deadlineMs : attempt.writtenDeadlineMs;
    changes.push({ kind: "lease-renewed", fence, leaseDeadlineMs: deadlineMs, writtenDeadlineMs });
    if (rewrite) commands.push({ kind: "write-lease", fence, deadlineMs });
  }
  return { changes, commands };
}
