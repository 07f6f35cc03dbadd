/**
 * Lists of values to go through, as they stand in `[grid]` and `[zip]`: written out, as a series, or in a file. How many
 * there are is known before a value is read, so that a sweep too large is refused by multiplication alone.
 */
import { createSeries, SERIES_KINDS, type SeriesKind } from "../sampling/series.ts";
import { readValueLines } from "../sampling/trials.ts";
import { canonicalJson } from "./canonical.ts";
import type { SpecSource } from "./document.ts";
import type { Leaf } from "./leaves.ts";
import { entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { isSeries, readParamValues, SERIES_KEYS } from "./param-value.ts";
import { readNamedFile } from "./referenced-files.ts";
import { addFinding, type Report, valueSpan, wrongType, wrongValue } from "./report.ts";
import type { AxisReport, ParamValue } from "./types.ts";
import { valueJson } from "./value-text.ts";

/** Something that multiplies points, before its values are read. */
export interface AxisPlan {
  readonly step: AxisReport["step"];
  readonly leaves: readonly Leaf[];
  readonly size: bigint;
  /** Values of each parameter; undefined, and a finding, for one that cannot be. Read once. */
  readonly load: () => readonly (readonly ParamValue[])[] | undefined;
}

/** A list of values before they are read. */
interface ListPlan {
  readonly size: bigint;
  readonly load: () => readonly ParamValue[] | undefined;
}

/** An axis of the grid; undefined, and a finding, where it is none. */
export function gridAxis(report: Report, source: SpecSource, leaf: Leaf): AxisPlan | undefined {
  const list = listPlan(report, source, leaf);
  if (!list) return undefined;
  const load = () => {
    const values = list.load();
    return values && areDifferent(report, leaf, values) ? [values] : undefined;
  };
  return { step: "grid", leaves: [leaf], size: list.size, load: once(load) };
}

/** A group of lists of equal length. */
export function zipAxis(report: Report, source: SpecSource, leaves: readonly Leaf[]): AxisPlan | undefined {
  const lists = leaves.map((leaf) => listPlan(report, source, leaf));
  const [first] = lists;
  const [firstLeaf] = leaves;
  if (!first || !firstLeaf || lists.includes(undefined)) return undefined;
  for (const [i, list] of lists.entries()) {
    const leaf = leaves[i];
    if (!leaf || !list || list.size === first.size) continue;
    const message = `"${firstLeaf.name}" has ${first.size} values and "${leaf.name}" ${list.size}; lists in [zip] are walked together`;
    wrongValue(report, leaf.node, message, "make them equally long, or put one into [grid]");
    return undefined;
  }
  const load = () => {
    const columns = lists.map((list) => list?.load());
    return columns.every((column) => column !== undefined) ? columns : undefined;
  };
  return { step: "zip", leaves, size: first.size, load: once(load) };
}

/** The plan without some of its parameters; undefined where none is left. */
export function withoutNames(plan: AxisPlan, names: ReadonlySet<string>): AxisPlan | undefined {
  const kept = plan.leaves.flatMap(({ name }, i) => (names.has(name) ? [] : [i]));
  if (kept.length === plan.leaves.length) return plan;
  if (kept.length === 0) return undefined;
  return {
    ...plan,
    leaves: plan.leaves.filter(({ name }) => !names.has(name)),
    load: once(() => plan.load()?.filter((_, i) => kept.includes(i))),
  };
}

export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function listPlan(report: Report, source: SpecSource, { label, node }: Leaf): ListPlan | undefined {
  const kind = kindOf(node.raw);
  if (kind === "list") return writtenOut(report, label, node);
  if (kind === "table") return seriesPlan(report, source, label, node);
  return wrongType(report, node, label, "a list of values", "put it in brackets: [ … ]");
}

function writtenOut(report: Report, label: string, node: SpecNode): ListPlan | undefined {
  const { length } = node.raw as readonly unknown[];
  if (length === 0) {
    const message = `${label} is an empty list, so there would be no run at all`;
    addFinding(report, { id: "spec.empty", message, span: valueSpan(node) });
    return undefined;
  }
  return { size: BigInt(length), load: () => readParamValues(report, itemsOf(node), label) };
}

function seriesPlan(report: Report, source: SpecSource, label: string, node: SpecNode): ListPlan | undefined {
  const [entry, ...others] = entriesOf(node);
  if (!entry || !isSeries(node) || others.length > 0) {
    const shown = SERIES_KEYS.join(", ");
    return wrongValue(report, node, `${label} must hold one of ${shown}, and nothing beside`);
  }
  const [kind, args] = entry;
  if (kind === "file") return filePlan(report, source, `${label}.file`, args);
  if (!isSeriesKind(kind)) throw new Error(`assertion failed: no series ${kind}`);
  if (kindOf(args.raw) !== "list") return wrongType(report, args, `${label}.${kind}`, "a list of numbers");
  const numbers = readParamValues(report, itemsOf(args).slice(0, 8), `${label}.${kind}`);
  if (!numbers) return undefined;
  const made = createSeries(label, kind, numbers);
  if ("series" in made) return { size: made.series.count, load: made.series.values };
  const { message, item, hint } = made.problem;
  return wrongValue(report, (item !== undefined && itemsOf(args)[item]) || args, message, hint);
}

function filePlan(report: Report, source: SpecSource, label: string, node: SpecNode): ListPlan | undefined {
  const file = readNamedFile(report, source, node, label);
  if (!file) return undefined;
  const read = readValueLines(file);
  if ("values" in read) return { size: BigInt(read.values.length), load: () => read.values };
  const { id, message, place, hint } = read.problem;
  addFinding(report, {
    id,
    message,
    span: valueSpan(node),
    ...(place && { place }),
    ...(hint !== undefined && { hint }),
  });
  return undefined;
}

function isSeriesKind(kind: string): kind is SeriesKind {
  return (SERIES_KINDS as readonly string[]).includes(kind);
}

/** Refuses an axis that holds a value twice: nobody means that, and it would make every run twice. */
function areDifferent(report: Report, { label, node }: Leaf, values: readonly ParamValue[]): boolean {
  const seen = new Map<string, number>();
  for (const [i, value] of values.entries()) {
    const canonical = canonicalJson(value);
    const before = seen.get(canonical);
    if (before === undefined) {
      seen.set(canonical, i);
      continue;
    }
    const [text, first] = [valueJson(value), valueJson(values[before] as ParamValue)];
    const hint = first === text ? undefined : `${first} and ${text} count as the same`;
    const item = kindOf(node.raw) === "list" ? itemsOf(node)[i] : undefined;
    wrongValue(report, item ?? node, `${label} lists ${text.length > 60 ? "a value" : text} twice`, hint);
    return false;
  }
  return true;
}
