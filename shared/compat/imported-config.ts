/**
 * [P] Configurations of work that was done elsewhere: read from JSON as Python writes it, shown as parameters, and compared as
 * ztxexp compares them. There `1`, `1.0` and `True` are equal, a missing key differs from null, nothing equals NaN, and the
 * order of keys does not count.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../spec/canonical.ts";
import { type JsonWord, readJson } from "../spec/json-reader.ts";
import { FloatParam, type Params, type ParamValue } from "../spec/types.ts";
import { floatText, isList } from "../spec/value-text.ts";

/** A JSON value: integers are bigint, all other numbers floats, objects have no prototype. */
export type PythonJson = null | boolean | string | bigint | number | readonly PythonJson[] | PythonObject;
export interface PythonObject {
  readonly [key: string]: PythonJson;
}

const WORDS: readonly JsonWord[] = [
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];

/** A text as Python's `json.dump` writes it; undefined, with the reason, where it is none. */
export function readPythonJson(text: string): { value: PythonJson } | { problem: string } {
  const node = readJson(text, WORDS);
  return "message" in node ? { problem: node.message } : { value: node.raw as PythonJson };
}

export function isObject(value: PythonJson | undefined): value is PythonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** On one line, as `readPythonJson` reads it. */
export function pythonJsonText(value: PythonJson): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? floatText(value) : String(value);
    case "bigint":
    case "boolean":
      return String(value);
    default:
      break;
  }
  if (value === null) return "null";
  if (!isObject(value)) return `[${value.map(pythonJsonText).join(",")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${pythonJsonText(item)}`)
    .join(",")}}`;
}

/**
 * For people: nested objects as dotted names. What a parameter cannot be is left out (null), or shown as text (integers beyond
 * 2^53, NaN, infinities).
 */
export function paramsOfConfig(config: PythonObject): Params {
  const params = new Map<string, ParamValue>();
  const visit = (prefix: string, object: PythonObject) => {
    for (const [key, value] of Object.entries(object)) {
      const name = prefix === "" ? key : `${prefix}.${key}`;
      if (isObject(value) && Object.keys(value).length > 0) visit(name, value);
      else if (value !== null) params.set(name, shownValue(value));
    }
  };
  visit("", config);
  return params;
}

/** What two configurations have in common when they are equal; undefined for one that equals none, not even itself. */
export function comparedText(config: PythonObject): string | undefined {
  return canonical(config);
}

/** As `comparedText`, of the parameters of a sweep's point. `isIgnored`: by dotted name. */
export function comparedTextOfParams(params: Params, isIgnored: (name: string) => boolean): string | undefined {
  const counted = [...params].filter(([name]) => !isIgnored(name));
  return canonical(nestedConfig(counted));
}

/** A text of `comparedText` without what is ignored. */
export function withoutIgnored(text: string, isIgnored: (name: string) => boolean): string | undefined {
  const read = readPythonJson(text);
  if ("problem" in read || !isObject(read.value)) throw new Error(`a stored configuration cannot be read: ${text}`);
  return canonical(prune("", read.value, isIgnored));
}

/** Names equal texts; a text itself can be long. */
export function configKey(text: string): string {
  return `config:${hash("sha256", text, "hex")}`;
}

/** What EXP knows of work: how it was called and what was run. */
export function experimentKey(name: string, command: string): string {
  return `experiment:${hash("sha256", canonicalJson({ name, command }), "hex")}`;
}

function shownValue(value: Exclude<PythonJson, null>): ParamValue {
  switch (typeof value) {
    case "string":
      return value.toWellFormed();
    case "boolean":
      return value;
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "number":
      return Number.isFinite(value) ? new FloatParam(value) : String(value);
    default:
      break;
  }
  const shown = (item: PythonJson) => (item === null ? "null" : shownValue(item));
  if (!isObject(value)) return value.map(shown);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]));
}

/** Keys in order, numbers that are equal written equally. */
function canonical(value: PythonJson): string | undefined {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "1" : "0";
    case "bigint":
      return String(value);
    case "number":
      return canonicalNumber(value);
    default:
      break;
  }
  if (value === null) return "null";
  if (!isObject(value)) {
    const items = value.map(canonical);
    return items.includes(undefined) ? undefined : `[${items.join(",")}]`;
  }
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = canonical(value[key] ?? null);
    if (text === undefined) return undefined;
    parts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}

/** A float that is whole is the integer it equals, as in Python. */
function canonicalNumber(value: number): string | undefined {
  if (Number.isNaN(value)) return undefined;
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) ? String(BigInt(value)) : floatText(value);
}

function prune(prefix: string, object: PythonObject, isIgnored: (name: string) => boolean): PythonObject {
  const kept = Object.entries(object).flatMap(([key, value]): [string, PythonJson][] => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (isIgnored(name)) return [];
    return [[key, isObject(value) ? prune(name, value, isIgnored) : value]];
  });
  return Object.fromEntries(kept);
}

/** Dotted names as nested objects. Objects without a prototype, as a name can be anything. */
function nestedConfig(params: Iterable<readonly [string, ParamValue]>): PythonObject {
  const root: MutableObject = Object.create(null);
  for (const [name, value] of params) {
    const parts = name.split(".");
    const last = parts.pop() ?? "";
    let at = root;
    for (const part of parts) {
      const next = at[part];
      const inner: MutableObject = isObject(next) ? next : Object.create(null);
      at[part] = inner;
      at = inner;
    }
    at[last] = rawOf(value);
  }
  return root;
}

interface MutableObject {
  [key: string]: PythonJson;
}

function rawOf(value: ParamValue): PythonJson {
  if (value instanceof FloatParam) return value.float;
  if (typeof value === "number") return BigInt(value);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(rawOf);
  const object: MutableObject = Object.create(null);
  for (const [key, item] of Object.entries(value)) object[key] = rawOf(item);
  return object;
}
