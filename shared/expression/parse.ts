/**
 * The parser: operator precedence (Pratt), Python's levels. It stops at the first problem, and never throws. Depth and
 * size are limited while parsing, so that no tree exists that would be too much for a walk.
 */
import { suggest } from "../kernel/suggest.ts";
import { excerpt } from "../spec/report.ts";
import { DEPTH_MAX } from "./limits.ts";
import type { ExpressionProblem } from "./problem.ts";
import { expect, fail, made, nested, next, nextText, type Reading, skip, startReading, tooDeep } from "./reading.ts";
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  FUNCTION_ARGUMENTS,
  isFunctionName,
  type Node,
} from "./syntax.ts";
import { readTokens } from "./tokens.ts";

export interface Expression {
  readonly text: string;
  readonly root: Node;
}

export type Parsed =
  | { readonly expression: Expression; readonly problem?: undefined }
  | { readonly expression?: undefined; readonly problem: ExpressionProblem };

/** Reads an expression, or says what is wrong with it first. */
export function parseExpression(text: string): Parsed {
  const tokens = readTokens(text);
  if ("message" in tokens) return { problem: tokens };
  const reading = startReading(tokens);
  const root = readConditional(reading);
  if (root) expectEnd(reading);
  if (reading.problem) return { problem: reading.problem };
  if (!root) throw new Error("assertion failed: no tree and no problem");
  return { expression: { text, root } };
}

/** How tightly operators bind. */
const POWER = { or: 1, and: 2, not: 3, comparison: 4, sum: 5, product: 6, sign: 7, power: 8 } as const;

const ARITHMETIC: ReadonlyMap<string, number> = new Map<ArithmeticOperator, number>([
  ["+", POWER.sum],
  ["-", POWER.sum],
  ["*", POWER.product],
  ["/", POWER.product],
  ["//", POWER.product],
  ["%", POWER.product],
  ["**", POWER.power],
]);
const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "in", "not", "is"]);
const CONSTANTS: ReadonlyMap<string, null | boolean> = new Map([
  ["None", null],
  ["none", null],
  ["True", true],
  ["true", true],
  ["False", false],
  ["false", false],
]);
const WORD_OPERATORS = ["and", "or", "not", "in", "is", "if", "else"];
const KEYWORDS: ReadonlySet<string> = new Set([...WORD_OPERATORS, ...CONSTANTS.keys()]);

/** `yes if condition else no`, and all that binds tighter. */
function readConditional(reading: Reading): Node | undefined {
  return nested(reading, () => {
    const yes = readOperators(reading, POWER.or);
    if (!yes || !skip(reading, "if")) return yes;
    const condition = readOperators(reading, POWER.or);
    if (!condition || !expect(reading, "else", 'after "if" and its condition')) return undefined;
    const no = readConditional(reading);
    return no && made(reading, { kind: "conditional", condition, yes, no, start: yes.start, end: no.end });
  });
}

/** Operands and the operators between them that bind with `power` or tighter. */
function readOperators(reading: Reading, power: number): Node | undefined {
  let left = readPrefix(reading, power);
  while (left) {
    const text = nextText(reading);
    const bound = ARITHMETIC.get(text);
    if (bound !== undefined) {
      if (bound < power) return left;
      left = readArithmetic(reading, left, text as ArithmeticOperator, bound);
    } else if ((text === "and" || text === "or") && POWER[text] >= power) {
      left = readLogic(reading, left, text);
    } else if (COMPARISONS.has(text) && POWER.comparison >= power) {
      left = readComparison(reading, left);
    } else {
      return left;
    }
  }
  return undefined;
}

function readArithmetic(reading: Reading, left: Node, operator: ArithmeticOperator, bound: number): Node | undefined {
  reading.at += 1;
  // A power takes a sign on its right, and groups from the right.
  const right =
    operator === "**" ? nested(reading, () => readOperators(reading, POWER.sign)) : readOperators(reading, bound + 1);
  return right && made(reading, { kind: "arithmetic", operator, left, right, start: left.start, end: right.end });
}

