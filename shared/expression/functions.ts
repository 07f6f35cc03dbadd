/** The functions of the language: a closed table, each with Python's meaning. Arguments are counted by the parser. */
import { FloatParam } from "../spec/types.ts";
import { calculate, integer } from "./arithmetic.ts";
import { inOrder } from "./comparison.ts";
import { exactExp, exactLog } from "./elementary.ts";
import { matchesGlob } from "./glob.ts";
import { roundFloat, roundInteger, roundToWhole } from "./rounding.ts";
import type { FunctionName } from "./syntax.ts";
import { readFloat, readInteger, textOf } from "./text.ts";
import { describeType, integerOf, isList, isTable, isTruthy, numberOf, type Value } from "./value.ts";
import { type At, fail, spend, type Walk } from "./walk.ts";

type Body = (walk: Walk, at: At, args: readonly Value[]) => Value;

export function callFunction(walk: Walk, at: At, name: FunctionName, args: readonly Value[]): Value {
  return BODIES[name](walk, at, args);
}

/** A function of a number that gives a float, by what it refuses. */
const floatFunction =
  (name: FunctionName, compute: (x: number) => number, refuses: (x: number) => string | undefined): Body =>
  (walk, at, [value = null]) => {
    const x = numberOf(value);
    if (x === undefined) return wrongType(walk, at, name, "a number", value);
    const refusal = refuses(x);
    if (refusal !== undefined) return fail(walk, "value", at, refusal);
    const result = compute(x);
    if (Number.isFinite(x) && !Number.isFinite(result))
      return fail(walk, "value", at, "the result is too large for a float");
    return new FloatParam(result);
  };

const logarithm = (name: FunctionName, compute: (x: number) => number) =>
  floatFunction(name, compute, (x) => (x <= 0 ? `${name} of ${x === 0 ? "zero" : "a negative number"}` : undefined));

const LOG = logarithm("log", exactLog);

/** A float made an int by a rule; ints stay. */
const wholeFunction =
  (name: FunctionName, compute: (x: number) => number): Body =>
  (walk, at, [value = null]) => {
    if (!(value instanceof FloatParam)) return integerOf(value) ?? wrongType(walk, at, name, "a number", value);
    return wholeOf(walk, at, value.float, compute);
  };

const floatTest =
  (name: FunctionName, holds: (x: number) => boolean): Body =>
  (walk, at, [value = null]) => {
    const x = numberOf(value);
    return x === undefined ? wrongType(walk, at, name, "a number", value) : holds(x);
  };

const affixTest =
  (name: FunctionName, holds: (text: string, affix: string) => boolean): Body =>
  (walk, at, [text = null, affix = null]) => {
    if (typeof text !== "string") return wrongType(walk, at, name, "a string", text);
    for (const each of isList(affix) ? affix : [affix]) {
      if (typeof each !== "string") return wrongType(walk, at, name, "a string or a list of strings", each);
      if (!spend(walk, at, 1 + Math.floor(each.length / 64))) return null;
      if (holds(text, each)) return true;
    }
    return false;
  };

/** The first of the least (`<`) or greatest (`>`), of the arguments or of the elements of one. */
const extreme =
  (name: "min" | "max", operator: "<" | ">"): Body =>
  (walk, at, args) => {
    const items = args.length === 1 ? itemsOf(walk, at, name, args[0] ?? null) : args;
    let best = items[0];
    if (best === undefined) return fail(walk, "value", at, `${name} of nothing`);
    for (let i = 1; i < items.length; i++) {
      const item = items[i] ?? null;
      if (inOrder(walk, at, operator, item, best)) best = item;
      if (walk.problem !== undefined) return null;
    }
    return best;
  };

