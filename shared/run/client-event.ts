/**
 * Lines of `$EXP_EVENTS` (client.jsonl), as any program may append them. A line that is not one of these is not an
 * error: it stays in the stream as bytes and is passed over here.
 */
import { parseTableAddress } from "../compat/table-address.ts";
import type { TableName } from "./notify.ts";

/** NaN and infinities, which JSON cannot say, come as these texts (from Python's json module also as bare words). */
const NON_FINITE = new Map([
  ["NaN", Number.NaN],
  ["nan", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["inf", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
]);

export interface MetricEvent {
  readonly kind: "metric";
  /** Unix seconds; undefined where the program did not say. */
  readonly at: number | undefined;
  readonly step: number | undefined;
  /** Numbers, NaN and infinities included; texts are kept for `save_row` tables. */
  readonly values: ReadonlyMap<string, number | string>;
  /** Such as split and phase. */
  readonly context: ReadonlyMap<string, string>;
}

/** Final values; the last write wins. */
export interface SummaryEvent {
  readonly kind: "summary";
  readonly at: number | undefined;
  readonly values: ReadonlyMap<string, number | string>;
}

/** A row of EXP's `save_row`. */
export interface RowEvent {
  readonly kind: "row";
  readonly at: number | undefined;
  /** Cells as the CSV shows them, already as text. */
  readonly cells: ReadonlyMap<string, string>;
  /** It is also for a table elsewhere; what is said of that one. */
  readonly table?: Partial<TableName>;
}

export interface ProgressEvent {
  readonly kind: "progress";
  readonly at: number | undefined;
  readonly done: number;
  readonly total: number | undefined;
  /** Per second, where a bar said it. */
  readonly rate: number | undefined;
  readonly etaSeconds: number | undefined;
}

/** What the host sees of the run (`sys/…`): no point of the program's own curves. */
export interface SystemEvent {
  readonly kind: "system";
  readonly at: number | undefined;
  readonly values: ReadonlyMap<string, number | string>;
}

export interface SkipEvent {
  readonly kind: "skip";
  readonly at: number | undefined;
  readonly reason: string;
}

/** note, tag, artifact, checkpoint and warning lines: kept as they are for those who show them. */
export interface OtherEvent {
  readonly kind: "other";
  readonly letter: string;
  readonly at: number | undefined;
  readonly body: { readonly [key: string]: unknown };
}

export type ClientEvent = MetricEvent | SummaryEvent | RowEvent | ProgressEvent | SystemEvent | SkipEvent | OtherEvent;

/** The event of one line without its newline; undefined where the line is none. Never throws. */
export function parseClientLine(line: string): ClientEvent | undefined {
  const body = parseObject(line);
  if (!body || typeof body.e !== "string") return undefined;
  const at = finite(body.t);
  switch (body.e) {
    case "m":
      return { kind: "metric", at, step: finite(body.s), values: values(body.v), context: texts(body.c) };
    case "u":
      return { kind: "summary", at, values: values(body.v) };
    case "r":
      return { kind: "row", at, cells: texts(body.v), ...tableOf(body.lark) };
    case "p": {
      const done = finite(body.i);
      if (done === undefined) return undefined;
      return {
        kind: "progress",
        at,
        done,
        total: finite(body.n),
        rate: finite(body.rate),
        etaSeconds: finite(body.eta),
      };
    }
    case "s":
      return { kind: "system", at, values: values(body.v) };
    case "x":
      return { kind: "skip", at, reason: typeof body.reason === "string" ? body.reason : "" };
    default:
      return { kind: "other", letter: body.e, at, body };
  }
}

/** `true`, or the keys by which EXP names a table. */
function tableOf(said: unknown): Pick<RowEvent, "table"> {
  if (said === true) return { table: {} };
  if (typeof said !== "object" || said === null) return {};
  const keys = texts(said);
  const address = parseTableAddress(keys.get("url") ?? keys.get("table_url") ?? keys.get("bitable_url") ?? "");
  const appToken = address.appToken ?? keys.get("app_token");
  const tableId = address.tableId ?? keys.get("table_id");
  return { table: { ...(appToken !== undefined && { appToken }), ...(tableId !== undefined && { tableId }) } };
}

/** Columns of EXP scripts that count steps, in the order in which they are looked for. */
const STEP_COLUMNS = ["step", "global_step", "iteration", "iter", "epoch"];

/** The step that a row says; undefined where it says none. */
export function stepOfCells(cells: ReadonlyMap<string, number>): number | undefined {
  const column = STEP_COLUMNS.find((name) => Number.isSafeInteger(cells.get(name)));
  return column === undefined ? undefined : cells.get(column);
}

/** The cells of a row that are numbers as Python prints them; True and False count as 1 and 0. */
export function numericCells(row: RowEvent): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const [key, text] of row.cells) {
    const value = NUMBER_TEXT.test(text) ? Number(text) : (CELL_WORDS.get(text) ?? NON_FINITE.get(text));
    if (value !== undefined) numbers.set(key, value);
  }
  return numbers;
}

const NUMBER_TEXT = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const CELL_WORDS = new Map([
  ["True", 1],
  ["False", 0],
]);

function parseObject(line: string): { [key: string]: unknown } | undefined {
  if (!line.startsWith("{")) return undefined;
  const value = parseJson(line) ?? parseJson(quoteBareWords(line));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Python's json writes NaN and Infinity as bare words; they are put in quotes, outside of strings only. */
function quoteBareWords(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (part) => (part.startsWith('"') ? part : `"${part}"`));
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function values(body: unknown): ReadonlyMap<string, number | string> {
  const result = new Map<string, number | string>();
  for (const [key, value] of entries(body)) {
    if (typeof value === "number") result.set(key, value);
    else if (typeof value === "boolean") result.set(key, value ? 1 : 0);
    else if (typeof value === "string") result.set(key, NON_FINITE.get(value) ?? value);
  }
  return result;
}

function texts(body: unknown): ReadonlyMap<string, string> {
  return new Map(entries(body).map(([key, value]) => [key, value === null ? "" : String(value)]));
}

function entries(body: unknown): [string, unknown][] {
  return typeof body === "object" && body !== null && !Array.isArray(body) ? Object.entries(body) : [];
}
