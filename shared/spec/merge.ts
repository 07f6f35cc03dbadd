/** Laying one table over another: for `extends`, and for what a variant or a run says over the whole file. */
import { entriesOf, kindOf, type SpecNode, type Written } from "./node.ts";

/** True for a table that is one value, such as `{ linspace = […] }`, so that it replaces and is replaced as a whole. */
export type IsValue = (path: readonly string[], node: SpecNode) => boolean;

/** Tables key by key, the second over the first; everything else is replaced. Keys keep the place of the first. */
export function mergeNodes(below: SpecNode, above: SpecNode, isValue: IsValue = () => false): SpecNode {
  return merged(below, above, isValue, []);
}

function merged(below: SpecNode, above: SpecNode, isValue: IsValue, path: readonly string[]): SpecNode {
  const raw: { [key: string]: unknown } = Object.create(null);
  const children = new Map<string, Written>();
  const set = (key: string, node: SpecNode, order: number) => {
    raw[key] = node.raw;
    children.set(key, { ...node.at, order });
  };
  for (const [key, node] of entriesOf(below)) set(key, node, orderOf(node));
  for (const [key, node] of entriesOf(above)) {
    const at = children.get(key);
    const before = at && { raw: raw[key], at };
    const inner = [...path, key];
    const isJoined = before && isTable(before) && isTable(node) && !isValue(inner, before) && !isValue(inner, node);
    set(key, isJoined ? merged(before, node, isValue, inner) : node, before ? orderOf(before) : orderOf(node));
  }
  return { raw, at: { ...above.at, children, order: orderOf(above) } };
}

/** Where a key stands among others: that of the file, unless it took the place of one below it. */
export function orderOf({ at }: SpecNode): number {
  return at.order ?? at.keyStart;
}

function isTable(node: SpecNode): boolean {
  return kindOf(node.raw) === "table";
}
