/** Values as text and text as numbers, as Python's str(), repr(), int() and float() have them. */

import { FloatParam } from "../spec/types.ts";
import { floatText } from "../spec/value-text.ts";
import { STRING_CHARS_MAX } from "./limits.ts";
import { isList, type Value } from "./value.ts";
import { type At, fail, spend, type Walk } from "./walk.ts";

/** What `str(value)` gives. */
export function textOf(walk: Walk, at: At, value: Value): string {
  if (typeof value === "string") return value;
  const parts: string[] = [];
  writeValue(walk, at, value, { parts, length: 0 });
  return parts.join("");
}

/** An exact integer from a text such as " -1_000 "; undefined where it is none. */
export function readInteger(text: string): number | undefined {
  const trimmed = text.trim();
  return /^[-+]?\d+(?:_\d+)*$/.test(trimmed) ? Number(trimmed.replaceAll("_", "")) + 0 : undefined;
}

/** A float from a text such as "1e-3", "inf" or "nan"; undefined where it is none. */
export function readFloat(text: string): number | undefined {
  const trimmed = text.trim();
  const special = /^([-+]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (special) {
    if (special[2]?.toLowerCase() === "nan") return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return FLOAT.test(trimmed) ? Number(trimmed.replaceAll("_", "")) : undefined;
}

/** No two ways to read the same digits, so that a long text that is no number is refused in one pass. */
const FLOAT = /^[-+]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][-+]?\d+(?:_\d+)*)?$/;

/** Text under way; its length is kept, as values that share elements can be written very long. */
interface Writing {
  readonly parts: string[];
  length: number;
}

function writeValue(walk: Walk, at: At, value: Value, writing: Writing): void {
  if (value === null || typeof value !== "object" || value instanceof FloatParam) {
    write(walk, at, scalarText(value), writing);
  } else if (isList(value)) {
    writeItems(walk, at, "[", "]", value, writing, (item) => writeValue(walk, at, item, writing));
  } else {
    writeItems(walk, at, "{", "}", Object.entries(value), writing, ([key, item]) => {
      write(walk, at, `${quoted(key)}: `, writing);
      writeValue(walk, at, item, writing);
    });
  }
}

function writeItems<Item>(
  walk: Walk,
  at: At,
  open: string,
  close: string,
  items: readonly Item[],
  writing: Writing,
  writeItem: (item: Item) => void,
): void {
  write(walk, at, open, writing);
  for (const [i, item] of items.entries()) {
    if (walk.problem !== undefined) return;
    if (i > 0) write(walk, at, ", ", writing);
    writeItem(item);
  }
  write(walk, at, close, writing);
}

function write(walk: Walk, at: At, text: string, writing: Writing): void {
  writing.length += text.length;
  if (!spend(walk, at, 1)) return;
  if (writing.length > STRING_CHARS_MAX) {
    fail(walk, "limit", at, `the text has more than ${STRING_CHARS_MAX} characters`);
    return;
  }
  writing.parts.push(text);
}

function scalarText(value: null | boolean | number | string | FloatParam): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  if (Number.isFinite(value.float)) return floatText(value.float);
  return Number.isNaN(value.float) ? "nan" : value.float > 0 ? "inf" : "-inf";
}

/** Single quotes, unless the text holds those and no double ones; what cannot be seen is escaped. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replace(UNSEEN, (character) => escapeOf(character)).replaceAll(quote, `\\${quote}`);
  return quote + inside + quote;
}

/** Backslashes, and what Python calls not printable. */
const UNSEEN = /\\|[^\P{Z} ]|\p{C}/gu;

const SHORT = new Map([
  ["\\", "\\\\"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
]);

function escapeOf(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
