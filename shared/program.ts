/** What every program of ours does with an error at its end: one line of what, where and how, and the exit code. */
import { AppError, type ErrorCode, errorMessage } from "./kernel/errors.ts";

/** See `exp help exit-codes`. */
const EXIT_CODES: Record<ErrorCode, number> = {
  invalid: 2,
  not_found: 3,
  unauthorized: 4,
  forbidden: 4,
  unavailable: 5,
  conflict: 6,
  exhausted: 6,
  fenced: 6,
  timeout: 124,
  internal: 70,
};

export function exitCodeOfError(error: unknown): number {
  return error instanceof AppError ? EXIT_CODES[error.code] : 70;
}

/** Writes to stderr. A stack only where `debug` asks for it. */
export function reportError(error: unknown, program: string, debug: boolean): void {
  const id = error instanceof AppError ? `[${error.id}]` : "";
  const hint = error instanceof AppError && error.hint !== undefined ? `\n  ${error.hint}` : "";
  process.stderr.write(`${program}: error${id}: ${errorMessage(error)}${hint}\n`);
  if (debug && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
}
