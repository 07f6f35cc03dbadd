/** `[[runs]]`: points of their own beside all combinations, written out or in a file of trials. */
import { readTrials, TRIAL_FORMATS, type Trial, trialFormatOf } from "../sampling/trials.ts";
import { type AxisPlan, once } from "./axis-plan.ts";
import { type BlockContext, type BlockPlan, checkNames } from "./block-plan.ts";
import type { SpecSource } from "./document.ts";
import { type Leaf, leavesOf } from "./leaves.ts";
import type { Level } from "./level.ts";
import { childOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { isOverridden } from "./overrides.ts";
import { readParamValue } from "./param-value.ts";
import { readNamedFile } from "./referenced-files.ts";
import { addFinding, type Report, valueSpan, wrongType, wrongValue } from "./report.ts";
import { SEED_PARAM } from "./seeds.ts";
import type { OwnShape } from "./shape-plan.ts";
import { RUNS_KEYS } from "./sweep-keys.ts";
import { readTable } from "./table-reader.ts";
import type { ParamValue } from "./types.ts";

/** Explicit points that have the same parameters and the same shape. */
export interface RunsBlock {
  readonly plan: BlockPlan;
  readonly own: OwnShape;
  readonly priority: number | undefined;
}

/** Blocks in the order of the file; neighbours that differ in nothing but their values are one. */
export function planRuns(
  context: BlockContext,
  source: SpecSource,
  outer: Level,
  node: SpecNode | undefined,
): RunsBlock[] {
  if (!node) return [];
  if (kindOf(node.raw) !== "list") {
    wrongType(context.report, node, "runs", "a list of tables", "write each as [[runs]]");
    return [];
  }
  const entries = itemsOf(node).flatMap((item, i) => readEntry(context, source, item, `runs[${i}]`));
  return grouped(entries).map((group) => ({
    plan: blockOf(context, outer, group),
    own: group[0]?.own ?? {},
    priority: group[0]?.priority,
  }));
}

interface Entry {
  readonly params: readonly Leaf[];
  /** Rows of a file: their names, and the values of each row. */
  readonly rows: { readonly leaves: readonly Leaf[]; readonly trials: readonly Trial[] } | undefined;
  readonly own: OwnShape;
  readonly priority: number | undefined;
  /** Neighbours with the same text can be one block. */
  readonly key: string | undefined;
}

function readEntry(context: BlockContext, source: SpecSource, node: SpecNode, label: string): Entry[] {
  const { report, overridden } = context;
  if (kindOf(node.raw) !== "table") {
    wrongType(report, node, label, "a table", "write it as [[runs]]");
    return [];
  }
  const table = readTable(report, node, label, RUNS_KEYS);
  const params = leavesOf(report, table.params, "[[runs]]", `${label}.params`);
  const runCommand = table.run && kindOf(table.run.raw) === "table" ? childOf(table.run, "command") : undefined;
  if (table.command && runCommand) wrongValue(report, table.command, `${label} has two commands`, "keep one of them");
  const own: OwnShape = {
    label,
    ...(table.run && { run: table.run }),
    ...(table.command && { command: table.command }),
    ...(table.resources && { resources: table.resources }),
    ...(table.limits && { limits: table.limits }),
    ...(table.tags && { tags: table.tags }),
  };
  const { priority } = table;
  const isPlain = Object.keys(own).length === 1 && priority === undefined;
  const from = childOf(node, "from");
  if (!from) {
    const key = isPlain ? JSON.stringify(params.map(({ name }) => name)) : undefined;
    return [{ params, rows: undefined, own, priority, key }];
  }
  const trials = withoutNames(trialsOf(report, source, from, `${label}.from`), overridden);
  return rowGroups(trials).map((group) => ({
    params,
    rows: { leaves: rowLeaves(group, from, label), trials: group },
    own,
    priority,
    key: undefined,
  }));
}

function trialsOf(report: Report, source: SpecSource, from: SpecNode, label: string): readonly Trial[] {
  const file = readNamedFile(report, source, from, label);
  if (!file) return [];
  const format = trialFormatOf(file.path);
  if (!format) {
    const endings = TRIAL_FORMATS.map((each) => `.${each}`).join(", ");
    wrongValue(report, from, `${label} names a file of no known format`, `endings: ${endings}`);
    return [];
  }
  const read = readTrials(file, format);
  if ("trials" in read) return read.trials;
  const { id, message, place, hint } = read.problem;
  const span = valueSpan(from);
  addFinding(report, { id, message, span, ...(place && { place }), ...(hint !== undefined && { hint }) });
  return [];
}

/** The rows without the parameters that the command line sets. */
function withoutNames(trials: readonly Trial[], overridden: readonly string[]): readonly Trial[] {
  if (overridden.length === 0) return trials;
  return trials.map(({ params, line }) => {
    const kept = [...params].filter(([name]) => !isOverridden(overridden, name));
    return { params: new Map(kept), line };
  });
}

/** Neighbouring rows with the same names. */
function rowGroups(trials: readonly Trial[]): Trial[][] {
  const groups: Trial[][] = [];
  let last: string | undefined;
  for (const trial of trials) {
    const key = JSON.stringify([...trial.params.keys()]);
    if (key === last) groups.at(-1)?.push(trial);
    else groups.push([trial]);
    last = key;
  }
  return groups;
}

function rowLeaves(trials: readonly Trial[], node: SpecNode, label: string): Leaf[] {
  const names = [...(trials[0]?.params.keys() ?? [])];
  return names.map((name) => ({ name, table: "[[runs]]", label: `${label}.${name}`, node }));
}

function grouped(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    if (last && entry.key !== undefined && last[0]?.key === entry.key) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

function blockOf(context: BlockContext, outer: Level, group: readonly Entry[]): BlockPlan {
  const { report, overridden } = context;
  const [first] = group;
  if (!first) throw new Error("assertion failed: a group of runs has a first one");
  const rowNames = new Set(first.rows?.leaves.map(({ name }) => name));
  const axis: AxisPlan = first.rows
    ? {
        step: "runs",
        leaves: first.rows.leaves,
        size: BigInt(first.rows.trials.length),
        load: once(() => columnsOf(first.rows?.trials ?? [])),
      }
    : {
        step: "runs",
        leaves: first.params,
        size: BigInt(group.length),
        load: once(() => writtenColumns(report, group)),
      };
  // Parameters of the entry are constant beside the rows of its file.
  const constants = first.rows ? first.params.filter(({ name }) => !rowNames.has(name)) : [];
  // What the grid of the file multiplies are its combinations; several values from the command line multiply these as well.
  const swept = outer.grid.filter(({ leaves }) => leaves.every(({ name }) => isOverridden(overridden, name)));
  const axes = [axis, ...swept.map((each): AxisPlan => ({ ...each, step: "runs" }))];
  const taken = new Set([...axis.leaves, ...constants].map(({ name }) => name));
  const base = [...outer.base.filter(({ name }) => !taken.has(name)), ...constants];
  const sweptLeaves = swept.flatMap(({ leaves }) => leaves);
  const checked = [...base, ...sweptLeaves];
  for (const { rows, params } of group) checkNames(context, [...checked, ...(rows?.leaves ?? params)], outer.derive);
  const names = new Set([...checked, ...axis.leaves].map(({ name }) => name));
  if (context.seeds) names.add(SEED_PARAM);
  return {
    variant: undefined,
    base,
    axes,
    random: undefined,
    derive: outer.derive,
    where: [[outer.where, "where"]],
    names,
  };
}

function columnsOf(trials: readonly Trial[]): ParamValue[][] {
  const names = [...(trials[0]?.params.keys() ?? [])];
  return names.map((name) => trials.map(({ params }) => params.get(name) as ParamValue));
}

function writtenColumns(report: Report, group: readonly Entry[]): ParamValue[][] | undefined {
  const columns: ParamValue[][] = group[0]?.params.map(() => []) ?? [];
  let isWhole = true;
  for (const { params } of group) {
    for (const [i, { node, label }] of params.entries()) {
      const value = readParamValue(report, node, label);
      if (value === undefined) isWhole = false;
      else columns[i]?.push(value);
    }
  }
  return isWhole ? columns : undefined;
}
