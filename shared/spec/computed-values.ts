/**
 * `{ expr = "…" }` in place of a value: computed for each point, and then read as if it stood in the file. Few points give
 * different values, so what was read is kept by the values it was read with.
 */

import { evaluate } from "../expression/evaluate.ts";
import type { ExpressionProblem } from "../expression/problem.ts";
import type { Value } from "../expression/value.ts";
import type { Scope } from "../expression/walk.ts";
import { type CheckedExpression, expressionFinding, namesAreKnown, readExpression } from "./checked-expression.ts";
import type { Keys, KeyType } from "./key.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode, type Written } from "./node.ts";
import type { SpecProblem } from "./problems.ts";
import { addFinding, createReport, problemsOf, type Report } from "./report.ts";
import type { SourceFile } from "./source-files.ts";
import { FloatParam } from "./types.ts";
import { isList, valueJson } from "./value-text.ts";

/** A value that is computed. */
export interface ComputedField extends CheckedExpression {
  /** Where the table with `expr` is written: what names it within its tree. */
  readonly at: Written;
  /** What its key takes; undefined for a key without a type of its own. */
  readonly type: KeyType | undefined;
}

/** True for `{ expr = … }`. */
export function isComputed(node: SpecNode): boolean {
  return kindOf(node.raw) === "table" && node.at.children.size === 1 && node.at.children.has("expr");
}

/**
 * All computed values of a table, and of the tables and lists within it. Unreadable ones, and those with a name that is
 * not among `known`, are findings. `keys` are those of the table: sizes are bytes to an expression, durations seconds.
 */
export function readComputedFields(
  report: Report,
  table: SpecNode,
  label: string,
  keys: Keys,
  known: ReadonlySet<string>,
): ComputedField[] {
  const fields: ComputedField[] = [];
  const visit = (node: SpecNode, path: string, key: string) => {
    if (isComputed(node)) {
      const expression = childOf(node, "expr");
      const checked = expression && readExpression(report, expression, `${path}.expr`);
      const type = Object.hasOwn(keys, key) ? keys[key]?.type : undefined;
      if (checked && namesAreKnown(report, checked, known)) fields.push({ ...checked, at: node.at, type });
    } else if (kindOf(node.raw) === "table") {
      for (const [name, child] of entriesOf(node)) visit(child, `${path}.${name}`, name);
    } else if (kindOf(node.raw) === "list") {
      for (const [i, item] of itemsOf(node).entries()) visit(item, `${path}[${i}]`, key);
    }
  };
  visit(table, label, "");
  return fields;
}

/** `root` with each computed field at its value; without those that have none, and those whose value is None. */
export function withValues(root: SpecNode, values: ReadonlyMap<Written, unknown>): SpecNode {
  if (values.size === 0) return root;
  return replaced(root, values) ?? root;
}

export interface ShapeSource<Shape> {
  readonly files: readonly SourceFile[];
  /** The tree in which the fields are. */
  readonly root: SpecNode;
  readonly fields: readonly ComputedField[];
  /** Reads the tree, in which every value is now written out. Of use only when the report stays empty. */
  readonly read: (report: Report, root: SpecNode) => Shape;
}

/**
 * What a point's values make of the tree. The same object for points whose values are the same, so that shapes can be told
 * apart by identity.
 */
export function createShapeResolver<Shape>({
  files,
  root,
  fields,
  read,
}: ShapeSource<Shape>): (scope: Scope) => { readonly shape: Shape } | { readonly problem: SpecProblem } {
  const known = new Map<string, { readonly shape: Shape } | { readonly problem: SpecProblem }>();
  return (scope) => {
    const results: Value[] = [];
    for (const field of fields) {
      const { value, problem } = evaluated(field, scope);
      if (problem) return { problem: problemAt(files, field, problem) };
      results.push(value);
    }
    const key = results.map(valueJson).join("\n");
    const before = known.get(key);
    if (before) return before;
    const report = createReport(files);
    const values = new Map(fields.map((field, i) => [field.at, rawOf(field, results[i] ?? null)]));
    const shape = read(report, withValues(root, values));
    const [problem] = problemsOf(report);
    const answer = problem ? { problem } : { shape };
    known.set(key, answer);
    return answer;
  };
}

function evaluated(
  { expression }: ComputedField,
  scope: Scope,
): { value: Value; problem?: undefined } | { value?: undefined; problem: ExpressionProblem } {
  const result = evaluate(expression, scope);
  if (result.problem) return { problem: result.problem };
  if (isAllFinite(result.value)) return { value: result.value };
  const end = expression.text.length;
  return { problem: { kind: "value", message: "this is not a finite number", start: 0, end } };
}

function isAllFinite(value: Value): boolean {
  if (value instanceof FloatParam) return Number.isFinite(value.float);
  if (value === null || typeof value !== "object") return true;
  return isList(value) ? value.every(isAllFinite) : Object.values(value).every(isAllFinite);
}

function problemAt(files: readonly SourceFile[], { node }: ComputedField, problem: ExpressionProblem): SpecProblem {
  const report = createReport(files);
  addFinding(report, expressionFinding(report, node, problem));
  const [first] = problemsOf(report);
  if (!first) throw new Error("assertion failed: a finding is a problem");
  return first;
}

/** A value as a reader of the file would give it; undefined for none. Numbers are bytes and seconds where units are due. */
function rawOf({ type }: ComputedField, value: Value): unknown {
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
