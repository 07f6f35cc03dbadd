/**
 * What a file says of its parameters beyond their values: by which of them replicates of a point differ, which only say which
 * run of the sweep a run is, and which are computed.
 */
import { namesOf } from "../expression/names.ts";
import type { Block } from "./block.ts";
import { type Derived, isAmong, KnownNames } from "./conditions.ts";
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
    derived: derivations(blocks),
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
function derivations(blocks: readonly Block[]): Derivation[] {
  const texts = new Map<string, string | null>();
  for (const { derived } of blocks) for (const each of derived) note(texts, each);
  for (const { constants, axes, derived } of blocks) {
    const computed = new Set(derived.map(({ name }) => name));
    for (const name of [...constants.map(([constant]) => constant), ...axes.flatMap(({ names }) => names)]) {
      if (texts.has(name) && !computed.has(name)) texts.set(name, null);
    }
  }
  return [...texts].map(([name, expression]) => ({ name, expression }));
}

function note(texts: Map<string, string | null>, { name, checked }: Derived): void {
  const { text } = checked.expression;
  texts.set(name, texts.has(name) && texts.get(name) !== text ? null : text);
}
