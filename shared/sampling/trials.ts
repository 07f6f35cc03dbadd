/**
 * [P] Points listed in a file of their own: `[[runs]] from = "trials.csv"`. Each row or object is the parameters of one run;
 * what is empty or null is absent. And `{ file = "ids.txt" }`: one value a line.
 */
import { readJson } from "../spec/json-reader.ts";
import { describeKind, entriesOf, itemsOf, kindOf, type SpecNode } from "../spec/node.ts";
import { parameterNameProblem } from "../spec/param-value.ts";
import type { SpecProblem } from "../spec/problems.ts";
import { placeOf } from "../spec/source-files.ts";
import type { Params, ParamValue } from "../spec/types.ts";
import { type CsvField, csvRecords } from "./csv.ts";
import { literalValue, nodeValue } from "./literal.ts";

export const TRIAL_FORMATS = ["csv", "json", "jsonl"] as const;
export type TrialFormat = (typeof TRIAL_FORMATS)[number];

/** A file that a sweep file names. */
export interface TrialFile {
  /** For messages. */
  readonly path: string;
  readonly text: string;
}

export interface Trial {
  readonly params: Params;
  /** Where it is written, from 1. */
  readonly line: number;
}

/** By the end of its name; undefined for other names. */
export function trialFormatOf(path: string): TrialFormat | undefined {
  return TRIAL_FORMATS.find((format) => path.toLowerCase().endsWith(`.${format}`));
}

/** All trials of a file, at least one, or the first thing that is wrong with it. */
export function readTrials(file: TrialFile, format: TrialFormat): { trials: Trial[] } | { problem: SpecProblem } {
  return guarded(() => {
    const trials = READERS[format](file);
    if (trials.length === 0) fail(file, "the file has no trials", 0, 0);
    return { trials };
  });
}

/** A value for each line; empty lines and those that begin with `#` are passed over. */
export function readValueLines(file: TrialFile): { values: ParamValue[] } | { problem: SpecProblem } {
  return guarded(() => {
    const values: ParamValue[] = [];
    for (const { text, start } of linesOf(file.text)) {
      const word = text.trim();
      if (word === "" || word.startsWith("#")) continue;
      const read = literalValue(word);
      if ("message" in read) return fail(file, read.message, start, start + text.length);
      values.push(read.value);
    }
    if (values.length === 0) fail(file, "the file has no values", 0, 0);
    return { values };
  });
}

const READERS: { readonly [format in TrialFormat]: (file: TrialFile) => Trial[] } = {
  csv: readCsv,
  json: readJsonList,
  jsonl: readJsonLines,
};

/** Leaves the readers; never leaves this file. */
class Refusal extends Error {
  readonly problem: SpecProblem;

  constructor(problem: SpecProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

function guarded<T>(read: () => T): T | { problem: SpecProblem } {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.problem };
    throw error;
  }
}

function fail(file: TrialFile, message: string, start: number, end: number, hint?: string): never {
  const place = placeOf([{ ...file, directory: "", origin: 0 }], { start, end });
  throw new Refusal({ id: "spec.trials", message, ...(place && { place }), ...(hint === undefined ? {} : { hint }) });
}

function readCsv(file: TrialFile): Trial[] {
  const trials: Trial[] = [];
  const lineAt = lineCounter(file.text);
  let names: string[] | undefined;
  for (const record of csvRecords(file.text)) {
    if ("message" in record) return fail(file, record.message, record.start, record.end);
    if (names) trials.push({ params: rowParams(file, names, record), line: lineAt(record[0]?.start ?? 0) });
    else names = headerNames(file, record);
  }
  return trials;
}

function headerNames(file: TrialFile, header: readonly CsvField[]): string[] {
  const names = header.map(({ text }) => text);
  for (const [i, { text, start, end }] of header.entries()) {
    if (text === "") {
      const hint = "the first line names the parameters; pandas writes an index without a name: to_csv(index=False)";
      fail(file, `column ${i + 1} has no name`, start, end, hint);
    }
    const problem = nameProblem(text, names.slice(0, i));
    if (problem !== undefined) fail(file, problem.message, start, end, problem.hint);
  }
  return names;
}

