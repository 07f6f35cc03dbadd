/** Names and values of parameters: what is accepted, and the values in our own form. */
import { NAME_CHARS_MAX } from "../run/limits.ts";
import { SERIES_KINDS } from "../sampling/series.ts";
import { grouped } from "./document.ts";
import { entriesOf, itemsOf, kindOf, LIST_PLACES_MAX, type SpecNode } from "./node.ts";
import { ARGS_NAME, BUILTIN_NAMES } from "./placeholders.ts";
import { addFinding, excerpt, isReservedKey, keySpan, type Report, readText, wrongType, wrongValue } from "./report.ts";
import { FloatParam, type ParamValue } from "./types.ts";

/** Letters of any script, digits, "_" and "-"; parts joined by dots; the first begins with a letter or "_". */
const NAME = /^[\p{L}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_][\p{L}\p{N}_-]*)*$/u;

const TAKEN: ReadonlySet<string> = new Set([...BUILTIN_NAMES, ARGS_NAME]);

/** Keys of a table that stands for a list of values: `{ linspace = [0, 1, 5] }`. */
export const SERIES_KEYS: readonly string[] = [...SERIES_KINDS, "file"];

/** Why `name`, a dotted path, cannot be a parameter. */
export function parameterNameProblem(name: string): { id: string; message: string; hint?: string } | undefined {
  const shown = excerpt(name);
  const reserved = name.split(".").find(isReservedKey);
  if (reserved !== undefined)
    return { id: "spec.reserved", message: `"${reserved}" cannot be part of a parameter's name` };
  if (TAKEN.has(name)) {
    const hint = name === ARGS_NAME ? "${args} is all parameters" : `\${${name}} is set by ExpFleet`;
    return { id: "spec.reserved", message: `${shown} cannot be a parameter's name`, hint };
  }
  if (name.length > NAME_CHARS_MAX) {
    return { id: "spec.name", message: `the name of a parameter is longer than ${NAME_CHARS_MAX} characters` };
  }
  if (NAME.test(name)) return undefined;
  const hint = 'letters, digits, "_" and "-", joined by dots, a letter or "_" first';
  return { id: "spec.name", message: `${shown} cannot be a parameter's name`, hint };
}

/** True for `{ linspace = […] }` and what was probably meant to be one: not a parameter called `lr.linspace`. */
export function isSeries(node: SpecNode): boolean {
  return kindOf(node.raw) === "table" && entriesOf(node).some(([key]) => SERIES_KEYS.includes(key));
}

/** The value; undefined, and a finding, where it cannot be one. */
export function readParamValue(report: Report, node: SpecNode, label: string): ParamValue | undefined {
  const { raw } = node;
  if (typeof raw === "boolean") return raw;
  if (typeof raw === "string") return readText(report, node, label);
  if (typeof raw === "bigint") return readExactInteger(report, node, label, raw);
  if (typeof raw === "number") return readFloat(report, node, label, raw);
  const kind = kindOf(raw);
  if (kind === "list") return readList(report, node, label);
  if (kind === "table") return readTable(report, node, label);
  const hint = kind === "date" ? "put the date in quotes" : "leave the parameter out";
  return wrongType(report, node, label, "a boolean, number, string, list or table", hint);
}

/** The values of the items of a list; undefined, and a finding, where one cannot be read. */
export function readParamValues(report: Report, items: readonly SpecNode[], label: string): ParamValue[] | undefined {
  const values: ParamValue[] = [];
  for (const [i, item] of items.entries()) {
    const value = readParamValue(report, item, `${label}[${i}]`);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function readExactInteger(report: Report, node: SpecNode, label: string, raw: bigint): number | undefined {
  const value = Number(raw);
  if (Number.isSafeInteger(value)) return value;
  const hint = "write it as a string, or as a float with a point";
  return wrongValue(report, node, `${label} is an integer beyond 2^53, which cannot be kept exactly`, hint);
}

function readFloat(report: Report, node: SpecNode, label: string, raw: number): FloatParam | undefined {
  if (Number.isFinite(raw)) return new FloatParam(raw);
  return wrongValue(report, node, `${label} is not a finite number`, 'write it as a string, such as "inf"');
}

function readList(report: Report, node: SpecNode, label: string): readonly ParamValue[] | undefined {
  const { length } = node.raw as readonly unknown[];
  if (length >= LIST_PLACES_MAX) return wrongValue(report, node, `${label} is a list of ${grouped(length)} values`);
  return readParamValues(report, itemsOf(node), label);
}

function readTable(report: Report, node: SpecNode, label: string): { [key: string]: ParamValue } | undefined {
  const table: { [key: string]: ParamValue } = {};
  for (const [key, child] of entriesOf(node)) {
    if (isReservedKey(key) || !key.isWellFormed() || key.includes("\0")) {
      const message = `${excerpt(key)} cannot be a key of ${label}`;
      addFinding(report, { id: "spec.reserved", message, span: keySpan(child) });
      return undefined;
    }
    const value = readParamValue(report, child, `${label}.${key}`);
    if (value === undefined) return undefined;
    table[key] = value;
  }
  return table;
}