function readLogic(reading: Reading, left: Node, kind: "and" | "or"): Node | undefined {
  reading.at += 1;
  const right = readOperators(reading, POWER[kind] + 1);
  return right && made(reading, { kind, left, right, start: left.start, end: right.end });
}

function readComparison(reading: Reading, first: Node): Node | undefined {
  const rest: { operator: ComparisonOperator; operand: Node }[] = [];
  let end = first.end;
  while (COMPARISONS.has(nextText(reading))) {
    const operator = readComparisonOperator(reading);
    const operand = operator && readOperators(reading, POWER.sum);
    if (!operand) return undefined;
    if (operator.startsWith("is") && !(operand.kind === "literal" && isConstant(operand.value))) {
      const hint = `write ${operator === "is" ? "==" : "!="}`;
      return fail(reading, operand, `"${operator}" takes None, True or False`, hint);
    }
    rest.push({ operator, operand });
    end = operand.end;
  }
  return made(reading, { kind: "comparison", first, rest, start: first.start, end });
}

function readComparisonOperator(reading: Reading): ComparisonOperator | undefined {
  const text = nextText(reading);
  reading.at += 1;
  if (text === "not") return expect(reading, "in", 'after "not"') ? "not in" : undefined;
  if (text === "is") return skip(reading, "not") ? "is not" : "is";
  return text as ComparisonOperator;
}

function isConstant(value: unknown): boolean {
  return value === null || typeof value === "boolean";
}

function readPrefix(reading: Reading, power: number): Node | undefined {
  const token = next(reading);
  const text = nextText(reading);
  if (text === "not" && power > POWER.not) {
    return fail(reading, token, '"not" cannot stand here', "put it and its operand in brackets");
  }
  if (text !== "not" && text !== "-" && text !== "+") return readMembers(reading);
  reading.at += 1;
  const operand = nested(reading, () => readOperators(reading, text === "not" ? POWER.not : POWER.sign));
  return operand && made(reading, { kind: "unary", operator: text, operand, start: token.start, end: operand.end });
}

/** A value with `.name` and `[index]` after it. */
function readMembers(reading: Reading): Node | undefined {
  let object = readValue(reading);
  while (object) {
    if (skip(reading, "[")) object = readIndex(reading, object);
    else if (skip(reading, ".")) object = readMember(reading, object);
    else if (nextText(reading) === "(") return fail(reading, next(reading), "only functions can be called");
    else return object;
  }
  return undefined;
}

function readIndex(reading: Reading, object: Node): Node | undefined {
  const index = readConditional(reading);
  if (!index) return undefined;
  const { end } = next(reading);
  return expect(reading, "]", "after the index") ? indexed(reading, object, index, end) : undefined;
}

function readMember(reading: Reading, object: Node): Node | undefined {
  const token = next(reading);
  const { start, end } = token;
  if (token.kind !== "name") return fail(reading, token, `a name is missing after "."`);
  reading.at += 1;
  if (nextText(reading) === "(") {
    const hint = isFunctionName(token.text) ? `write ${token.text}(…, …)` : undefined;
    return fail(reading, token, `there are no methods: ".${token.text}(…)"`, hint);
  }
  const index = made(reading, { kind: "literal", value: token.text, start, end });
  return index && indexed(reading, object, index, end);
}

/** A member by a constant name makes a name longer; anything else is looked up when it is evaluated. */
function indexed(reading: Reading, object: Node, index: Node, end: number): Node | undefined {
  const { start } = object;
  if (object.kind !== "name" || index.kind !== "literal" || typeof index.value !== "string") {
    return made(reading, { kind: "index", object, index, start, end });
  }
  const member = index.value;
  if (object.paths.length >= DEPTH_MAX) return tooDeep(reading, object);
  const longer = object.paths.map((path) => ({ name: path.name, members: [...path.members, member] }));
  const name = `${object.name}.${member}`;
  return { kind: "name", name, paths: [{ name, members: [] }, ...longer], start, end };
}

