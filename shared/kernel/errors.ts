/**
 * The closed set of ways in which an operation is refused, and the one error class that carries it. Code branches on
 * `code`, never on the text. Programmer errors are plain `Error`s from `assert` and end the component.
 */

/** Broad class of a refusal; exit codes, gRPC statuses and HTTP statuses are derived from it. */
export type ErrorCode =
  | "invalid"
  | "not_found"
  | "conflict"
  | "unauthorized"
  | "forbidden"
  | "unavailable"
  | "exhausted"
  | "fenced"
  | "timeout"
  | "internal";

/** A place in a user's file. Lines and columns count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line itself, for the caret; absent where it is not at hand. */
  readonly text?: string;
  /** How many characters the caret underlines. */
  readonly length?: number;
}

export interface AppErrorDetails {
  /** Stable name for `exp help CODE`, such as "spec.unknown-key". */
  readonly id?: string | undefined;
  readonly place?: SourcePlace | undefined;
  /** What to do about it: one line. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A refusal that a user may read: one line of what, where it is wrong, and what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly id: string;
  readonly place: SourcePlace | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: AppErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "AppError";
    this.code = code;
    this.id = details.id ?? code;
    this.place = details.place;
    this.hint = details.hint;
  }
}

/** An AppError as plain data, on its way between threads. */
export type Refusal = Pick<AppError, "code" | "message" | "id" | "place" | "hint">;

export function refusalOf({ code, message, id, place, hint }: AppError): Refusal {
  return { code, message, id, place, hint };
}

export function errorOfRefusal({ code, message, ...details }: Refusal): AppError {
  return new AppError(code, message, details);
}

/** Text of a fault of ours, with the place in the code where it is known. */
export function faultText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : errorMessage(error);
}

/** Text of anything thrown, for logs and one-line messages. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's `code` of a system error ("ENOENT", "EADDRINUSE", …), where it has one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
