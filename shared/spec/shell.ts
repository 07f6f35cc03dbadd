/**
 * Values inside a command for `/bin/sh -c`, so that no value ever becomes shell text. The quotes around each placeholder
 * are followed through the text, because `"${x}"` needs another quoting than `${x}`; where they cannot be followed (here-
 * documents, backticks, comments), a placeholder is refused.
 */
import type { Segment } from "./placeholders.ts";

/** Where a placeholder stands in shell text. */
export interface ShellContext {
  readonly quotes: "none" | "single" | "double";
  /** What is written beside it could join with an unquoted value into something else, such as `$HOME` and `S`. */
  readonly joins: boolean;
}

export interface ShellRefusal {
  readonly refusal: string;
}

/** The context of each placeholder, in order. */
export function shellContexts(segments: readonly Segment[]): (ShellContext | ShellRefusal)[] {
  const scan: Scan = {
    frames: [{ kind: "none", parens: 0 }],
    doubt: undefined,
    escaped: false,
    comment: false,
    word: "",
  };
  const contexts: (ShellContext | ShellRefusal)[] = [];
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === "literal") {
      scanLiteral(scan, segment.text);
    } else {
      contexts.push(contextOf(scan, segments[i - 1], segments[i + 1]));
      scan.escaped = false;
      scan.word += "x";
    }
  }
  return contexts;
}

/** The text that stands for `value` in `context`. */
export function quoteInContext(value: string, context: ShellContext): string {
  if (!context.joins && isPlain(value)) return value;
  switch (context.quotes) {
    case "none":
      return quoted(value);
    case "single":
      return `'${quoted(value)}'`;
    case "double":
      return `"${quoted(value)}"`;
  }
}

/** Words as shell text, separated by spaces. */
export function quoteWords(words: readonly string[]): string {
  return words.map((word) => (isPlain(word) || PLAIN_FLAG.test(word) ? word : quoted(word))).join(" ");
}

interface Frame {
  /** `none`: outside of quotes, at the top or within `$(…)`. */
  readonly kind: "none" | "single" | "double";
  /** Open parentheses of a `none` frame. */
  parens: number;
}

interface Scan {
  /** The innermost last; never empty. */
  readonly frames: Frame[];
  /** Why quotes cannot be followed from here on. */
  doubt: string | undefined;
  /** After a backslash. */
  escaped: boolean;
  comment: boolean;
  /** The word so far, outside of quotes. */
  word: string;
}

const PLAIN = /^[A-Za-z0-9_./:@%+,-]+$/;
/** A flag with its value attached; not read as an assignment, as no variable is called so. */
const PLAIN_FLAG = /^-[A-Za-z0-9_./:@%+,-]+=[A-Za-z0-9_./:@%+,-]+$/;
const RESERVED = new Set(
  "if then else elif fi do done case esac while until for in function select time coproc".split(" "),
);

function isPlain(value: string): boolean {
  return PLAIN.test(value) && !RESERVED.has(value);
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function contextOf(scan: Scan, before: Segment | undefined, after: Segment | undefined): ShellContext | ShellRefusal {
  const quotes = scan.frames.at(-1)?.kind ?? "none";
  const left = before?.kind === "literal" ? before.text : "";
  const right = after?.kind === "literal" ? after.text : "";
  if (scan.doubt !== undefined) return { refusal: `cannot stand after ${scan.doubt}` };
  if (scan.comment) return { refusal: "cannot stand in a comment" };
  if (quotes === "single") return { quotes, joins: false };
  if (scan.escaped) return { refusal: "cannot follow a backslash; $$ is a dollar sign" };
  if (left.endsWith("$")) return { refusal: "cannot follow a dollar sign" };
  const variable = /\$[A-Za-z0-9_]+$/.test(left);
  if (quotes === "double") return { quotes, joins: variable };
  return { quotes, joins: variable || /[~[]$/.test(left) || /^[<>=(]/.test(right) };
}

function scanLiteral(scan: Scan, text: string): void {
  for (let i = 0; i < text.length && scan.doubt === undefined; i++) {
    const char = text[i] ?? "";
    const frame = scan.frames.at(-1);
    if (scan.comment) {
      if (char === "\n") scan.comment = false;
    } else if (scan.escaped) {
      scan.escaped = false;
      // A backslash before a newline is nothing at all.
      if (char !== "\n") scan.word += "x";
    } else if (frame?.kind === "single") {
      if (char === "'") scan.frames.pop();
    } else if (char === "\\") {
      scan.escaped = true;
    } else if (char === "`") {
      scan.doubt = "a backtick; use $(…)";
    } else if (char === "$") {
      i += scanDollar(scan, text, i);
    } else if (frame?.kind === "double") {
      if (char === '"') scan.frames.pop();
    } else {
      scanBare(scan, text, i);
    }
  }
}

/** At a dollar sign outside of single quotes. Returns how many further characters it took. */
function scanDollar(scan: Scan, text: string, at: number): number {
  const next = text[at + 1];
  const isBare = scan.frames.at(-1)?.kind === "none";
  scan.word += "$";
  if (next === "(") {
    scan.frames.push({ kind: "none", parens: 0 });
    scan.word = "";
    return 1;
  }
  if (next === "'" && isBare) {
    scan.doubt = "$'…'";
  } else if (next === "{") {
    const simple = /^\{[A-Za-z0-9_:.+=?#%/@*!-]*\}/.exec(text.slice(at + 1));
    if (simple) return simple[0].length;
    scan.doubt = "a shell expansion ${…} with quotes or spaces in it";
  }
  return 0;
}

/** One character outside of quotes that is neither backslash, backtick nor dollar sign. */
function scanBare(scan: Scan, text: string, at: number): void {
  const char = text[at] ?? "";
  const frame = scan.frames.at(-1);
  const isWordStart = scan.word === "";
  if (char === "#" && isWordStart) {
    scan.comment = true;
  } else if (char === "'") {
    scan.frames.push({ kind: "single", parens: 0 });
    scan.word += "x";
  } else if (char === '"') {
    scan.frames.push({ kind: "double", parens: 0 });
    scan.word += "x";
  } else if (char === "<" && text[at + 1] === "<") {
    scan.doubt = "<<";
  } else if (/[\s;&|()<>]/.test(char)) {
    // A pattern of `case` ends in ")", which would read as the end of $(…).
    if (scan.word === "case" && scan.frames.length > 1) scan.doubt = "case within $(…)";
    scan.word = "";
    if (char === "(" && frame) frame.parens += 1;
    if (char === ")" && frame) closeParenthesis(scan, frame);
  } else {
    scan.word += char;
  }
}

function closeParenthesis(scan: Scan, frame: Frame): void {
  if (frame.parens > 0) {
    frame.parens -= 1;
  } else if (scan.frames.length > 1) {
    scan.frames.pop();
    scan.word = "x";
  }
}
