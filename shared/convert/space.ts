/**
 * [P] One parameter of another program's search, and where it goes in ours: fixed, an axis, or drawn. What our reader would
 * refuse is left out and said.
 */
import { PARAMS_BYTES_MAX, RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { createDistribution, DISTRIBUTION_KINDS } from "../sampling/distribution.ts";
import { createSeries, SERIES_KINDS } from "../sampling/series.ts";
import { argsProblem } from "../spec/args.ts";
import { canonicalJson } from "../spec/canonical.ts";
import { parameterNameProblem } from "../spec/param-value.ts";
import { FloatParam, type ParamValue } from "../spec/types.ts";
import { isList, valueJson } from "../spec/value-text.ts";
import type { SweepDraft } from "./sweep-writer.ts";

/** A table of a distribution or a series, as the file has it. */
export type SpaceTable = { readonly [key: string]: ParamValue };

/** The same for all runs. What lies in a table has a dotted name of its own. */
export function addFixed(draft: SweepDraft, name: string, value: ParamValue): void {
  if (typeof value === "object" && value !== null && !(value instanceof FloatParam) && !isList(value)) {
    for (const [key, inner] of Object.entries(value)) addFixed(draft, `${name}.${key}`, inner);
    return;
  }
  const problem = nameProblem(draft, name) ?? valueProblem(value);
  if (problem === undefined) {
    carryLists(draft, name, [value]);
    draft.table("base").set(name, value);
  } else leave(draft, name, problem);
}

/** An axis of the grid: a list, or a series such as `{ linspace: [0, 1, 5] }`. */
export function addAxis(
  draft: SweepDraft,
  name: string,
  values: readonly ParamValue[] | SpaceTable,
  comment = "",
): void {
  const list = isValues(values) ? differentValues(draft, name, values) : values;
  const problem = nameProblem(draft, name) ?? (isValues(list) ? listProblem(list) : seriesProblem(list));
  if (problem === undefined) {
    if (isValues(list)) carryLists(draft, name, list);
    draft.table("grid").set(name, list, comment);
  } else leave(draft, name, problem);
}

/** Drawn: `spec` is as `[random.space]` has it. */
export function addDrawn(draft: SweepDraft, name: string, spec: SpaceTable, comment = ""): void {
  const problem = nameProblem(draft, name) ?? distributionProblem(spec);
  if (problem === undefined) {
    const { choice } = spec;
    if (choice !== undefined && isList(choice)) carryLists(draft, name, choice);
    draft.table("random.space").set(name, spec, comment);
  } else leave(draft, name, problem);
}

/** Lists as JSON where their values, one word each, would read as options: `--betas -1e-05`. */
function carryLists(draft: SweepDraft, name: string, values: readonly ParamValue[]): void {
  // Every style but the one that holds unasked, flags, has lists as JSON by itself.
  if (draft.hasKey("run", "args")) return;
  const read = (value: ParamValue) => !isList(value) || argsProblem("flags", {}, name, value) === undefined;
  if (!values.every(read) && !draft.hasKey("run", "list")) draft.table("run").set("list", "json");
}

export function float(value: number): FloatParam {
  return new FloatParam(value);
}

/** To twelve digits: without what arithmetic leaves behind. */
export function neat(value: number): number {
  return Number(value.toPrecision(12));
}

function leave(draft: SweepDraft, name: string, problem: string): void {
  draft.leave(`the parameter ${JSON.stringify(name)}: ${problem}`);
}

/** Also where another parameter has the name, or is a table that this one would lie in. */
function nameProblem(draft: SweepDraft, name: string): string | undefined {
  const problem = parameterNameProblem(name);
  if (problem) return problem.message;
  const other = draft.names.find((each) => each === name || each.startsWith(`${name}.`) || name.startsWith(`${each}.`));
  if (other !== undefined) return other === name ? "it is there twice" : `it is there beside "${other}"`;
  draft.names.push(name);
  return undefined;
}

function isValues(values: readonly ParamValue[] | SpaceTable): values is readonly ParamValue[] {
  return Array.isArray(values);
}

function differentValues(draft: SweepDraft, name: string, values: readonly ParamValue[]): readonly ParamValue[] {
  const once = new Map(values.map((value) => [canonicalJson(value), value]));
  if (once.size < values.length) draft.leave(`${name} lists a value twice; it is an axis with each value once`);
  return values.filter((value) => {
    const isFirst = once.delete(canonicalJson(value));
    return isFirst;
  });
}

function listProblem(values: readonly ParamValue[]): string | undefined {
  if (values.length === 0) return "it has no values";
  return values.map(valueProblem).find((problem) => problem !== undefined);
}

function seriesProblem(table: SpaceTable): string | undefined {
  if (!hasFiniteBounds(table)) return "its bounds are beyond what a float holds";
  const kind = SERIES_KINDS.find((each) => each in table);
  const args = kind && table[kind];
  if (!kind || args === undefined || !isList(args)) return "it has no values";
  const made = createSeries(kind, kind, args);
  if ("problem" in made) return made.problem.message;
  return made.series.count > RUNS_PER_SWEEP_MAX ? "it has too many values" : undefined;
}

function distributionProblem(table: SpaceTable): string | undefined {
  if (!hasFiniteBounds(table)) return "its bounds are beyond what a float holds";
  const kind = DISTRIBUTION_KINDS.find((each) => each in table);
  const { step, weights } = table;
  const values = kind && table[kind];
  if (!kind || values === undefined || !isList(values)) return "it has no values";
  const made = createDistribution(kind, { kind, values, step, weights: weights as readonly ParamValue[] | undefined });
  return "problem" in made ? made.problem.message : kind === "choice" ? listProblem(values) : undefined;
}

/** Bounds may come from arithmetic. */
function hasFiniteBounds(table: SpaceTable): boolean {
  return Object.values(table)
    .flat()
    .every((value) => !(value instanceof FloatParam) || Number.isFinite(value.float));
}

function valueProblem(value: ParamValue): string | undefined {
  const text = valueJson(value);
  if (text.includes("\\u0000")) return "it holds a NUL character";
  if (text !== text.toWellFormed() || /\\ud[89a-f]/i.test(text)) return "it is not valid Unicode";
  return Buffer.byteLength(text) > PARAMS_BYTES_MAX / 2 ? "it is too long" : undefined;
}
