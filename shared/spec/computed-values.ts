/** `{ expr = "…" }` in place of a value: computed for each point, and then read as if its value stood in the file. */
import type { Value } from "../expression/value.ts";
import type { Keys, KeyType } from "./key.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode, type Written } from "./node.ts";
import { FloatParam } from "./types.ts";
import { isList } from "./value-text.ts";

/** A value that is computed. */
export interface ComputedPlace {
  /** Where the table with `expr` is written: what names it within its tree. */
  readonly at: Written;
  /** The expression itself. */
  readonly expr: SpecNode;
  readonly label: string;
  /** What its key takes; undefined for a key without a type of its own. */
  readonly type: KeyType | undefined;
}

/** All computed values of a table with these keys, and of the tables and lists within it. Those of other keys are none. */
export function computedPlaces(node: SpecNode | undefined, label: string, keys: Keys): ComputedPlace[] {
  if (!node || kindOf(node.raw) !== "table") return [];
  return entriesOf(node).flatMap(([key, child]): ComputedPlace[] => {
    const type = Object.hasOwn(keys, key) ? keys[key]?.type : undefined;
    if (!type) return [];
    const at = `${label}.${key}`;
    if (isComputed(child)) return placeOf(child, at, type);
    if (kindOf(child.raw) !== "list") return [];
    return itemsOf(child).flatMap((item, i) =>
      isComputed(item) ? placeOf(item, `${at}[${i}]`, type) : computedPlaces(item, `${at}[${i}]`, keys),
    );
  });
}

/** The tree with each place at its value. Without `values`, and where a value is None, the key is left out. */
export function withComputed(
  root: SpecNode,
  places: readonly ComputedPlace[],
  values: readonly Value[] = [],
): SpecNode {
  if (places.length === 0) return root;
  const raws = new Map(places.map((place, i) => [place.at, rawOf(place, values[i] ?? null)]));
  return replaced(root, raws) ?? root;
}

/** False for a value with an infinity or NaN in it, which no file can hold. */
export function isFiniteValue(value: Value): boolean {
  if (value instanceof FloatParam) return Number.isFinite(value.float);
  if (value === null || typeof value !== "object") return true;
  return isList(value) ? value.every(isFiniteValue) : Object.values(value).every(isFiniteValue);
}

function isComputed(node: SpecNode): boolean {
  return kindOf(node.raw) === "table" && node.at.children.size === 1 && node.at.children.has("expr");
}

function placeOf(node: SpecNode, label: string, type: KeyType): ComputedPlace[] {
  const expr = childOf(node, "expr");
  return expr ? [{ at: node.at, expr, label: `${label}.expr`, type }] : [];
}

/** A value as a reader of the file would give it; undefined for none. Numbers are bytes and seconds where units are due. */
function rawOf({ type }: ComputedPlace, value: Value): unknown {
  if (typeof value === "number" || value instanceof FloatParam) {
    const number = typeof value === "number" ? value : value.float;
    if (type?.kind === "size" && number >= 0) return `${Math.round(number)}B`;
    if (type?.kind === "duration" && number >= 0) return `${Math.round(number * 1000)}ms`;
  }
  return value === null ? undefined : rawValue(value);
}

function rawValue(value: Value): unknown {
  if (typeof value === "number") return BigInt(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof FloatParam) return value.float;
  if (isList(value)) return value.map(rawValue);
  const table: { [key: string]: unknown } = Object.create(null);
  for (const [key, item] of Object.entries(value)) table[key] = rawValue(item);
  return table;
}

/** Undefined where nothing of `node` is replaced. */
function replaced(node: SpecNode, values: ReadonlyMap<Written, unknown>): SpecNode | undefined {
  const kind = kindOf(node.raw);
  if (kind === "table") return replacedTable(node, values);
  return kind === "list" ? replacedList(node, values) : undefined;
}

function replacedTable(node: SpecNode, values: ReadonlyMap<Written, unknown>): SpecNode | undefined {
  const raw: { [key: string]: unknown } = Object.create(null);
  const children = new Map<string, Written>();
  let isChanged = false;
  for (const [key, child] of entriesOf(node)) {
    const next = values.has(child.at) ? valueNode(child.at, values.get(child.at)) : (replaced(child, values) ?? child);
    if (next !== child) isChanged = true;
    if (next === undefined) continue;
    raw[key] = next.raw;
    children.set(key, next.at);
  }
  return isChanged ? { raw, at: { ...node.at, children } } : undefined;
}

function replacedList(node: SpecNode, values: ReadonlyMap<Written, unknown>): SpecNode | undefined {
  const items = itemsOf(node).map((item) => ({
    item,
    next: values.has(item.at) ? valueNode(item.at, values.get(item.at)) : (replaced(item, values) ?? item),
  }));
  if (items.every(({ item, next }) => item === next)) return undefined;
  const kept = items.flatMap(({ next }) => (next ? [next] : []));
  return { raw: kept.map(({ raw }) => raw), at: { ...node.at, items: kept.map(({ at }) => at) } };
}

/** A value that stands where its expression is written. */
function valueNode(at: Written, raw: unknown): SpecNode | undefined {
  return raw === undefined ? undefined : { raw, at: placedAt(at, raw) };
}

function placedAt(at: Written, raw: unknown): Written {
  const kind = kindOf(raw);
  const table = kind === "table" ? Object.entries(raw as { readonly [key: string]: unknown }) : [];
  const list = kind === "list" ? (raw as readonly unknown[]) : [];
  return {
    ...at,
    children: new Map(table.map(([key, item]) => [key, placedAt(at, item)])),
    items: list.map((item) => placedAt(at, item)),
  };
}
