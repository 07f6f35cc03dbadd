/**
 * A value of a sweep file together with where it is written. The readers of TOML and of JSON both end here, so that the
 * rules above them know neither. Integers are bigint, floats are numbers, tables have no prototype.
 */

import { RUNS_PER_SWEEP_MAX } from "../run/limits.ts";

/** Where a value is written: offsets into the text, in UTF-16 units, ends excluded. */
export interface Written {
  keyStart: number;
  keyEnd: number;
  start: number;
  end: number;
  /** Keys of a table, in the order of the file. */
  readonly children: Map<string, Written>;
  /** Elements of a list; those beyond `LIST_PLACES_MAX` are left out. */
  readonly items: Written[];
  /** Where it stands among its neighbours, when that is not where it is written. */
  readonly order?: number;
}

export interface SpecNode {
  readonly raw: unknown;
  readonly at: Written;
}

export type NodeKind = "table" | "list" | "string" | "integer" | "float" | "boolean" | "date" | "null";

/** Levels of tables and lists; what is deeper is refused before anything walks it. */
export const DEPTH_MAX = 64;
/** Elements of a list whose places are kept: one more than the longest list that is accepted. */
export const LIST_PLACES_MAX = RUNS_PER_SWEEP_MAX + 1;

export function writtenAt(keyStart: number, keyEnd: number, start: number, end: number): Written {
  return { keyStart, keyEnd, start, end, children: new Map(), items: [] };
}

export function kindOf(raw: unknown): NodeKind {
  switch (typeof raw) {
    case "string":
      return "string";
    case "bigint":
      return "integer";
    case "number":
      return "float";
    case "boolean":
      return "boolean";
    default:
      if (raw === null) return "null";
      if (Array.isArray(raw)) return "list";
      return raw instanceof Date ? "date" : "table";
  }
}

/** "a string", "an integer": for messages about a wrong type. */
export function describeKind(kind: NodeKind): string {
  return kind === "null" ? "null" : `${kind === "integer" ? "an" : "a"} ${kind}`;
}

/** Keys and values of a table in the order of the file; empty for anything else. */
export function entriesOf(node: SpecNode): [string, SpecNode][] {
  const raw = node.raw as { readonly [key: string]: unknown };
  return Array.from(node.at.children, ([key, at]) => [key, { raw: raw[key], at }]);
}

/** Elements of a list; empty for anything else. */
export function itemsOf(node: SpecNode): SpecNode[] {
  const raw = node.raw as readonly unknown[];
  return node.at.items.map((at, i) => ({ raw: raw[i], at }));
}

/** Moves every place below `at`, for a text that is laid behind others. */
export function shiftPlaces(at: Written, by: number): void {
  at.keyStart += by;
  at.keyEnd += by;
  at.start += by;
  at.end += by;
  for (const child of at.children.values()) shiftPlaces(child, by);
  for (const item of at.items) shiftPlaces(item, by);
}

/** The value under `key`; undefined where the table has none. */
export function childOf(node: SpecNode, key: string): SpecNode | undefined {
  const at = node.at.children.get(key);
  return at && { raw: (node.raw as { readonly [key: string]: unknown })[key], at };
}
