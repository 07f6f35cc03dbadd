/** The value of an expression: one walk over its tree. Total: never throws, and bounded in time and memory. */
import { calculate, signed } from "./arithmetic.ts";
import { compare } from "./comparison.ts";
import { callFunction } from "./functions.ts";
import { STEPS_MAX } from "./limits.ts";
import { unknownName } from "./names.ts";
import type { Expression } from "./parse.ts";
import type { ExpressionProblem } from "./problem.ts";
import type { ComparisonNode, IndexNode, NameNode, Node } from "./syntax.ts";
import { describeType, integerOf, isList, isTable, isTruthy, memberOf, type Value } from "./value.ts";
import { fail, type Scope, spend, startWalk, type Walk } from "./walk.ts";

export type Evaluation =
  | { readonly value: Value; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: ExpressionProblem };

/** Counts what many evaluations take together. */
export interface Meter {
  steps: number;
}

/**
 * The value in a scope. A dotted name is asked for as a whole, then in ever shorter forms whose values must be tables
 * with the rest as own members. `known` lists the names of the scope, for a suggestion where one has no value.
 */
export function evaluate(
  expression: Expression,
  scope: Scope,
  known: () => Iterable<string> = () => [],
  meter?: Meter,
): Evaluation {
  const walk = startWalk(scope, known);
  const value = evaluateNode(walk, expression.root);
  if (meter) meter.steps += STEPS_MAX - Math.max(0, walk.steps);
  return walk.problem === undefined ? { value } : { problem: walk.problem };
}

function evaluateNode(walk: Walk, node: Node): Value {
  switch (node.kind) {
    case "literal":
      return node.value;
    case "name":
      return nameValue(walk, node);
    case "comparison":
      return compareAll(walk, node);
    case "and": {
      const left = evaluateNode(walk, node.left);
      return isTruthy(left) ? evaluateNode(walk, node.right) : left;
    }
    case "or": {
      const left = evaluateNode(walk, node.left);
      return isTruthy(left) ? left : evaluateNode(walk, node.right);
    }
    case "arithmetic":
      return calculate(walk, node, node.operator, evaluateNode(walk, node.left), evaluateNode(walk, node.right));
    case "unary": {
      const operand = evaluateNode(walk, node.operand);
      return node.operator === "not" ? !isTruthy(operand) : signed(walk, node, node.operator, operand);
    }
    case "conditional":
      return evaluateNode(walk, isTruthy(evaluateNode(walk, node.condition)) ? node.yes : node.no);
    case "list":
      return node.items.map((item) => evaluateNode(walk, item));
    case "index":
      return elementOf(walk, node);
    case "defined":
      return lookUp(walk, node.target) !== undefined;
    case "call":
      return callFunction(
        walk,
        node,
        node.callee,
        node.args.map((arg) => evaluateNode(walk, arg)),
      );
  }
}

function nameValue(walk: Walk, node: NameNode): Value {
  const value = lookUp(walk, node);
  if (value !== undefined) return value;
  // A problem that came before is the answer.
  walk.problem ??= missingName(walk, node);
  return null;
}

/** Undefined where nothing has the name, in none of the ways to take it. */
function lookUp(walk: Walk, node: NameNode): Value | undefined {
  for (const { name, members } of node.paths) {
    let value = walk.scope(name);
    for (const member of members) {
      if (value === undefined) break;
      value = isTable(value) ? memberOf(value, member) : undefined;
    }
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Says what of the name there is: nothing, a table without this member, or a value without members. */
function missingName(walk: Walk, node: NameNode): ExpressionProblem {
  for (const { name, members } of node.paths) {
    let value = walk.scope(name);
    let path = name;
    for (const member of members) {
      if (value === undefined) break;
      if (!isTable(value)) {
        const message = `"${path}" is ${describeType(value)} and has no "${member}"`;
        return { kind: "type", message, start: node.start, end: node.end };
      }
      path += `.${member}`;
      if (!Object.hasOwn(value, member)) return unknownName(node, path, member, Object.keys(value));
      value = memberOf(value, member);
    }
  }
  return unknownName(node, node.name, node.name, walk.known());
}

function compareAll(walk: Walk, { first, rest, start, end }: ComparisonNode): boolean {
  let left = evaluateNode(walk, first);
  for (const { operator, operand } of rest) {
    const right = evaluateNode(walk, operand);
    if (!compare(walk, { start, end }, operator, left, right)) return false;
    left = right;
  }
  return true;
}

function elementOf(walk: Walk, node: IndexNode): Value {
  const object = evaluateNode(walk, node.object);
  const index = evaluateNode(walk, node.index);
  if (isTable(object)) {
    if (typeof index !== "string") return fail(walk, "type", node, `a table has no element ${describeType(index)}`);
    const member = memberOf(object, index);
    if (member === undefined) walk.problem ??= unknownName(node, index, index, Object.keys(object));
    return member ?? null;
  }
  if (typeof object !== "string" && !isList(object)) {
    return fail(walk, "type", node, `${describeType(object)} has no elements`);
  }
  const at = integerOf(index);
  if (at === undefined) return fail(walk, "type", node, `the index must be an int, not ${describeType(index)}`);
  if (typeof object === "string" && !spend(walk, node, object.length >> 3)) return null;
  // Elements of a string are its characters, not the halves of some.
  const items = typeof object === "string" ? Array.from(object) : object;
  const item = items.at(at);
  if (item === undefined || at < -items.length) {
    return fail(walk, "value", node, `there is no element ${at}; the length is ${items.length}`);
  }
  return item;
}
