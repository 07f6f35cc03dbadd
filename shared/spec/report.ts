/** Collects what is wrong with one sweep file while it is read, and reads single fields with a check of their type. */
import { parseDuration } from "../kernel/duration.ts";
import type { SourcePlace } from "../kernel/errors.ts";
import { suggest } from "../kernel/suggest.ts";
import { DURATION_MS_MAX } from "../run/limits.ts";
import { grouped, placeField, type SpecSource } from "./document.ts";
import { describeKind, kindOf, type NodeKind, type SpecNode } from "./node.ts";
import type { SpecProblem } from "./problems.ts";
import { placeOf, type SourceFile, type Span } from "./source-files.ts";

export type { Span } from "./source-files.ts";

/** Further problems are dropped: nobody reads that many, and a hostile file could have millions. */
const PROBLEMS_MAX = 100;

/** Keys that mean something to JavaScript objects; refused everywhere. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export interface Finding {
  readonly id: string;
  readonly message: string;
  readonly span: Span;
  readonly hint?: string;
  /** In a file of another kind, such as a list of trials: instead of the span's own place. */
  readonly place?: SourcePlace;
}

export interface Report {
  /** The main file and those that it extends or names, laid one after the other; spans are offsets into all of them. */
  readonly files: readonly SourceFile[];
  /** What is wrong. */
  readonly findings: Finding[];
  /** What is accepted and has no effect. */
  readonly warnings: Finding[];
}

export function createReport(files: readonly SourceFile[]): Report {
  return { files, findings: [], warnings: [] };
}

/** A source that stands alone. */
export function fileOf({ path, text, directory }: SpecSource): SourceFile {
  return { path, text, directory, origin: 0 };
}

/** Each once, though variants share what the file says for all of them. */
export function addFinding(report: Report, finding: Finding): void {
  const { findings } = report;
  const isSame = ({ message, span }: Finding) => message === finding.message && span.start === finding.span.start;
  if (findings.length < PROBLEMS_MAX && !findings.some(isSame)) findings.push(finding);
}

/** The problems in the order of the file; what is missing comes last, as a misspelt key is often why. */
export function problemsOf({ files, findings }: Report): SpecProblem[] {
  const rank = ({ id }: Finding) => (id === "spec.missing" ? 1 : 0);
  const sorted = findings.toSorted((a, b) => rank(a) - rank(b) || a.span.start - b.span.start);
  return sorted.map((finding) => withPlace(files, finding));
}

/** The warnings in the order of the file. */
export function warningsOf({ files, warnings }: Report): SpecProblem[] {
  return warnings.toSorted((a, b) => a.span.start - b.span.start).map((finding) => withPlace(files, finding));
}

function withPlace(files: readonly SourceFile[], { id, message, span, hint, place }: Finding): SpecProblem {
  return { id, message, ...placeField(place ?? placeOf(files, span)), ...(hint !== undefined && { hint }) };
}

/** Says that something has no effect; each message once. */
export function addWarning(report: Report, warning: Finding): void {
  const { warnings } = report;
  if (warnings.length < PROBLEMS_MAX && warnings.every(({ message }) => message !== warning.message)) {
    warnings.push(warning);
  }
}

export function keySpan({ at }: SpecNode): Span {
  return { start: at.keyStart, end: at.keyEnd };
}

export function valueSpan({ at }: SpecNode): Span {
  return { start: at.start, end: at.end };
}

export function isReservedKey(key: string): boolean {
  return RESERVED_KEYS.has(key);
}

/** Refuses a value of another kind: "seeds must be a list of integers, not a string". */
export function wrongType(report: Report, node: SpecNode, label: string, wanted: string, hint?: string): undefined {
  const message = `${label} must be ${wanted}, not ${describeKind(kindOf(node.raw))}`;
  addFinding(report, { id: "spec.type", message, span: valueSpan(node), ...(hint !== undefined && { hint }) });
}

/** Refuses a value of the right kind. */
export function wrongValue(report: Report, node: SpecNode, message: string, hint?: string): undefined {
  addFinding(report, { id: "spec.value", message, span: valueSpan(node), ...(hint !== undefined && { hint }) });
}

export function hasKind(report: Report, node: SpecNode, label: string, kind: NodeKind, hint?: string): boolean {
  if (kindOf(node.raw) === kind) return true;
  wrongType(report, node, label, describeKind(kind), hint);
  return false;
}

/** A text fit for argv and JSON: no NUL, no half of a surrogate pair. */
export function readText(report: Report, node: SpecNode, label: string, hint?: string): string | undefined {
  const { raw } = node;
  if (typeof raw !== "string") return wrongType(report, node, label, "a string", hint);
  if (raw.includes("\0"))
    return wrongValue(report, node, `${label} holds a NUL character, which no program can be given`);
  if (!raw.isWellFormed()) return wrongValue(report, node, `${label} is not valid Unicode`);
  return raw;
}

/** An integer within bounds. */
export function readInteger(
  report: Report,
  node: SpecNode,
  label: string,
  min: number,
  max: number,
): number | undefined {
  const { raw } = node;
  if (typeof raw !== "bigint") return wrongType(report, node, label, "an integer");
  if (raw < min) return wrongValue(report, node, `${label} must be ${min} or more, not ${shown(raw)}`);
  if (raw > max) return wrongValue(report, node, `${label} must be at most ${grouped(max)}, not ${shown(raw)}`);
  return Number(raw);
}

/** A duration as text, in milliseconds. */
export function readDuration(report: Report, node: SpecNode, label: string, minMs: number): number | undefined {
  const hint = 'write it like "90s", "1h30m" or "2d"';
  const text = readText(report, node, label, hint);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) return wrongValue(report, node, `${label} is no duration: ${excerpt(text)}`, hint);
  if (ms < minMs && minMs === 1)
    return wrongValue(report, node, `${label} must be longer than nothing`, "leave it out for no limit");
  if (ms < minMs) return wrongValue(report, node, `${label} must be at least ${minMs / 1000}s, not ${excerpt(text)}`);
  if (ms > DURATION_MS_MAX) return wrongValue(report, node, `${label} must be at most 366 days, not ${excerpt(text)}`);
  return ms;
}

/** One of a few words. */
export function readWord<Word extends string>(
  report: Report,
  node: SpecNode,
  label: string,
  words: readonly Word[],
): Word | undefined {
  const list = listed(words.map((word) => JSON.stringify(word)));
  const text = readText(report, node, label, `write ${list}`);
  if (text === undefined) return undefined;
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const meant = suggest(text, words);
  const message = `${label} must be ${list}, not ${excerpt(text)}`;
  return wrongValue(report, node, message, meant && `did you mean ${JSON.stringify(meant)}?`);
}

/** "a, b or c" */
function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

/** A text in quotes, cut where it is long. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

function shown(value: bigint): string {
  const text = String(value);
  return text.length > 30 ? `${text.slice(0, 27)}…` : text;
}
