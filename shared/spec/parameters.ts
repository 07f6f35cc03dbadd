/**
 * `[base]`, `[grid]` and `seeds`: the parameters of a sweep. Sizes are checked by multiplication before a value is
 * looked at, and no parameter may be set in two ways.
 */
import { PARAMS_BYTES_MAX, POINTS_DEFAULT_MAX, SWEEP_PARAMS_BYTES_MAX } from "../run/limits.ts";
import { canonicalJson } from "./canonical.ts";
import { grouped } from "./document.ts";
import { SEED_PARAM } from "./expand.ts";
import { entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { isSeries, parameterNameProblem, readParamValue } from "./param-value.ts";
import { addFinding, hasKind, keySpan, type Report, readInteger, valueSpan, wrongType, wrongValue } from "./report.ts";
import type { Params, ParamValue } from "./types.ts";
import { valueJson } from "./value-text.ts";

export interface Parameters {
  readonly base: Params;
  readonly grid: ReadonlyMap<string, readonly ParamValue[]>;
  readonly seeds: readonly number[] | undefined;
  /** Every name, also of those whose value was refused, so that one mistake is reported once. */
  readonly names: ReadonlySet<string>;
}

/** Reads all three; what is wrong goes into the report, and the result is then of no use but its names. */
export function readParameters(
  report: Report,
  base: SpecNode | undefined,
  grid: SpecNode | undefined,
  seeds: SpecNode | undefined,
): Parameters {
  const baseLeaves = base && hasKind(report, base, "base", "table") ? leavesOf(report, base, "base") : [];
  const gridLeaves = grid && hasKind(report, grid, "grid", "table") ? leavesOf(report, grid, "grid") : [];
  const names = checkNames(report, baseLeaves, gridLeaves, seeds);
  const axes = gridLeaves.filter((leaf) => isFilledList(report, leaf.node, leaf.label, "a list of values"));
  const seedList = seeds && isFilledList(report, seeds, "seeds", "a list of integers") ? seeds : undefined;
  const nothing: Parameters = { base: new Map(), grid: new Map(), seeds: undefined, names };
  const count = checkCount(report, axes, grid, seedList);
  if (count === undefined) return nothing;
  const parameters: Parameters = {
    base: readBase(report, baseLeaves),
    grid: new Map(axes.map(({ name, label, node }) => [name, readAxis(report, node, label)])),
    seeds: seedList && readSeeds(report, seedList),
    names,
  };
  const where = base ?? grid;
  if (where && report.findings.length === 0) checkBytes(report, parameters, count, where);
  return parameters;
}

/** A parameter as it stands in `[base]` or `[grid]`. */
interface Leaf {
  readonly name: string;
  readonly table: "base" | "grid";
  /** For messages: "grid.optim.lr". */
  readonly label: string;
  readonly node: SpecNode;
}

/** Parameters below a table in the order of the file, tables unfolded to dotted paths. */
function leavesOf(report: Report, root: SpecNode, table: Leaf["table"]): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (node: SpecNode, prefix: string): void => {
    for (const [key, child] of entriesOf(node)) {
      const name = prefix === "" ? key : `${prefix}.${key}`;
      const problem = parameterNameProblem(name);
      if (problem) {
        addFinding(report, { ...problem, span: keySpan(child) });
      } else if (kindOf(child.raw) !== "table") {
        leaves.push({ name, table, label: `${table}.${name}`, node: child });
      } else if (table === "grid" && isSeries(child)) {
        wrongType(report, child, `grid.${name}`, "a list of values", "write its values out");
      } else {
        walk(child, name);
      }
    }
  };
  walk(root, "");
  return leaves.sort((a, b) => a.node.at.keyStart - b.node.at.keyStart);
}

/** Refuses a parameter that is set twice, or that is a value and a table of values at once. */
function checkNames(
  report: Report,
  base: readonly Leaf[],
  grid: readonly Leaf[],
  seeds: SpecNode | undefined,
): ReadonlySet<string> {
  const seen = new Map<string, string>();
  const twice = (node: SpecNode, message: string, hint: string) =>
    addFinding(report, { id: "spec.duplicate", message, span: keySpan(node), hint });
  for (const { name, table, node } of [...base, ...grid]) {
    const before = seen.get(name);
    if (before === undefined) seen.set(name, `[${table}]`);
    else if (before === `[${table}]`) twice(node, `"${name}" is set twice in ${before}`, "keep one of them");
    else twice(node, `"${name}" is set in ${before} and in [${table}]`, "keep one of them");
  }
  if (seeds) {
    const before = seen.get(SEED_PARAM);
    if (before) twice(seeds, `"${SEED_PARAM}" is set in ${before} and by seeds`, "keep one of them");
    seen.set(SEED_PARAM, "seeds");
  }
  for (const { name, node } of [...base, ...grid]) {
    const parts = name.split(".");
    const outer = parts.map((_, i) => parts.slice(0, i).join(".")).find((prefix) => seen.has(prefix));
    if (outer === undefined) continue;
    twice(node, `"${name}" lies within "${outer}", which has a value of its own`, "rename one of them");
  }
  return new Set(seen.keys());
}

