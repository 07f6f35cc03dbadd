/**
 * [P] Values in files that know only text: cells of a CSV file, lines of a list. What reads as a number or as true or false
 * is one; JSON in quotes, brackets or braces is what it says; everything else is text as it stands.
 */
import { readJson } from "../spec/json-reader.ts";
import { entriesOf, itemsOf, kindOf, type SpecNode } from "../spec/node.ts";
import { FloatParam, type ParamValue } from "../spec/types.ts";

/** No zeros in front: `007` is a name. */
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const FLOAT = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
]);

/** The value of a text, or one line that says why it has none. */
export function literalValue(text: string): { value: ParamValue } | { message: string } {
  const boolean = BOOLEANS.get(text);
  if (boolean !== undefined) return { value: boolean };
  if (INTEGER.test(text)) return integerValue(text);
  if (FLOAT.test(text)) return floatValue(Number(text), text);
  if (/^["[{]/.test(text)) {
    const node = readJson(text);
    if (!("message" in node)) return nodeValue(node);
  }
  return textValue(text);
}

/** A JSON value as a parameter. There is none for null, nor for numbers that cannot be kept. */
export function nodeValue(node: SpecNode): { value: ParamValue } | { message: string } {
  const { raw } = node;
  if (typeof raw === "boolean") return { value: raw };
  if (typeof raw === "string") return textValue(raw);
  if (typeof raw === "bigint") return integerValue(String(raw));
  if (typeof raw === "number") return floatValue(raw, "the number");
  if (raw === null) return { message: "null is no value within a list or table" };
  if (kindOf(raw) === "list") return listValue(itemsOf(node));
  const entries: [string, ParamValue][] = [];
  for (const [key, child] of entriesOf(node)) {
    if (/^(?:__proto__|constructor|prototype)$/.test(key)) return { message: `"${key}" cannot be a key` };
    const read = nodeValue(child);
    if ("message" in read) return read;
    entries.push([key, read.value]);
  }
  return { value: Object.fromEntries(entries) };
}

function listValue(items: readonly SpecNode[]): { value: ParamValue } | { message: string } {
  const values: ParamValue[] = [];
  for (const item of items) {
    const read = nodeValue(item);
    if ("message" in read) return read;
    values.push(read.value);
  }
  return { value: values };
}

function integerValue(text: string): { value: ParamValue } | { message: string } {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return { value: value === 0 ? 0 : value };
  return { message: "an integer beyond 2^53 cannot be kept exactly; write it as text, in quotes" };
}

function floatValue(value: number, text: string): { value: ParamValue } | { message: string } {
  return Number.isFinite(value)
    ? { value: new FloatParam(value) }
    : { message: `${text} is beyond what a float holds` };
}

function textValue(text: string): { value: ParamValue } | { message: string } {
  if (text.includes("\0")) return { message: "the text holds a NUL character, which no program can be given" };
  return text.isWellFormed() ? { value: text } : { message: "the text is not valid Unicode" };
}
