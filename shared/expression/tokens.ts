/** From the text of an expression to its words. Numbers and strings are read here, as Python writes them, with units. */
import { parseBytes } from "../kernel/bytes.ts";
import { parseDuration } from "../kernel/duration.ts";
import { excerpt } from "../spec/report.ts";
import { FloatParam } from "../spec/types.ts";
import { EXPRESSION_CHARS_MAX } from "./limits.ts";
import type { ExpressionProblem } from "./problem.ts";
import { readString } from "./string-literal.ts";

export type Token =
  | {
      readonly kind: "value";
      readonly value: number | string | FloatParam;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "name" | "operator" | "end"; readonly text: string; readonly start: number; readonly end: number };

/** The words of an expression, an "end" last; or why it cannot be read. */
export function readTokens(text: string): readonly Token[] | ExpressionProblem {
  if (text.length > EXPRESSION_CHARS_MAX) {
    const message = `the expression has ${text.length} characters; the limit is ${EXPRESSION_CHARS_MAX}`;
    return { kind: "limit", message, start: 0, end: 0 };
  }
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    at = matchAt(SPACE, text, at)?.end ?? at;
    if (at >= text.length) break;
    const token = readToken(text, at);
    if ("message" in token) return token;
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
  return tokens;
}

const SPACE = /[ \t\r\n\f]+/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const OPERATOR = /\*\*|\/\/|[=!<>]=(?!=)|[-+*/%<>()[\],.]/y;
const BASED_INTEGER = /0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)/y;
const FLOAT =
  /(?:\d(?:_?\d)*\.(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?|\d(?:_?\d)*[eE][-+]?\d(?:_?\d)*/y;
const INTEGER = /\d(?:_?\d)*/y;
const WITH_UNIT = /(?:\d+(?:\.\d+)?[A-Za-z]+)+/y;
const WORD_REST = /[\p{L}\p{N}_]+/uy;

/** What other languages write, and what to write here. Longer ones first. */
const FOREIGN: readonly (readonly [written: string, hint: string])[] = [
  ["===", "write =="],
  ["!==", "write !="],
  ["<>", "write !="],
  ["&&", "write and"],
  ["||", "write or"],
  ["&", "write and"],
  ["|", "write or"],
  ["!", "write not"],
  ["~", "write not"],
  ["^", "write ** for a power"],
  ["=", "write == to compare"],
  ["?", "write: a if condition else b"],
  [":", "there are no slices, and no tables in { }"],
  ["{", "write a list: [1, 2]"],
  ["$", "names stand alone in an expression: lr, not ${lr}"],
  ["≤", "write <="],
  ["≥", "write >="],
  ["≠", "write !="],
  ["×", "write *"],
  ["“", "write straight quotes: \"text\" or 'text'"],
  ["”", "write straight quotes: \"text\" or 'text'"],
  ["‘", "write straight quotes: \"text\" or 'text'"],
  ["’", "write straight quotes: \"text\" or 'text'"],
];

function readToken(text: string, start: number): Token | ExpressionProblem {
  const first = text[start] ?? "";
  if (first === '"' || first === "'") return readString(text, start);
  if (isDigit(first) || (first === "." && isDigit(text[start + 1] ?? ""))) return readNumber(text, start);
  const name = matchAt(NAME, text, start);
  if (name) {
    const next = text[name.end];
    if (next !== '"' && next !== "'") return { kind: "name", ...name };
    const message = `a string cannot have the prefix ${excerpt(name.text)}`;
    return { kind: "syntax", message, start, end: name.end };
  }
  const operator = matchAt(OPERATOR, text, start);
  if (operator) return { kind: "operator", ...operator };
  const foreign = FOREIGN.find(([written]) => text.startsWith(written, start));
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  const written = foreign?.[0] ?? character;
  return {
    kind: "syntax",
    message: `${named(written)} is not part of the language`,
    start,
    end: start + written.length,
    ...(foreign && { hint: foreign[1] }),
  };
}

/** The character in quotes, by its number where it may not be visible. */
function named(written: string): string {
  const code = written.codePointAt(0) ?? 0;
  if (/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(written)) return excerpt(written);
  return `the character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function readNumber(text: string, start: number): Token | ExpressionProblem {
  const based = matchAt(BASED_INTEGER, text, start);
  if (based) return wholeWord(text, based) ?? integerToken(based);
  const unit = matchAt(WITH_UNIT, text, start);
  const float = matchAt(FLOAT, text, start);
  // `1e5` is a float, though it looks like a unit called "e" and more.
  if (float && (unit === undefined || float.end >= unit.end || /e/i.test(float.text))) {
    const value = new FloatParam(Number(float.text.replaceAll("_", "")));
    return wholeWord(text, float) ?? { kind: "value", value, start, end: float.end };
  }
  if (unit) return wholeWord(text, unit) ?? quantityToken(unit);
  const integer = matchAt(INTEGER, text, start) ?? { text: "", start, end: start };
  const problem = wholeWord(text, integer);
  if (problem) return problem;
  if (!/^0[0_]*[1-9]/.test(integer.text)) return integerToken(integer);
  return { kind: "syntax", message: "an integer cannot begin with a zero", start, end: integer.end };
}

/** Refuses a number that runs into a word: `1_000GB`, `3x`. */
function wholeWord(text: string, number: Match): ExpressionProblem | undefined {
  const rest = matchAt(WORD_REST, text, number.end);
  return rest && unknownUnit({ text: number.text + rest.text, start: number.start, end: rest.end });
}

function integerToken({ text, start, end }: Match): Token | ExpressionProblem {
  const value = Number(text.replaceAll("_", ""));
  if (Number.isSafeInteger(value)) return { kind: "value", value, start, end };
  const message = `${excerpt(text)} is beyond 2^53, where integers cannot be kept exactly`;
  return { kind: "value", message, start, end, hint: "write it as a float, with a point" };
}

/** `24GB` in bytes; `1h30m` in seconds, an int where it is whole. */
function quantityToken(match: Match): Token | ExpressionProblem {
  const { text, start, end } = match;
  const ms = parseDuration(text);
  if (ms !== undefined) {
    const value = ms % 1000 === 0 ? ms / 1000 : new FloatParam(ms / 1000);
    return typeof value === "number"
      ? integerToken({ text: String(value), start, end })
      : { kind: "value", value, start, end };
  }
  const bytes = parseBytes(text);
  return bytes === undefined ? unknownUnit(match) : integerToken({ text: String(bytes), start, end });
}

function unknownUnit({ text, start, end }: Match): ExpressionProblem {
  return {
    kind: "syntax",
    message: `${excerpt(text)} is no number`,
    start,
    end,
    hint: "units are ms s m h d (in seconds) and B kB MB GB TB KiB MiB GiB TiB (in bytes); an operator or a space may be missing",
  };
}

interface Match {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function matchAt(pattern: RegExp, text: string, start: number): Match | undefined {
  pattern.lastIndex = start;
  const [found] = pattern.exec(text) ?? [];
  return found === undefined ? undefined : { text: found, start, end: start + found.length };
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}
