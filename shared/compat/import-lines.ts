/** [P] Rows and metrics that EXP and ztxexp left, as lines of a client stream: what a program of ours would have written. */
import { csvRecords } from "../sampling/csv.ts";
import { isObject, type PythonJson, type PythonObject, readPythonJson } from "./imported-config.ts";
import { timeOf } from "./imported-run.ts";

/** One line of metrics.jsonl; undefined where it holds no metrics. */
export function pointLine(text: string): string | undefined {
  const event = objectOf(text);
  if (!event || !isObject(event.metrics)) return undefined;
  const v = Object.fromEntries(Object.entries(event.metrics).flatMap(([key, value]) => pair(key, value)));
  if (Object.keys(v).length === 0) return undefined;
  const at = timeOf(event.timestamp, "Z");
  const step = typeof event.step === "number" || typeof event.step === "bigint" ? Number(event.step) : undefined;
  const c = Object.fromEntries(
    ["split", "phase"].flatMap((key) => {
      const word = event[key];
      return typeof word === "string" ? [[key, word]] : [];
    }),
  );
  return JSON.stringify({
    e: "m",
    t: at === undefined ? undefined : at / 1000,
    s: Number.isFinite(step) ? step : undefined,
    v,
    c: Object.keys(c).length === 0 ? undefined : c,
  });
}

/** What metrics.json says: final values, those within others by dotted names. Without a line where it says no number. */
export function finalsLine(text: string): { readonly line: string | undefined } | { readonly problem: string } {
  const read = readPythonJson(text);
  if ("problem" in read) return { problem: `is not valid JSON: ${read.problem}` };
  if (!isObject(read.value)) return { problem: "is no object" };
  const v: { [key: string]: number | string } = {};
  const add = (prefix: string, object: PythonObject) => {
    for (const [key, value] of Object.entries(object)) {
      const name = `${prefix}${key}`;
      if (isObject(value)) add(`${name}.`, value);
      else if (typeof value !== "boolean") Object.assign(v, Object.fromEntries(pair(name, value)));
    }
  };
  add("", read.value);
  return { line: Object.keys(v).length === 0 ? undefined : JSON.stringify({ e: "u", v }) };
}

/** The fields of one record of a CSV, as they stand there; undefined for what is none. */
export function csvCells(text: string): string[] | undefined {
  const [record] = csvRecords(text);
  if (!Array.isArray(record)) return undefined;
  // Blanks around a field are a part of it: nobody writes these files by hand.
  return record.map((field) => (field.isQuoted ? field.text : text.slice(field.start, field.end)));
}

/** A row of a table of EXP. */
export function rowLine(columns: readonly string[], cells: readonly string[]): string {
  return JSON.stringify({ e: "r", v: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ""])) });
}

function objectOf(text: string): PythonObject | undefined {
  const read = readPythonJson(text);
  return "value" in read && isObject(read.value) ? read.value : undefined;
}

/** JSON has no NaN and no infinities: they go as texts. */
function pair(key: string, value: PythonJson): [string, number | string][] {
  if (typeof value === "boolean") return [[key, value ? 1 : 0]];
  if (typeof value !== "number" && typeof value !== "bigint") return [];
  const number = Number(value);
  return [[key, Number.isFinite(number) ? number : String(number)]];
}
