/** Query parameters, read strictly: a misspelt one is refused, as it would silently give other rows. */
import type { Context } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { RUN_STATES, type RunState } from "../../shared/run/states.ts";
import type { HttpEnv } from "./guard.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
/** A table of many columns with a long expression fits; the headers of a request have more room than this. */
const QUERY_CHARS_MAX = 12_000;

/** Throws AppError for a parameter that is not among `known`, or is given twice. */
export function readQuery<Key extends string>(
  c: Context<HttpEnv>,
  known: readonly Key[],
): Partial<Record<Key, string>> {
  const search = new URL(c.req.url).searchParams;
  if (search.toString().length > QUERY_CHARS_MAX)
    throw invalidQuery("query", `is longer than ${QUERY_CHARS_MAX} characters`);
  const query: Partial<Record<Key, string>> = {};
  for (const [key, value] of search) {
    const name = known.find((other) => other === key);
    if (name === undefined) throw invalidQuery(key, `is not known here; use ${known.join(", ") || "none"}`);
    if (query[name] !== undefined) throw invalidQuery(key, "is given twice");
    query[name] = value;
  }
  return query;
}

/** Rows of one page. */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  return readInteger("limit", text, 1, LIMIT_MAX);
}

export function readInteger(key: string, text: string, min: number, max: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidQuery(key, `must be a whole number from ${min} to ${max}`);
  return value;
}

/** A finite number; undefined where it is not given. */
export function readNumber(key: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^[-+]?[\d.]+(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw invalidQuery(key, "must be a number");
  return value;
}

/** "loss,val/acc": names with commas between; a comma or backslash within one comes behind a backslash. */
export function readNames(key: string, text: string | undefined, max: number): string[] {
  if (text === undefined || text === "") return [];
  const names = (text.match(/(?:\\.|[^\\,])+/gsu) ?? []).map((name) => name.replace(/\\(.)/gsu, "$1"));
  if (names.length > max) throw invalidQuery(key, `has more than ${max} names`);
  return names;
}

/** "running,queued" */
export function readStates(text: string | undefined): RunState[] {
  if (text === undefined || text === "") return [];
  return text.split(",").map((part) => {
    const state = RUN_STATES.find((other) => other === part);
    if (!state) throw invalidQuery("state", `${JSON.stringify(part)} is no state; use ${RUN_STATES.join(", ")}`);
    return state;
  });
}

export function readFlag(key: string, text: string | undefined): boolean {
  if (text === undefined || text === "0" || text === "false") return false;
  if (text === "1" || text === "true" || text === "") return true;
  throw invalidQuery(key, "must be 1 or 0");
}

/** A refusal of one parameter. */
export function invalidQuery(key: string, problem: string): AppError {
  return new AppError("invalid", `query parameter ${key}: ${problem}`, { id: "http.query" });
}
