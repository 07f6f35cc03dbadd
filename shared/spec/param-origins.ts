/**
 * What a file says of its parameters beyond their values: by which of them replicates of a point differ, which only say which
 * run of the sweep a run is, and which are computed.
 */
import { namesOf } from "../expression/names.ts";
import type { Block } from "./block.ts";
import { isAmong, KnownNames } from "./conditions.ts";
import { SEED_PARAM } from "./seeds.ts";
import type { Derivation, ParamOrigins } from "./types.ts";

/** Of sweeps of which nothing is known. */
export const USUAL_REPLICATES: readonly string[] = [SEED_PARAM];

/** A name that is one thing in one variant and another in the next is taken for what tells points apart. */
export function paramOrigins(blocks: readonly Block[]): ParamOrigins {
  const tables = blocks.map(tableOf);
  const names = new Set(tables.flatMap((table) => [...table.own]));
  const everywhere = (kind: "replicates" | "numbered") =>
    [...names].filter((name) => tables.every((table) => !table.own.has(name) || table[kind].has(name)));
  return {
    replicates: [...new Set([SEED_PARAM, ...everywhere("replicates")])],
    numbered: everywhere("numbered"),
    derived: derivations(blocks, tables),
  };
}

interface Table {
  /** All parameters of the block. */
  readonly own: ReadonlySet<string>;
  readonly replicates: ReadonlySet<string>;
  readonly numbered: ReadonlySet<string>;
}

function tableOf({ constants, axes, derived }: Block): Table {
  const given = [...constants.map(([name]) => name), ...axes.flatMap(({ names }) => names)];
  const replicates = new KnownNames([SEED_PARAM]);
  for (const { name, checked, isLate } of derived) {
    const varies = isLate || namesOf(checked.expression).some((used) => isAmong(used, replicates));
    if (varies) replicates.add(name);
    else replicates.delete(name);
  }
  const numbered = new Set(derived.filter(({ isLate }) => isLate).map(({ name }) => name));
  return { own: new Set([...given, ...derived.map(({ name }) => name)]), replicates, numbered };
}

/** In their order. */
function derivations(blocks: readonly Block[], tables: readonly Table[]): Derivation[] {
  const texts = new Map<string, Set<string>>();
  for (const { name, checked } of blocks.flatMap(({ derived }) => derived)) {
    const known = texts.get(name) ?? new Set();
    texts.set(name, known.add(checked.expression.text));
  }
  return [...texts].map(([name, expressions]) => {
    const isDerived = ({ derived }: Block) => derived.some((each) => each.name === name);
    const certain = blocks.every((block, i) => !tables[i]?.own.has(name) || isDerived(block));
    return { name, expressions: [...expressions], certain: certain && expressions.size === 1 };
  });
}
