/** Exit codes of `exp`, and which refusal gives which. */
import type { ErrorCode } from "../shared/kernel/errors.ts";

export const EXIT = {
  ok: 0,
  /** The work failed: a waited-for run failed, or a check is red. */
  workFailed: 1,
  usage: 2,
  notFound: 3,
  unauthorized: 4,
  unavailable: 5,
  /** Refused by the state of things: already terminal, already there, over a limit. */
  refused: 6,
  /** Some of many were done. */
  partly: 7,
  timeout: 124,
  interrupted: 130,
} as const;

export function exitCodeOf(code: ErrorCode): number {
  return EXIT_OF[code];
}

const EXIT_OF: Record<ErrorCode, number> = {
  invalid: EXIT.usage,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
  unauthorized: EXIT.unauthorized,
  unavailable: EXIT.unavailable,
  exhausted: EXIT.refused,
  fenced: EXIT.refused,
  timeout: EXIT.timeout,
  internal: EXIT.workFailed,
};
