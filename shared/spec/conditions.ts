/** `[derive]` and `where`: expressions over the parameters of a point, checked for their names with the file. */
import { namesOf } from "../expression/names.ts";
import { type CheckedExpression, namesAreKnown, readExpression } from "./checked-expression.ts";
import { grouped } from "./document.ts";
import type { Leaf } from "./leaves.ts";
import { itemsOf, kindOf, type SpecNode } from "./node.ts";
import { addFinding, keySpan, type Report, valueSpan, wrongType, wrongValue } from "./report.ts";

/** What is known of a run, besides its parameters, while points are made. */
export const INDEX_NAME = "run.index";
export const SWEEP_NAME = "sweep.name";
const LATE_NAMES: readonly string[] = [INDEX_NAME, SWEEP_NAME];

/** Conditions of a file or a variant, and derived parameters. */
const EXPRESSIONS_MAX = 1_000;

const PARAMS_PREFIX = "params.";

/** What is known only where a run starts. */
const HOST_NAMES = /^(?:run\.(?:id|name|dir|attempt)|node\..+|gpus|args|resume|env\..+)$/;

export interface Derived {
  readonly name: string;
  readonly label: string;
  readonly checked: CheckedExpression;
  /** True where it says which run of the sweep it is. It is computed last, and says nothing about the work. */
  readonly isLate: boolean;
}

export interface Condition {
  readonly text: string;
  readonly checked: CheckedExpression;
  /** Among all conditions of the file, from 0. */
  readonly number: number;
}

/** Expressions of a file, each read once though several variants share it. */
export interface Expressions {
  readonly report: Report;
  readonly read: Map<SpecNode["at"], CheckedExpression | undefined>;
  readonly conditions: Map<SpecNode["at"], Condition>;
}

/**
 * Derived parameters from top to bottom: each may use what is derived above it. `known`: the parameters of any block, as
 * an expression may ask whether one is there.
 */
export function planDerived(expressions: Expressions, leaves: readonly Leaf[], known: ReadonlySet<string>): Derived[] {
  const names = new KnownNames([...known, ...LATE_NAMES]);
  const late = new KnownNames(LATE_NAMES);
  const derived: Derived[] = [];
  const [first] = leaves;
  if (first && leaves.length > EXPRESSIONS_MAX) {
    const message = `${first.table} has more than ${grouped(EXPRESSIONS_MAX)} parameters`;
    addFinding(expressions.report, { id: "spec.value", message, span: keySpan(first.node) });
    return [];
  }
  for (const { name, label, node } of leaves) {
    const checked = readOnce(expressions, node, label);
    const isKnown = checked !== undefined && mayBeUsed(expressions.report, checked, names);
    // Also where it is wrong, so that one mistake is reported once.
    names.add(name);
    if (!checked || !isKnown) continue;
    const isLate = namesOf(checked.expression).some((used) => isAmong(used, late));
    if (isLate) late.add(name);
    else late.delete(name);
    derived.push({ name, label, checked, isLate });
  }
  return derived;
}

/** The conditions of a block, in the order in which they are asked. */
export function planConditions(
  expressions: Expressions,
  lists: readonly (readonly [node: SpecNode | undefined, label: string])[],
  known: ReadonlySet<string>,
  derived: readonly Derived[],
): Condition[] {
  const { report } = expressions;
  const names = new KnownNames([...known, SWEEP_NAME, ...derived.map(({ name }) => name)]);
  const late = new KnownNames([INDEX_NAME, ...derived.filter(({ isLate }) => isLate).map(({ name }) => name)]);
  const conditions: Condition[] = [];
  for (const [node, label] of lists) {
    if (!node) continue;
    if (kindOf(node.raw) !== "list") {
      wrongType(report, node, label, "a list of conditions", "put it in brackets: [ … ]");
      continue;
    }
    const items = itemsOf(node);
    if (items.length > EXPRESSIONS_MAX) {
      wrongValue(report, node, `${label} has more than ${grouped(EXPRESSIONS_MAX)} conditions`);
      continue;
    }
    for (const [i, item] of items.entries()) {
      const condition = conditionOf(expressions, item, `${label}[${i}]`);
      if (!condition) continue;
      const lateName = namesOf(condition.checked.expression).find((used) => isAmong(used, late));
      if (lateName !== undefined) {
        const message = `"${lateName}" is not known yet when ${label} is asked: runs are numbered after it`;
        addFinding(report, { id: "expression.name", message, span: valueSpan(item) });
      } else if (mayBeUsed(report, condition.checked, names)) {
        conditions.push(condition);
      }
    }
  }
  return conditions;
}

/** An expression under one name among those that a point has, as `{ expr = "…" }` in `[resources]`. */
export function planExpression(
  expressions: Expressions,
  node: SpecNode,
  label: string,
  known: ReadonlySet<string>,
  derived: readonly Derived[],
): CheckedExpression | undefined {
  const checked = readOnce(expressions, node, label);
  const names = new KnownNames([...known, ...derived.filter(({ isLate }) => !isLate).map(({ name }) => name)]);
  return checked && mayBeUsed(expressions.report, checked, names) ? checked : undefined;
}

/** Names as an expression may write them: `params["weight-decay"]` is the parameter `weight-decay`. */
export class KnownNames extends Set<string> {
  override has(name: string): boolean {
    return super.has(name) || super.has(plainName(name));
  }
}

/** The name of the parameter that `params.NAME` means. */
export function plainName(name: string): string {
  return name.startsWith(PARAMS_PREFIX) ? name.slice(PARAMS_PREFIX.length) : name;
}

/** True for a name or a part of one: "optim.lr.x" is among { "optim.lr" }. */
export function isAmong(used: string, names: ReadonlySet<string>): boolean {
  if (names.has(used)) return true;
  for (let dot = used.lastIndexOf("."); dot > 0; dot = used.lastIndexOf(".", dot - 1)) {
    if (names.has(used.slice(0, dot))) return true;
  }
  return false;
}

function mayBeUsed(report: Report, checked: CheckedExpression, names: ReadonlySet<string>): boolean {
  const early = namesOf(checked.expression).find((used) => HOST_NAMES.test(used) && !isAmong(used, names));
  if (early === undefined) return namesAreKnown(report, checked, names);
  const message = `"${early}" is known only where a run starts`;
  const hint = "use it as ${…} in run.command, run.env or run.cwd";
  addFinding(report, { id: "expression.name", message, span: valueSpan(checked.node), hint });
  return false;
}

function readOnce({ report, read }: Expressions, node: SpecNode, label: string): CheckedExpression | undefined {
  if (!read.has(node.at)) read.set(node.at, readExpression(report, node, label));
  return read.get(node.at);
}

function conditionOf(expressions: Expressions, item: SpecNode, label: string): Condition | undefined {
  const { conditions } = expressions;
  const checked = readOnce(expressions, item, label);
  if (!checked) return undefined;
  const condition = conditions.get(item.at) ?? { text: checked.expression.text, checked, number: conditions.size };
  conditions.set(item.at, condition);
  return condition;
}