function rowParams(file: TrialFile, names: readonly string[], row: readonly CsvField[]): Params {
  if (row.length !== names.length) {
    const message = `${row.length} fields where the first line has ${names.length}`;
    fail(file, message, row[0]?.start ?? 0, row.at(-1)?.end ?? 0);
  }
  const params = new Map<string, ParamValue>();
  for (const [i, { text, start, end, isQuoted }] of row.entries()) {
    if (text === "" && !isQuoted) continue;
    const read = literalValue(text);
    if ("message" in read) return fail(file, read.message, start, end);
    params.set(names[i] ?? "", read.value);
  }
  return params;
}

function readJsonList(file: TrialFile): Trial[] {
  const root = readJson(file.text);
  if ("message" in root) return fail(file, `not valid JSON: ${root.message}`, root.offset, root.offset + 1);
  if (kindOf(root.raw) !== "list") {
    const message = `a list of objects is expected, not ${describeKind(kindOf(root.raw))}`;
    return fail(file, message, root.at.start, root.at.start + 1, "one object a line is .jsonl");
  }
  const lineAt = lineCounter(file.text);
  return itemsOf(root).map((node) => ({ params: objectParams(file, node, 0), line: lineAt(node.at.start) }));
}

function readJsonLines(file: TrialFile): Trial[] {
  const trials: Trial[] = [];
  for (const { text, start, line } of linesOf(file.text)) {
    if (text.trim() === "") continue;
    const node = readJson(text);
    if ("message" in node) {
      return fail(file, `not valid JSON: ${node.message}`, start + node.offset, start + node.offset + 1);
    }
    trials.push({ params: objectParams(file, node, start), line });
  }
  return trials;
}

/** `offset`: of the text that the node was read from. */
function objectParams(file: TrialFile, root: SpecNode, offset: number): Params {
  const params = new Map<string, ParamValue>();
  if (kindOf(root.raw) !== "table") {
    const message = `an object is expected, not ${describeKind(kindOf(root.raw))}`;
    fail(file, message, offset + root.at.start, offset + root.at.end);
  }
  const walk = (table: SpecNode, prefix: string): void => {
    for (const [key, node] of entriesOf(table)) {
      const name = prefix === "" ? key : `${prefix}.${key}`;
      const { keyStart, keyEnd, start, end } = node.at;
      const problem = nameProblem(name, []) ?? (params.has(name) ? { message: `"${name}" is set twice` } : undefined);
      if (problem !== undefined) fail(file, problem.message, offset + keyStart, offset + keyEnd, problem.hint);
      if (kindOf(node.raw) === "table") {
        walk(node, name);
      } else if (node.raw !== null) {
        const read = nodeValue(node);
        if ("message" in read) return fail(file, read.message, offset + start, offset + end);
        params.set(name, read.value);
      }
    }
  };
  walk(root, "");
  return params;
}

function nameProblem(name: string, others: readonly string[]): { message: string; hint?: string } | undefined {
  if (others.includes(name)) return { message: `two columns are called "${name}"` };
  return parameterNameProblem(name);
}

interface Line {
  readonly text: string;
  readonly start: number;
  readonly line: number;
}

function* linesOf(text: string): Generator<Line> {
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  for (let line = 1; start < text.length; line++) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    yield { text: text.slice(start, end), start, line };
    start = end + 1;
  }
}

/** Lines from 1, for offsets that only grow: counts each line break once. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let from = 0;
  return (offset) => {
    for (let at = text.indexOf("\n", from); at >= 0 && at < offset; at = text.indexOf("\n", from)) {
      line += 1;
      from = at + 1;
    }
    return line;
  };
}
