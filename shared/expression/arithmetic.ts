/** `+ - * / // % **` and signs, as Python has them: ints stay ints and exact, floats are floats. */
import { FloatParam } from "../spec/types.ts";
import { LIST_ITEMS_MAX, STRING_CHARS_MAX } from "./limits.ts";
import type { ArithmeticOperator } from "./syntax.ts";
import { describeType, integerOf, isList, numberOf, type Value } from "./value.ts";
import { type At, fail, type Walk } from "./walk.ts";

export function calculate(walk: Walk, at: At, operator: ArithmeticOperator, left: Value, right: Value): Value {
  const a = numberOf(left);
  const b = numberOf(right);
  if (a === undefined || b === undefined) return calculateOthers(walk, at, operator, left, right);
  // numberOf took ints, booleans and floats; without a float the result is an int.
  const exact = !(left instanceof FloatParam || right instanceof FloatParam);
  switch (operator) {
    case "+":
      return exact ? integer(walk, at, a + b) : new FloatParam(a + b);
    case "-":
      return exact ? integer(walk, at, a - b) : new FloatParam(a - b);
    case "*":
      // An int has no negative zero.
      return exact ? integer(walk, at, a * b + 0) : new FloatParam(a * b);
    case "**":
      return exact && b >= 0 ? integerPower(walk, at, a, b) : floatPower(walk, at, a, b);
    default:
      break;
  }
  if (b === 0) return fail(walk, "value", at, `"${operator}" by zero`);
  if (operator === "/") return new FloatParam(a / b);
  if (operator === "%") return exact ? integerRemainder(a, b) : new FloatParam(floatRemainder(a, b));
  return exact ? integerFloorDivision(a, b) : new FloatParam(floatFloorDivision(a, b));
}

/** `-value` or `+value`. */
export function signed(walk: Walk, at: At, operator: "-" | "+", value: Value): Value {
  if (value instanceof FloatParam) return operator === "-" ? new FloatParam(-value.float) : value;
  const number = integerOf(value);
  if (number !== undefined) return operator === "-" ? 0 - number : number;
  return fail(walk, "type", at, `"${operator}" cannot stand before ${describeType(value)}`);
}

/** The int, where it can be kept exactly. */
export function integer(walk: Walk, at: At, value: number): number | null {
  if (Number.isSafeInteger(value)) return value;
  const hint = "calculate with floats: write 2.0 for 2, or float(x)";
  return fail(walk, "value", at, "the result is an integer beyond 2^53, which cannot be kept exactly", hint);
}

/** Of the sign of the divisor, as in Python; JavaScript's is that of the dividend. */
function integerRemainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest + 0;
}

function integerFloorDivision(a: number, b: number): number {
  const rest = a % b;
  const truncated = (a - rest) / b;
  return rest !== 0 && rest < 0 !== b < 0 ? truncated - 1 : truncated + 0;
}

function floatRemainder(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

/** As CPython: from the exact remainder, then to the nearest whole number. */
function floatFloorDivision(a: number, b: number): number {
  const rest = a % b;
  let quotient = (a - rest) / b;
  if (rest !== 0 && rest < 0 !== b < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** By squaring: every step is exact, or the result is too large. */
function integerPower(walk: Walk, at: At, base: number, exponent: number): number | null {
  let result = 1;
  let factor = base;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result * factor + 0;
    if (left > 1) factor *= factor;
    if (!Number.isSafeInteger(result) || !Number.isSafeInteger(factor)) break;
  }
  return Number.isSafeInteger(factor) ? integer(walk, at, result) : integer(walk, at, factor);
}

function floatPower(walk: Walk, at: At, base: number, exponent: number): Value {
  // C's rules, which JavaScript does not follow.
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return new FloatParam(1);
  if (base === 0 && exponent < 0 && Number.isFinite(exponent)) {
    return fail(walk, "value", at, "zero to a negative power");
  }
  if (base < 0 && Number.isFinite(base) && Number.isFinite(exponent) && !Number.isInteger(exponent)) {
    return fail(walk, "value", at, "a negative number to a power that is not whole is complex");
  }
  const result = base ** exponent;
  if (!Number.isFinite(result) && Number.isFinite(base) && Number.isFinite(exponent)) {
    return fail(walk, "value", at, "the result is too large for a float");
  }
  return new FloatParam(result);
}

/** Strings and lists: joined with `+`, repeated with `*`. */
function calculateOthers(walk: Walk, at: At, operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (operator === "+") {
    if (typeof left === "string" && typeof right === "string") {
      return fits(walk, at, left.length + right.length, STRING_CHARS_MAX) ? left + right : null;
    }
    if (isSequence(left) && isSequence(right) && typeof left !== "string" && typeof right !== "string") {
      return fits(walk, at, left.length + right.length, LIST_ITEMS_MAX) ? [...left, ...right] : null;
    }
  }
  if (operator === "*") {
    const [sequence, times] = isSequence(left) ? [left, integerOf(right)] : [right, integerOf(left)];
    if (isSequence(sequence) && times !== undefined) return repeat(walk, at, sequence, Math.max(0, times));
  }
  const message = `"${operator}" cannot take ${describeType(left)} and ${describeType(right)}`;
  return fail(walk, "type", at, message, hintFor(operator, left, right));
}

function repeat(walk: Walk, at: At, sequence: string | readonly Value[], times: number): Value {
  if (sequence.length === 0) return sequence;
  if (typeof sequence === "string") {
    return fits(walk, at, sequence.length * times, STRING_CHARS_MAX) ? sequence.repeat(times) : null;
  }
  if (!fits(walk, at, sequence.length * times, LIST_ITEMS_MAX)) return null;
  return Array.from({ length: sequence.length * times }, (_, i) => sequence[i % sequence.length] ?? null);
}

function isSequence(value: Value): value is string | readonly Value[] {
  return typeof value === "string" || isList(value);
}

function fits(walk: Walk, at: At, size: number, max: number): boolean {
  if (size <= max) return true;
  fail(
    walk,
    "limit",
    at,
    `the result has ${size} ${max === LIST_ITEMS_MAX ? "elements" : "characters"}; the limit is ${max}`,
  );
  return false;
}

function hintFor(operator: ArithmeticOperator, left: Value, right: Value): string | undefined {
  if (operator === "+" && (typeof left === "string" || typeof right === "string"))
    return "write str(x) to join it to a string";
  if (operator === "%" && typeof left === "string") return "join strings with + and str(x)";
  return undefined;
}