function isFilledList(report: Report, node: SpecNode, label: string, wanted: string): boolean {
  if (kindOf(node.raw) !== "list") {
    wrongType(report, node, label, wanted, "put it in brackets: [ … ]");
    return false;
  }
  if (lengthOf(node) > 0) return true;
  const message = `${label} is an empty list, so there would be no run at all`;
  addFinding(report, { id: "spec.empty", message, span: valueSpan(node) });
  return false;
}

function lengthOf(node: SpecNode): number {
  return (node.raw as readonly unknown[]).length;
}

/** Points of the sweep; undefined, and a finding with the arithmetic, where they are over the limit. */
function checkCount(
  report: Report,
  axes: readonly Leaf[],
  grid: SpecNode | undefined,
  seeds: SpecNode | undefined,
): number | undefined {
  const sizes = axes.map(({ node }) => lengthOf(node));
  if (seeds) sizes.push(lengthOf(seeds));
  const count = sizes.reduce((product, size) => product * BigInt(size), 1n);
  if (count <= POINTS_DEFAULT_MAX) return Number(count);
  const shown = sizes.length > 8 ? `${sizes.slice(0, 8).join(" x ")} x …` : sizes.join(" x ");
  const arithmetic = sizes.length > 1 ? `${shown} = ` : "";
  const where = axes.length > 0 ? grid : seeds;
  addFinding(report, {
    id: "spec.too-many-points",
    message: `${arithmetic}${grouped(count)} points; the limit is ${grouped(POINTS_DEFAULT_MAX)}`,
    span: where ? keySpan(where) : { start: 0, end: 0 },
    hint: "shorten the lists or split the sweep",
  });
  return undefined;
}

function readBase(report: Report, leaves: readonly Leaf[]): Params {
  const base = new Map<string, ParamValue>();
  for (const { name, label, node } of leaves) {
    const value = readParamValue(report, node, label);
    if (value !== undefined) base.set(name, value);
  }
  return base;
}

/** Values of an axis. Only the first bad one is reported. */
function readAxis(report: Report, node: SpecNode, label: string): readonly ParamValue[] {
  const values: ParamValue[] = [];
  const seen = new Map<string, string>();
  for (const [i, item] of itemsOf(node).entries()) {
    const value = readParamValue(report, item, `${label}[${i}]`);
    if (value === undefined) break;
    const canonical = canonicalJson(value);
    const text = valueJson(value);
    const before = seen.get(canonical);
    if (before !== undefined) {
      const hint = before === text ? undefined : `${before} and ${text} count as the same`;
      wrongValue(report, item, `${label} lists ${text.length > 60 ? "a value" : text} twice`, hint);
      break;
    }
    seen.set(canonical, text);
    values.push(value);
  }
  return values;
}

function readSeeds(report: Report, node: SpecNode): number[] {
  const seeds: number[] = [];
  const seen = new Set<number>();
  for (const [i, item] of itemsOf(node).entries()) {
    const seed = readInteger(report, item, `seeds[${i}]`, 0, Number.MAX_SAFE_INTEGER);
    if (seed === undefined) break;
    if (seen.has(seed)) {
      wrongValue(report, item, `seeds lists ${seed} twice`);
      break;
    }
    seen.add(seed);
    seeds.push(seed);
  }
  return seeds;
}

/** Bounds what all points together take in memory and in the store. */
function checkBytes(report: Report, parameters: Parameters, count: number, where: SpecNode): void {
  const bytesOf = (name: string, value: ParamValue) =>
    Buffer.byteLength(name) + Buffer.byteLength(valueJson(value)) + 4;
  let bytes = 2;
  for (const [name, value] of parameters.base) bytes += bytesOf(name, value);
  for (const [name, values] of parameters.grid) {
    bytes += values.reduce<number>((most, value) => Math.max(most, bytesOf(name, value)), 0);
  }
  const span = keySpan(where);
  if (bytes > PARAMS_BYTES_MAX) {
    const message = `the parameters of one run take ${grouped(bytes)} bytes; the limit is ${grouped(PARAMS_BYTES_MAX)}`;
    addFinding(report, { id: "spec.too-large", message, span, hint: "put long values into a file" });
  } else if (bytes * count > SWEEP_PARAMS_BYTES_MAX) {
    const product = `${grouped(count)} points x ${grouped(bytes)} bytes of parameters = ${grouped(bytes * count)} bytes`;
    const message = `${product}; the limit is ${grouped(SWEEP_PARAMS_BYTES_MAX)}`;
    addFinding(report, { id: "spec.too-large", message, span, hint: "put long values into a file" });
  }
}
