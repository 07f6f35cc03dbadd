/**
 * Keys of the sweep file as data: what kind of value each takes, and one sentence about it. The reader of tables, the
 * documentation's tests and the JSON Schema all go by these.
 */
import { parseBytes } from "../kernel/bytes.ts";
import { grouped } from "./document.ts";
import { itemsOf, kindOf, type SpecNode } from "./node.ts";
import {
  excerpt,
  hasKind,
  type Report,
  readDuration,
  readInteger,
  readText,
  readWord,
  wrongType,
  wrongValue,
} from "./report.ts";

/** What a key takes, for people and for editors. Sizes and durations are texts in the file. */
export type KeyType =
  | { readonly kind: "text" | "texts" | "boolean" | "duration" | "size" | "expression" | "expressions" | "path" }
  | { readonly kind: "integer" | "number"; readonly min: number; readonly max: number }
  | { readonly kind: "integers"; readonly min: number; readonly max: number }
  | { readonly kind: "word" | "words"; readonly words: readonly string[] }
  /** A value of its own form, read by its own code; `form` names it. */
  | { readonly kind: "own"; readonly form: OwnForm };

export type OwnForm =
  | "command"
  | "env"
  | "args"
  | "parameters"
  | "axes"
  | "zip"
  | "variants"
  | "space"
  | "derive"
  | "runs"
  | "gpu"
  | "backoff"
  | "alternatives"
  | "remedies"
  /** Known, and refused by its own reader. */
  | "refused"
  | "table"
  | "date";

export interface Key<T = unknown> {
  readonly type: KeyType;
  /** One sentence, without a full stop. */
  readonly doc: string;
  /** What holds where the key is absent, in words. */
  readonly without?: string;
  /** Undefined, and a finding, for a value that it does not take. */
  readonly read: (report: Report, node: SpecNode, label: string) => T | undefined;
}

export type Keys = { readonly [name: string]: Key };

interface Notes {
  readonly without?: string;
}

/** The node itself, for a reader of its own. */
export function own(form: OwnForm, doc: string, notes: Notes = {}): Key<SpecNode> {
  return { type: { kind: "own", form }, doc, ...notes, read: (_report, node) => node };
}

export function text(doc: string, notes: Notes = {}): Key<string> {
  return { type: { kind: "text" }, doc, ...notes, read: readFilledText };
}

/** A text that may be empty, where its own rules say more than that. */
export function name(doc: string, notes: Notes = {}): Key<string> {
  return { type: { kind: "text" }, doc, ...notes, read: readText };
}

/** A file or directory, as it is written. */
export function path(doc: string, notes: Notes = {}): Key<string> {
  return { type: { kind: "path" }, doc, ...notes, read: readFilledText };
}

export function texts(doc: string, notes: Notes = {}): Key<readonly string[]> {
  return {
    type: { kind: "texts" },
    doc,
    ...notes,
    read: (report, node, label) => readList(report, node, label, "a list of strings", readFilledText),
  };
}

export function boolean(doc: string, notes: Notes = {}): Key<boolean> {
  return {
    type: { kind: "boolean" },
    doc,
    ...notes,
    read: (report, node, label) => (hasKind(report, node, label, "boolean") ? node.raw === true : undefined),
  };
}

export function integer(min: number, max: number, doc: string, notes: Notes = {}): Key<number> {
  return {
    type: { kind: "integer", min, max },
    doc,
    ...notes,
    read: (report, node, label) => readInteger(report, node, label, min, max),
  };
}

/** An int or a float, as a JavaScript number. */
export function number(min: number, max: number, doc: string, notes: Notes = {}): Key<number> {
  return {
    type: { kind: "number", min, max },
    doc,
    ...notes,
    read: (report, node, label) => readNumber(report, node, label, min, max),
  };
}

export function word<Word extends string>(words: readonly Word[], doc: string, notes: Notes = {}): Key<Word> {
  return {
    type: { kind: "word", words },
    doc,
    ...notes,
    read: (report, node, label) => readWord(report, node, label, words),
  };
}

export function words<Word extends string>(
  known: readonly Word[],
  doc: string,
  notes: Notes = {},
): Key<readonly Word[]> {
  const readOne = (report: Report, node: SpecNode, label: string) => readWord(report, node, label, known);
  return {
    type: { kind: "words", words: known },
    doc,
    ...notes,
    read: (report, node, label) => readList(report, node, label, "a list of words", readOne),
  };
}

/** Milliseconds. `minMs` 1: nothing is no duration here. */
export function duration(minMs: 0 | 1 | 1000, doc: string, notes: Notes = {}): Key<number> {
  return {
    type: { kind: "duration" },
    doc,
    ...notes,
    read: (report, node, label) => readDuration(report, node, label, minMs),
  };
}

/** Bytes. */
export function size(doc: string, notes: Notes = {}): Key<number> {
  return { type: { kind: "size" }, doc, ...notes, read: readSize };
}

/** An expression, or a list of them, that is parsed elsewhere. */
export function expression(doc: string, notes: Notes = {}): Key<SpecNode> {
  return { type: { kind: "expression" }, doc, ...notes, read: (_report, node) => node };
}

export function expressions(doc: string, notes: Notes = {}): Key<SpecNode> {
  return { type: { kind: "expressions" }, doc, ...notes, read: (_report, node) => node };
}

/** Items of a list, each read by `read`; undefined where one of them is refused. */
export function readList<T>(
  report: Report,
  node: SpecNode,
  label: string,
  wanted: string,
  read: (report: Report, node: SpecNode, label: string) => T | undefined,
): T[] | undefined {
  if (kindOf(node.raw) !== "list") return wrongType(report, node, label, wanted, "put it in brackets: [ … ]");
  const values: T[] = [];
  for (const [i, item] of itemsOf(node).entries()) {
    const value = read(report, item, `${label}[${i}]`);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function readFilledText(report: Report, node: SpecNode, label: string): string | undefined {
  const value = readText(report, node, label);
  return value === "" ? wrongValue(report, node, `${label} is empty`, "leave it out") : value;
}

function readNumber(report: Report, node: SpecNode, label: string, min: number, max: number): number | undefined {
  const { raw } = node;
  if (typeof raw !== "number" && typeof raw !== "bigint") return wrongType(report, node, label, "a number");
  const value = Number(raw);
  if (!Number.isFinite(value)) return wrongValue(report, node, `${label} is not a finite number`);
  if (value < min) return wrongValue(report, node, `${label} must be ${min} or more, not ${value}`);
  if (value > max) return wrongValue(report, node, `${label} must be at most ${grouped(max)}, not ${value}`);
  return value;
}

function readSize(report: Report, node: SpecNode, label: string): number | undefined {
  const hint = 'write it like "16GB", "512MB" or "1.5 TiB"';
  const value = readText(report, node, label, hint);
  if (value === undefined) return undefined;
  const bytes = parseBytes(value);
  if (bytes === undefined) return wrongValue(report, node, `${label} is no size: ${excerpt(value)}`, hint);
  if (bytes < 1) return wrongValue(report, node, `${label} must be more than nothing`, "leave it out");
  if (!Number.isSafeInteger(bytes)) return wrongValue(report, node, `${label} is larger than any machine`);
  return bytes;
}
