/**
 * A block: points that are made in the same way. The whole file makes one, or one for each variant; explicit runs make
 * further ones. What a variant sets takes the place of what the file sets for the same parameter, in whichever table.
 */
import { type AxisPlan, withoutNames } from "./axis-plan.ts";
import type { Leaf } from "./leaves.ts";
import { type Level, setTwice } from "./level.ts";
import type { SpecNode } from "./node.ts";
import { mergeRandom, planRandom, type RandomPlan, type RandomTable } from "./random-plan.ts";
import { addFinding, keySpan, type Report } from "./report.ts";
import { SEED_PARAM } from "./seeds.ts";

export interface BlockPlan {
  /** Number of the variant, from 1; undefined: of the whole file, or explicit runs. */
  readonly variant: number | undefined;
  readonly base: readonly Leaf[];
  readonly axes: readonly AxisPlan[];
  readonly random: RandomPlan | undefined;
  /** Expressions, from top to bottom. */
  readonly derive: readonly Leaf[];
  /** Lists of conditions with their labels. */
  readonly where: readonly (readonly [SpecNode | undefined, string])[];
  /** Every parameter of its points but derived ones, in order. */
  readonly names: ReadonlySet<string>;
}

/** What the blocks of a file share while they are planned. */
export interface BlockContext {
  readonly report: Report;
  readonly seeds: SpecNode | undefined;
  /** Plans by the table that they were made from. */
  readonly randoms: Map<RandomTable, RandomPlan | undefined>;
  /** Parameters that the command line sets, in the place of whatever the files say of them. */
  readonly overridden: readonly string[];
}

/** The whole file alone, or a variant over it. */
export function planBlock(context: BlockContext, outer: Level, own?: Level, variant?: number): BlockPlan {
  const { report, randoms } = context;
  const taken = own?.names ?? new Set<string>();
  const base = replaced(outer.base, own?.base ?? [], taken);
  const grid = replacedAxes(outer.grid, own?.grid ?? [], taken);
  const zip = [...outer.zip.flatMap((axis) => withoutNames(axis, taken) ?? []), ...(own?.zip ?? [])];
  const axes = [...grid, ...zip];
  const table = mergeRandom(outer.random, own?.random, taken);
  if (table && !randoms.has(table)) randoms.set(table, planRandom(report, table));
  const leaves = [...base, ...axes.flatMap((axis) => axis.leaves), ...(table?.space ?? [])];
  const derive = replaced(outer.derive, own?.derive ?? [], new Set());
  checkNames(context, leaves, derive);
  const names = new Set(leaves.map(({ name }) => name));
  if (context.seeds) names.add(SEED_PARAM);
  return {
    variant,
    base,
    axes,
    random: table && randoms.get(table),
    derive,
    where: [
      [outer.where, "where"],
      [own?.where, `variants[${(variant ?? 1) - 1}].where`],
    ],
    names,
  };
}

/** Refuses a seed besides `seeds`, and a parameter within another one. */
export function checkNames({ report, seeds }: BlockContext, leaves: readonly Leaf[], derive: readonly Leaf[]): void {
  const names = new Set([...leaves, ...derive].map(({ name }) => name));
  const seed = seeds && leaves.find(({ name }) => name === SEED_PARAM);
  if (seeds && seed) setTwice(report, seeds, `in ${seed.table} and by seeds`, SEED_PARAM);
  if (seeds) names.add(SEED_PARAM);
  for (const { name, node } of [...leaves, ...derive]) {
    const outer = outerName(name, names);
    if (outer === undefined) continue;
    const message = `"${name}" lies within "${outer}", which has a value of its own`;
    addFinding(report, { id: "spec.duplicate", message, span: keySpan(node), hint: "rename one of them" });
  }
}

/** A name of which `name` would be a part: "optim" for "optim.lr". */
function outerName(name: string, names: ReadonlySet<string>): string | undefined {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const prefix = name.slice(0, dot);
    if (names.has(prefix)) return prefix;
  }
  return undefined;
}

/** Entries of the file, those that the variant has in their place, then its further ones. */
function replaced(outer: readonly Leaf[], own: readonly Leaf[], taken: ReadonlySet<string>): Leaf[] {
  return overlaid(outer, own, taken, ({ name }) => name);
}

function replacedAxes(outer: readonly AxisPlan[], own: readonly AxisPlan[], taken: ReadonlySet<string>): AxisPlan[] {
  return overlaid(outer, own, taken, ({ leaves }) => leaves[0]?.name ?? "");
}

function overlaid<T>(
  outer: readonly T[],
  own: readonly T[],
  taken: ReadonlySet<string>,
  nameOf: (entry: T) => string,
): T[] {
  const mine = new Map(own.map((entry) => [nameOf(entry), entry]));
  const kept = outer.flatMap((entry) => {
    const name = nameOf(entry);
    const found = mine.get(name);
    mine.delete(name);
    return found ? [found] : taken.has(name) ? [] : [entry];
  });
  return [...kept, ...mine.values()];
}
