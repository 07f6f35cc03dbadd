/**
 * The one place where an AppError becomes a gRPC status and comes back. The code, the stable id, the hint and the place
 * travel as JSON in a binary trailer; a peer that does not know the trailer still gets a fitting status and the message.
 */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AppError, type ErrorCode, errorMessage, type Refusal, type SourcePlace } from "../kernel/errors.ts";

/** Trailer of the details. */
export const ERROR_TRAILER = "exp-error-bin";

/** What a grpc-js handler passes to its callback, or emits on its stream. */
export interface StatusError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Status of anything thrown. What is not an AppError becomes INTERNAL without its text, which may hold private paths. */
export function toServiceError(error: unknown): StatusError {
  const metadata = new Metadata();
  if (!(error instanceof AppError)) {
    return { code: status.INTERNAL, details: "internal error; the coordinator's log says more", metadata };
  }
  const { code, id, hint } = error;
  const trailer = { code, id, hint: hint?.slice(0, TEXT_CHARS_MAX), place: shortPlace(error.place) };
  metadata.set(ERROR_TRAILER, Buffer.from(JSON.stringify(trailer)));
  return { code: STATUS_OF[code], details: error.message.slice(0, TEXT_CHARS_MAX), metadata };
}

/** The AppError behind a failed call. An AppError stays itself; anything that is no gRPC status becomes "internal". */
export function fromServiceError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!isServiceError(error)) return new AppError("internal", errorMessage(error), { cause: error });
  const sent = readTrailer(error.metadata);
  if (sent) {
    const { code, ...details } = sent;
    return new AppError(code, error.details, { ...details, cause: error });
  }
  const known = CODE_OF.get(error.code);
  return new AppError(known?.code ?? "internal", known?.text(error.details) ?? error.details, {
    hint: known?.hint,
    cause: error,
  });
}

/**
 * Whether the same call may succeed when made again after a wait. Decided by the code alone. Every control call is safe
 * to repeat: submissions carry an id, and the others say what shall be, not what to change.
 */
export function isRetryable(error: AppError): boolean {
  return error.code === "unavailable" || error.code === "timeout";
}

/** HTTP status of a code. */
export function httpStatusOf(code: ErrorCode): 400 | 401 | 403 | 404 | 409 | 429 | 500 | 503 | 504 {
  return HTTP_OF[code];
}

/** Long texts are cut: trailers share a small limit with all other metadata. */
const TEXT_CHARS_MAX = 2_000;

const STATUS_OF: Record<ErrorCode, status> = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  unauthorized: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
  exhausted: status.RESOURCE_EXHAUSTED,
  fenced: status.ABORTED,
  timeout: status.DEADLINE_EXCEEDED,
  internal: status.INTERNAL,
};

const HTTP_OF = {
  invalid: 400,
  not_found: 404,
  conflict: 409,
  unauthorized: 401,
  forbidden: 403,
  unavailable: 503,
  exhausted: 429,
  fenced: 409,
  timeout: 504,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

interface Known {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly text: (details: string) => string;
}

const same = (details: string) => details;

/** Statuses that come from grpc itself, a proxy or another implementation: without our trailer. */
const CODE_OF: ReadonlyMap<number, Known> = new Map<number, Known>([
  [status.INVALID_ARGUMENT, { code: "invalid", text: same }],
  [status.OUT_OF_RANGE, { code: "invalid", text: same }],
  [
    status.UNIMPLEMENTED,
    {
      code: "invalid",
      text: (details) => `the coordinator does not know this call (${details})`,
      hint: "its version differs from this one",
    },
  ],
  [status.NOT_FOUND, { code: "not_found", text: same }],
  [status.ALREADY_EXISTS, { code: "conflict", text: same }],
  [status.FAILED_PRECONDITION, { code: "conflict", text: same }],
  [status.ABORTED, { code: "fenced", text: same }],
  [status.UNAUTHENTICATED, { code: "unauthorized", text: same }],
  [status.PERMISSION_DENIED, { code: "forbidden", text: same }],
  [status.RESOURCE_EXHAUSTED, { code: "exhausted", text: same }],
  [status.DEADLINE_EXCEEDED, { code: "timeout", text: () => "the coordinator did not answer in time" }],
  [
    status.UNAVAILABLE,
    { code: "unavailable", text: unreachableText, hint: "is it running, and is the address right?" },
  ],
  [status.CANCELLED, { code: "unavailable", text: () => "the call was cancelled" }],
]);

/** grpc-js wraps the system's words in its own; people need "connect ECONNREFUSED 127.0.0.1:7718". */
function unreachableText(details: string): string {
  const cause = /(?:(?:connect|read|write|getaddrinfo) )?E[A-Z]{4,}(?: [^\s,()]*[^\s,().])?/.exec(details)?.[0];
  return `cannot reach the coordinator (${cause ?? details})`;
}

function isServiceError(error: unknown): error is Pick<ServiceError, "code" | "details" | "metadata"> {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "number" &&
    "details" in error &&
    typeof error.details === "string"
  );
}

type Trailer = Omit<Refusal, "message">;

/** Undefined where there is no trailer, or none that this version can read. */
function readTrailer(metadata: Metadata | undefined): Trailer | undefined {
  const bytes = metadata?.get(ERROR_TRAILER)[0];
  if (!Buffer.isBuffer(bytes)) return undefined;
  const body = parseObject(bytes.toString("utf8"));
  if (!body || !isErrorCode(body.code)) return undefined;
  return {
    code: body.code,
    id: typeof body.id === "string" ? body.id : body.code,
    hint: typeof body.hint === "string" ? body.hint : undefined,
    place: readPlace(body.place),
  };
}

function parseObject(text: string): { [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(STATUS_OF, value);
}

function readPlace(value: unknown): SourcePlace | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { file, line, column, text, length } = value as { [key: string]: unknown };
  if (typeof file !== "string" || typeof line !== "number" || typeof column !== "number") return undefined;
  return {
    file,
    line,
    column,
    ...(typeof text === "string" ? { text } : {}),
    ...(typeof length === "number" ? { length } : {}),
  };
}

/** A line too long to show under a caret stays at home. */
function shortPlace(place: SourcePlace | undefined): SourcePlace | undefined {
  if (!place?.text || place.text.length <= TEXT_CHARS_MAX) return place;
  const { text: _, ...rest } = place;
  return rest;
}