const BODIES: { readonly [name in FunctionName]: Body } = {
  abs(walk, at, [value = null]) {
    if (value instanceof FloatParam) return new FloatParam(Math.abs(value.float));
    const number = integerOf(value);
    return number === undefined ? wrongType(walk, at, "abs", "a number", value) : Math.abs(number);
  },
  all: (walk, at, [value = null]) => itemsOf(walk, at, "all", value).every(isTruthy),
  any: (walk, at, [value = null]) => itemsOf(walk, at, "any", value).some(isTruthy),
  bool: (_walk, _at, [value = false]) => isTruthy(value),
  ceil: wholeFunction("ceil", Math.ceil),
  endswith: affixTest("endswith", (text, affix) => text.endsWith(affix)),
  exp: floatFunction("exp", exactExp, () => undefined),
  float: toFloat,
  floor: wholeFunction("floor", Math.floor),
  glob(walk, at, [text = null, pattern = null]) {
    if (typeof text !== "string") return wrongType(walk, at, "glob", "a string", text);
    if (typeof pattern !== "string") return wrongType(walk, at, "glob", "a string as its pattern", pattern);
    const matches = matchesGlob(text, pattern, walk.steps);
    spend(walk, at, matches === undefined ? walk.steps + 1 : text.length + pattern.length);
    return matches ?? null;
  },
  int: toInteger,
  isinf: floatTest("isinf", (x) => Math.abs(x) === Number.POSITIVE_INFINITY),
  isnan: floatTest("isnan", Number.isNaN),
  len(walk, at, [value = null]) {
    if (typeof value === "string") return codePoints(value);
    if (isList(value)) return value.length;
    return isTable(value)
      ? Object.keys(value).length
      : wrongType(walk, at, "len", "a string, a list or a table", value);
  },
  log(walk, at, args) {
    const [value = null, base] = args;
    const result = LOG(walk, at, [value]);
    return base === undefined ? result : calculate(walk, at, "/", result, LOG(walk, at, [base]));
  },
  log10: logarithm("log10", Math.log10),
  log2: logarithm("log2", Math.log2),
  max: extreme("max", ">"),
  min: extreme("min", "<"),
  round: roundValue,
  sqrt: floatFunction("sqrt", Math.sqrt, (x) => (x < 0 ? "the square root of a negative number" : undefined)),
  startswith: affixTest("startswith", (text, affix) => text.startsWith(affix)),
  str: (walk, at, [value = ""]) => textOf(walk, at, value),
  sum(walk, at, [value = null, start = 0]) {
    if (typeof start === "string") return fail(walk, "type", at, "sum cannot join strings", "join them with +");
    let total: Value = start;
    for (const item of itemsOf(walk, at, "sum", value)) {
      total = calculate(walk, at, "+", total, item);
      if (walk.problem !== undefined) return null;
    }
    return total;
  },
};

function toFloat(walk: Walk, at: At, [value = 0]: readonly Value[]): Value {
  if (value instanceof FloatParam) return value;
  const number = typeof value === "string" ? readFloat(value) : numberOf(value);
  if (number !== undefined) return new FloatParam(number);
  if (typeof value === "string") return fail(walk, "value", at, "this string is no number");
  return wrongType(walk, at, "float", "a number or a string", value);
}

function toInteger(walk: Walk, at: At, [value = 0]: readonly Value[]): Value {
  if (value instanceof FloatParam) return wholeOf(walk, at, value.float, Math.trunc);
  const number = typeof value === "string" ? readInteger(value) : integerOf(value);
  if (number !== undefined) return integer(walk, at, number);
  if (typeof value !== "string") return wrongType(walk, at, "int", "a number or a string", value);
  const hint = readFloat(value) === undefined ? undefined : "write int(float(x))";
  return fail(walk, "value", at, "this string is no integer", hint);
}

function roundValue(walk: Walk, at: At, [value = null, places = null]: readonly Value[]): Value {
  const count = places === null ? null : integerOf(places);
  if (count === undefined) return wrongType(walk, at, "round", "an int as its second value", places);
  if (value instanceof FloatParam) {
    if (count === null) return wholeOf(walk, at, value.float, roundToWhole);
    const rounded = roundFloat(value.float, count);
    if (Number.isFinite(rounded) || !Number.isFinite(value.float)) return new FloatParam(rounded);
    return fail(walk, "value", at, "the rounded value is too large for a float");
  }
  const number = integerOf(value);
  if (number === undefined) return wrongType(walk, at, "round", "a number", value);
  return count === null ? number : integer(walk, at, Number(roundInteger(number, count)));
}

function wholeOf(walk: Walk, at: At, value: number, compute: (x: number) => number): Value {
  if (!Number.isFinite(value)) return fail(walk, "value", at, "infinities and NaN cannot become an int");
  return integer(walk, at, compute(value) + 0);
}

/** An element takes longer than a character. */
const ELEMENT_STEPS = 8;

/** What a function of many values goes through: elements, characters or keys. */
function itemsOf(walk: Walk, at: At, name: string, value: Value): readonly Value[] {
  if (isList(value)) return spend(walk, at, ELEMENT_STEPS * value.length) ? value : [];
  if (typeof value === "string") return spend(walk, at, value.length) ? Array.from(value) : [];
  if (isTable(value)) return Object.keys(value);
  wrongType(walk, at, name, "a list", value);
  return [];
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    // A high surrogate and the unit after it are one character.
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      count -= 1;
      i += 1;
    }
  }
  return count;
}

function wrongType(walk: Walk, at: At, name: string, wanted: string, value: Value): null {
  return fail(walk, "type", at, `${name} takes ${wanted}, not ${describeType(value)}`);
}
