/**
 * One call to a service outside. Whatever goes wrong becomes a CallError whose text names the host, never the address: the
 * addresses of webhooks are secrets.
 */
import { errorMessage } from "../../shared/kernel/errors.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly url: string;
  readonly headers?: { readonly [name: string]: string };
  /** JSON as text, or a form with files. */
  readonly body?: string | FormData;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  readonly json: unknown;
}

/** A call that failed. */
export class CallError extends Error {
  /** False: the same call would fail again. */
  readonly isTransient: boolean;
  /** What the receiver asked for. */
  readonly afterMs: number | undefined;
  /** Undefined where there was no answer. */
  readonly answer: Answer | undefined;

  constructor(message: string, isTransient: boolean, afterMs?: number, answer?: Answer) {
    super(message);
    this.name = "CallError";
    this.isTransient = isTransient;
    this.afterMs = afterMs;
    this.answer = answer;
  }
}

const TIMEOUT_MS = 20_000;
/** Characters of an answer that is read. */
const ANSWER_MAX = 4 * 1024 * 1024;
const SHOWN_MAX = 200;
const AFTER_MS_MAX = 3_600_000;

/** Resolves for a status of success. Redirects are not followed: what is sent holds secrets. */
export async function call(request: Call): Promise<Answer> {
  const { method, url, headers = {}, body, signal, timeoutMs = TIMEOUT_MS } = request;
  const host = hostOf(url);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: typeof body !== "string" ? headers : { "content-type": "application/json; charset=utf-8", ...headers },
      ...(body !== undefined && { body }),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    text = await readBounded(response);
  } catch (error) {
    throw new CallError(`${host}: ${reasonOf(error)}`, true);
  }
  const answer = { status: response.status, text, json: parsed(text) };
  if (response.ok) return answer;
  const { status } = response;
  const isTransient = status === 429 || status === 408 || status === 425 || status >= 500;
  const message = `${host}: HTTP ${status}${text === "" ? "" : ` ${text.slice(0, SHOWN_MAX)}`}`;
  throw new CallError(message, isTransient, retryAfterMs(response.headers.get("retry-after")), answer);
}

/** What stands in a JSON object; nothing, where it is something else. */
export function fieldsOf(json: unknown): { readonly [name: string]: unknown } {
  return typeof json === "object" && json !== null ? (json as { [name: string]: unknown }) : {};
}

async function readBounded(response: Response): Promise<string> {
  if (!response.body) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX) throw new Error("the answer is too long");
  }
  return text + decoder.decode();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(AFTER_MS_MAX, Math.max(0, ms)) : undefined;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "the address";
}

/** What fetch wraps says more than "fetch failed". */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return errorMessage(cause ?? error);
}
