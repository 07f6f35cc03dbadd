/**
 * The tables that describe points, as the whole file has them or as one variant does: `[base]`, `[grid]`, `[zip]`,
 * `[random]`, `[derive]` and `where`. Within a level no parameter may be set in two ways.
 */
import { suggest } from "../kernel/suggest.ts";
import { type AxisPlan, gridAxis, zipAxis } from "./axis-plan.ts";
import type { SpecSource } from "./document.ts";
import { type Leaf, leavesOf } from "./leaves.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { isSeries } from "./param-value.ts";
import { type RandomTable, readRandomTable } from "./random-plan.ts";
import { addFinding, addWarning, keySpan, type Report, wrongType, wrongValue } from "./report.ts";
import type { VARIANT_KEYS } from "./sweep-keys.ts";

const LONG_SERIES = ["linspace", "logspace", "powers"] as const;

export interface Level {
  readonly base: readonly Leaf[];
  /** Axes of the grid, then groups of `[zip]`. */
  readonly grid: readonly AxisPlan[];
  readonly zip: readonly AxisPlan[];
  readonly random: RandomTable | undefined;
  readonly derive: readonly Leaf[];
  readonly where: SpecNode | undefined;
  /** Parameters that are set here, but for derived ones. */
  readonly names: ReadonlySet<string>;
}

type LevelKey = keyof typeof VARIANT_KEYS;

/** `prefix` is in front of the tables in messages: "" or "variants[0].". */
export function readLevel(report: Report, source: SpecSource, node: SpecNode, prefix: string): Level {
  const at = (key: LevelKey) => childOf(node, key);
  const table = (key: string) => `[${prefix}${key}]`;
  const base = leavesOf(report, at("base"), table("base"), `${prefix}base`);
  const gridLeaves = leavesOf(report, at("grid"), table("grid"), `${prefix}grid`, isSeries);
  for (const leaf of gridLeaves) warnOfSeries(report, leaf);
  const zipLeaves = zipGroups(report, at("zip"), prefix);
  const random = readRandomTable(report, at("random"), `${prefix}random`);
  const derive = leavesOf(report, at("derive"), table("derive"), `${prefix}derive`);
  const names = namesOnce(report, [...base, ...gridLeaves, ...zipLeaves.flat(), ...(random?.space ?? [])]);
  namesOnce(report, derive);
  return {
    base,
    grid: defined(gridLeaves.map((leaf) => gridAxis(report, source, leaf))),
    zip: defined(zipLeaves.map((leaves) => zipAxis(report, source, leaves))),
    random,
    derive,
    where: at("where"),
    names,
  };
}

/** `lr = { linspce = [0, 1, 5] }` is a parameter `lr.linspce` with three values; hardly what was meant. */
function warnOfSeries(report: Report, { name, node }: Leaf): void {
  const last = name.slice(name.lastIndexOf(".") + 1);
  const meant = name.includes(".") ? suggest(last, LONG_SERIES) : undefined;
  if (meant === undefined) return;
  const message = `"${name}" is taken for a parameter of that name`;
  addWarning(report, { id: "spec.series", message, span: keySpan(node), hint: `did you mean { ${meant} = … }?` });
}

/** One `[zip]`, or several `[[zip]]`. */
function zipGroups(report: Report, node: SpecNode | undefined, prefix: string): Leaf[][] {
  if (!node) return [];
  const kind = kindOf(node.raw);
  if (kind !== "table" && kind !== "list") {
    wrongType(report, node, `${prefix}zip`, "a table, or several as [[zip]]");
    return [];
  }
  const groups = kind === "table" ? [node] : itemsOf(node);
  return groups.flatMap((group, i) => {
    const label = kind === "table" ? `${prefix}zip` : `${prefix}zip[${i}]`;
    const leaves = leavesOf(report, group, `[${label}]`, label, isSeries);
    if (leaves.length > 0) return [leaves];
    if (kindOf(group.raw) === "table" && entriesOf(group).length === 0 && kind === "list") {
      wrongValue(report, group, `${label} is empty`);
    }
    return [];
  });
}

/** Refuses a parameter that is set twice. Returns all names. */
function namesOnce(report: Report, leaves: readonly Leaf[]): ReadonlySet<string> {
  const seen = new Map<string, string>();
  for (const { name, table, node } of leaves) {
    const before = seen.get(name);
    if (before === undefined) seen.set(name, table);
    else setTwice(report, node, before === table ? `twice in ${table}` : `in ${before} and in ${table}`, name);
  }
  return new Set(seen.keys());
}

export function setTwice(report: Report, node: SpecNode, where: string, name: string): void {
  const message = `"${name}" is set ${where}`;
  addFinding(report, { id: "spec.duplicate", message, span: keySpan(node), hint: "keep one of them" });
}

function defined<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}
