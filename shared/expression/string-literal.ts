/** Strings as Python writes them: single or double quotes, with Python's escapes. */
import type { ExpressionProblem } from "./problem.ts";

export interface StringToken {
  readonly kind: "value";
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const ESCAPES = new Map([
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["a", "\u0007"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["\n", ""],
]);

/** Digits after the letter. */
const CODE_DIGITS = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

/** Reads the string whose quote is at `start`. */
export function readString(text: string, start: number): StringToken | ExpressionProblem {
  const quote = text[start];
  let value = "";
  let at = start + 1;
  while (text[at] !== quote) {
    const character = text[at];
    if (character === undefined || character === "\n") {
      return problem("the string has no closing quote", start, at);
    }
    if (character !== "\\") {
      value += character;
      at += 1;
      continue;
    }
    const found = readEscape(text, at);
    if (typeof found === "string") return problem(found, at, Math.min(at + 2, text.length));
    value += found.value;
    at = found.end;
  }
  const end = at + 1;
  if (value.includes("\0")) return problem("a string cannot hold a NUL character", start, end);
  if (!value.isWellFormed()) return problem("the string is not valid Unicode", start, end);
  return { kind: "value", value, start, end };
}

/** What the escape at the backslash `at` stands for; a message where it stands for nothing. */
function readEscape(text: string, at: number): { value: string; end: number } | string {
  const letter = text[at + 1] ?? "";
  const plain = ESCAPES.get(letter);
  if (plain !== undefined) return { value: plain, end: at + 2 };
  const count = CODE_DIGITS.get(letter);
  if (count !== undefined) {
    const digits = text.slice(at + 2, at + 2 + count);
    const code = new RegExp(`^[0-9a-fA-F]{${count}}$`).test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    if (!(code <= 0x10ffff)) return `\\${letter} needs ${count} hexadecimal digits of a character`;
    return { value: String.fromCodePoint(code), end: at + 2 + count };
  }
  const [octal] = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4)) ?? [];
  if (octal !== undefined)
    return { value: String.fromCodePoint(Number.parseInt(octal, 8)), end: at + 1 + octal.length };
  if (letter === "N") return "characters have no names here; write \\u and four hexadecimal digits";
  // As in Python: an escape that means nothing keeps its backslash.
  return { value: "\\", end: at + 1 };
}

function problem(message: string, start: number, end: number): ExpressionProblem {
  return { kind: "syntax", message, start, end };
}