function readValue(reading: Reading): Node | undefined {
  const token = next(reading);
  const { start, end } = token;
  if (token.kind === "value") {
    reading.at += 1;
    return made(reading, { kind: "literal", value: token.value, start, end });
  }
  if (token.kind === "name" && !WORD_OPERATORS.includes(token.text)) return readName(reading, token.text, start, end);
  if (token.text === "(" || token.text === "[") return readBrackets(reading, token.text, start);
  if (token.kind !== "end") return fail(reading, token, `a value is missing before "${token.text}"`);
  const message = reading.at === 0 ? "the expression is empty" : "the expression ends where a value is missing";
  return fail(reading, token, message);
}

function readName(reading: Reading, name: string, start: number, end: number): Node | undefined {
  reading.at += 1;
  const constant = CONSTANTS.get(name);
  if (constant !== undefined) return made(reading, { kind: "literal", value: constant, start, end });
  if (nextText(reading) !== "(") {
    return made(reading, { kind: "name", name, paths: [{ name, members: [] }], start, end });
  }
  if (!isFunctionName(name) && name !== "defined") return unknownFunction(reading, name, start, end);
  reading.at += 1;
  const args = readItems(reading, ")");
  if (!args) return undefined;
  const at = { start, end: args.end };
  const [least, most] = name === "defined" ? [1, 1] : FUNCTION_ARGUMENTS[name];
  const count = args.items.length;
  if (count < least || count > most) {
    const range =
      most === least ? String(least) : `${least} ${most === Number.POSITIVE_INFINITY ? "or more" : `or ${most}`}`;
    return fail(reading, at, `${name} takes ${range} ${most === 1 ? "value" : "values"}, not ${count}`);
  }
  if (name !== "defined") return made(reading, { kind: "call", callee: name, args: args.items, ...at });
  const [target] = args.items;
  if (target?.kind !== "name") return fail(reading, at, "defined takes a name: defined(lr)");
  return made(reading, { kind: "defined", target, ...at });
}

function unknownFunction(reading: Reading, name: string, start: number, end: number): undefined {
  const known = [...Object.keys(FUNCTION_ARGUMENTS), "defined"].sort();
  const meant = suggest(name, known);
  const hint = meant === undefined ? `functions: ${known.join(", ")}` : `did you mean ${meant}?`;
  return fail(reading, { start, end }, `there is no function ${excerpt(name)}`, hint);
}

/** `(a)` is `a`; with commas, round brackets make a list as square ones do. */
function readBrackets(reading: Reading, open: "(" | "[", start: number): Node | undefined {
  reading.at += 1;
  const read = readItems(reading, open === "(" ? ")" : "]");
  if (!read) return undefined;
  const { items, end, comma } = read;
  const [only] = items;
  if (open === "(" && only && items.length === 1 && !comma) return only;
  // Made once, not at every evaluation: nothing can change a list.
  if (items.every((item) => item.kind === "literal")) {
    return made(reading, { kind: "literal", value: items.map(({ value }) => value), start, end });
  }
  return made(reading, { kind: "list", items, start, end });
}

/** Expressions with commas between them up to the closing bracket; a comma may follow the last. */
function readItems(reading: Reading, close: ")" | "]"): { items: Node[]; end: number; comma: boolean } | undefined {
  const items: Node[] = [];
  let comma = false;
  while (true) {
    const { end } = next(reading);
    if (skip(reading, close)) return { items, end, comma };
    if (items.length > 0 && !comma) {
      expect(reading, close, "here");
      return undefined;
    }
    const item = readConditional(reading);
    if (!item) return undefined;
    items.push(item);
    comma = skip(reading, ",");
  }
}

function expectEnd(reading: Reading): void {
  const token = next(reading);
  if (token.kind === "end") return;
  if (token.kind === "value") return fail(reading, token, "an operator is missing before this value");
  if (token.kind === "operator" || KEYWORDS.has(token.text))
    return fail(reading, token, `"${token.text}" cannot stand here`);
  const meant = suggest(token.text, WORD_OPERATORS);
  fail(reading, token, `an operator is missing before ${excerpt(token.text)}`, meant && `did you mean ${meant}?`);
}
