/** Equality, order and membership, as Python has them. Different types are unequal, and have no order. */
import type { ComparisonOperator } from "./syntax.ts";
import { describeType, isList, isTable, numberOf, type Value } from "./value.ts";
import { type At, fail, spend, type Walk } from "./walk.ts";

type OrderOperator = "<" | "<=" | ">" | ">=";

export function compare(walk: Walk, at: At, operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return equals(walk, at, left, right);
    case "!=":
      return !equals(walk, at, left, right);
    case "in":
      return contains(walk, at, left, right);
    case "not in":
      return !contains(walk, at, left, right);
    // Of None, True and False there is one each.
    case "is":
      return left === right;
    case "is not":
      return left !== right;
    default:
      return inOrder(walk, at, operator, left, right);
  }
}

/** `left < right` and its like. */
export function inOrder(walk: Walk, at: At, operator: OrderOperator, left: Value, right: Value): boolean {
  const a = numberOf(left);
  const b = numberOf(right);
  if (a !== undefined && b !== undefined) return holds(operator, a, b);
  if (typeof left === "string" && typeof right === "string") return holds(operator, compareText(left, right), 0);
  if (isList(left) && isList(right)) return listsInOrder(walk, at, operator, left, right);
  fail(walk, "type", at, `"${operator}" cannot compare ${describeType(left)} with ${describeType(right)}`);
  return false;
}

/** `1 == 1.0 == True`; None, strings, lists and tables equal only their like. */
export function equals(walk: Walk, at: At, left: Value, right: Value): boolean {
  const a = numberOf(left);
  if (a !== undefined) return a === numberOf(right);
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length || !spend(walk, at, left.length)) return false;
    return left.every((item, i) => sameItem(walk, at, item, right[i] ?? null));
  }
  if (!isTable(left) || !isTable(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length || !spend(walk, at, keys.length)) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameItem(walk, at, left[key] ?? null, right[key] ?? null));
}

function contains(walk: Walk, at: At, item: Value, container: Value): boolean {
  if (isList(container)) {
    return spend(walk, at, container.length) && container.some((each) => sameItem(walk, at, each, item));
  }
  if (typeof container === "string") {
    if (typeof item === "string") return includes(walk, at, container, item);
    fail(walk, "type", at, `"in" a string looks for a string, not for ${describeType(item)}`);
    return false;
  }
  if (isTable(container)) {
    if (isList(item) || isTable(item))
      fail(walk, "type", at, `"in" a table looks for a name, not for ${describeType(item)}`);
    return typeof item === "string" && Object.hasOwn(container, item);
  }
  fail(walk, "type", at, `"in" looks into a list, a string or a table, not into ${describeType(container)}`);
  return false;
}

/** Counted by its worst case: a long needle in a long string may be compared at every place. */
function includes(walk: Walk, at: At, text: string, part: string): boolean {
  const places = Math.max(0, text.length - part.length + 1);
  return spend(walk, at, Math.floor((places * Math.max(1, part.length)) / 64)) && text.includes(part);
}

/** Inside lists and tables the same NaN equals itself, as in Python. */
function sameItem(walk: Walk, at: At, left: Value, right: Value): boolean {
  return left === right || equals(walk, at, left, right);
}

/** By the first elements that differ, then by length. */
function listsInOrder(
  walk: Walk,
  at: At,
  operator: OrderOperator,
  left: readonly Value[],
  right: readonly Value[],
): boolean {
  const length = Math.min(left.length, right.length);
  if (!spend(walk, at, length)) return false;
  for (let i = 0; i < length; i++) {
    const a = left[i] ?? null;
    const b = right[i] ?? null;
    if (!sameItem(walk, at, a, b)) return inOrder(walk, at, operator, a, b);
  }
  return holds(operator, left.length, right.length);
}

function holds(operator: OrderOperator, a: number, b: number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}

/** By code points; JavaScript's own order is by UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // Surrogates stand for code points above all other units.
    if (x !== y) return x >= 0xd800 && y >= 0xd800 && isSurrogate(x) !== isSurrogate(y) ? y - x : x - y;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
