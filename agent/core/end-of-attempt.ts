/** How an attempt's end is named. */

import { unreachable } from "../../shared/kernel/assert.ts";
import type { FinishReport } from "../../shared/run/session.ts";
import { type Outcome, outcomeOfExit } from "../../shared/run/states.ts";
import type { AgentEvent, Exit } from "./events.ts";
import type { AgentAttempt } from "./state.ts";

/** A command that ends by itself with 0 or 77 in spite of a stop has done its work; else the stop's cause names the end. */
export function outcomeOf(attempt: AgentAttempt, exit: Exit): Outcome {
  const own = exit.code === undefined ? undefined : ownOutcome(exit.code, exit.stage);
  if (own?.kind === "succeeded" || own?.kind === "skipped") return own;
  if (exit.expired) return { kind: "lost", reason: "lease" };
  if (attempt.stop) return stoppedOutcome(attempt.stop.cause);
  if (exit.oom) return { kind: "oom" };
  if (own) return own;
  return { kind: "lost", reason: exit.started ? "shim_died" : "start_failed" };
}

/** True for an end by the program's own fault: its output may show why. */
export function isOwnFailure(outcome: Outcome): boolean {
  return outcome.kind === "failed" || outcome.kind === "signalled" || outcome.kind === "oom";
}

/** The report with what the cleaning found. */
export function finishOf(finish: FinishReport, cleaned: Extract<AgentEvent, { kind: "cleaned" }>): FinishReport {
  const { finalSizes, unclean, causes } = cleaned;
  return { ...finish, finalSizes, unclean, causes };
}

/** What ended before the command has failed, whatever its exit code. */
function ownOutcome(exitCode: number, stage: Exit["stage"]): Outcome {
  return stage === undefined ? outcomeOfExit(exitCode) : { kind: "failed", exitCode, stage };
}

function stoppedOutcome(cause: NonNullable<AgentAttempt["stop"]>["cause"]): Outcome {
  switch (cause) {
    case "cancel":
    case "peer":
      return { kind: "cancelled" };
    case "superseded":
    case "revoked":
      return { kind: "superseded" };
    case "stop":
      return { kind: "lost", reason: "stopped" };
    case "timeout":
      return { kind: "timeout" };
    case "idle":
      return { kind: "idle" };
    case "lease":
      return { kind: "lost", reason: "lease" };
    default:
      return unreachable(cause);
  }
}
