/**
 * `${…}` in texts of a sweep file: what is literal and what is to be computed. `$$` is a dollar sign; any other `$` stays.
 */

/** Names that every run has; a parameter cannot be called like one of them. */
export const BUILTIN_NAMES = [
  "run.id",
  "run.name",
  "run.index",
  "run.attempt",
  "run.dir",
  "sweep.name",
  "node.name",
  "gpus",
  "run.nodes",
  "run.rank",
  "run.master_addr",
  "run.master_port",
] as const;

/** Where an earlier attempt left off. A parameter of this name takes its place. */
export const RESUME_NAME = "resume";

/** Families of names: labels of the host, and variables of its environment. */
export const LABEL_PREFIX = "node.labels.";
export const ENV_PREFIX = "env.";

/** Stands for all parameters in the style of `run.args`. */
export const ARGS_NAME = "args";

export type Segment = Literal | Placeholder;

export interface Literal {
  readonly kind: "literal";
  readonly text: string;
}

export interface Placeholder {
  readonly kind: "placeholder";
  /** What is within the braces, without the space around it. */
  readonly text: string;
  /** As written, `${ lr }`. */
  readonly raw: string;
  /** Offset of `raw` within the whole text. */
  readonly at: number;
  /** Offset of `text` within `raw`. */
  readonly offset: number;
  /** False: no `}` up to the end of the text. */
  readonly closed: boolean;
}

/** The parts of a text in order. Neighbouring literals are one. */
export function parsePlaceholders(text: string): Segment[] {
  const segments: Segment[] = [];
  let literal = "";
  let at = 0;
  const flush = () => {
    if (literal !== "") segments.push({ kind: "literal", text: literal });
    literal = "";
  };
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    literal += text.slice(at, dollar);
    at = dollar;
    if (text[at + 1] === "$") {
      literal += "$";
      at += 2;
    } else if (text[at + 1] === "{") {
      flush();
      const segment = placeholderAt(text, at);
      segments.push(segment);
      at += segment.raw.length;
    } else {
      literal += "$";
      at += 1;
    }
  }
  literal += text.slice(at);
  flush();
  return segments;
}

/** The text as a template that renders to it. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("$", "$$$$");
}

function placeholderAt(text: string, start: number): Placeholder {
  const close = closingBrace(text, start + 2);
  const raw = close < 0 ? text.slice(start) : text.slice(start, close + 1);
  const inner = raw.slice(2, close < 0 ? undefined : -1);
  const offset = 2 + inner.length - inner.trimStart().length;
  return { kind: "placeholder", text: inner.trim(), raw, at: start, offset, closed: close >= 0 };
}

/**
 * The brace that ends the placeholder whose inside begins at `from`: those in quotes and in pairs do not. Where a quote is
 * not closed, the next brace, so that the expression can tell what is wrong. -1: none.
 */
function closingBrace(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === "'" || char === '"') {
      const end = closingQuote(text, at);
      if (end < 0) return text.indexOf("}", from);
      at = end;
    } else if (char === "{") {
      depth += 1;
    } else if (char === "}") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return depth === 0 ? -1 : text.indexOf("}", from);
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === text[open]) return at;
  }
  return -1;
}
