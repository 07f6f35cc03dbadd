/** Calls of the HTTP API. A refused token asks for another one; every other refusal is an ApiError with the server's words. */
import type { SourcePlace } from "../../shared/kernel/errors.ts";
import { t } from "./i18n/i18n.ts";
import { forgetToken, token } from "./session.ts";

export class ApiError extends Error {
  readonly status: number;
  /** Stable name, such as "ref.unknown"; empty where the server gave none. */
  readonly id: string;
  readonly hint: string;
  /** Where in the user's file. */
  readonly place: SourcePlace | undefined;

  constructor(status: number, message: string, id = "", hint = "", place?: SourcePlace) {
    super(message);
    this.status = status;
    this.id = id;
    this.hint = hint;
    this.place = place;
  }
}

/** Server time minus ours in ms, so that ages are right on a laptop with a wrong clock. */
let clockSkewMs = 0;

export function serverNow(): number {
  return Date.now() + clockSkewMs;
}

/** `path` below /api/v1, such as "/runs?limit=10". Values of a path go through `encodeURIComponent`. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token.value}`);
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, t("link.lost"));
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isFinite(date)) clockSkewMs = date - Date.now();
  if (response.ok) return response;
  if (response.status === 401) forgetToken(t("login.refused"));
  throw await apiError(response);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

/** A change. The key makes a repeat after a broken connection harmless. */
export async function post<T>(path: string, body: object): Promise<T> {
  const headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
  const response = await request(path, { method: "POST", headers, body: JSON.stringify(body) });
  return (await response.json()) as T;
}

async function apiError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { message?: string; id?: string; hint?: string; place?: SourcePlace } }
    | undefined;
  const { message, id, hint, place } = body?.error ?? {};
  return new ApiError(response.status, message ?? `${response.status} ${response.statusText}`, id, hint, place);
}
