/**
 * [P] Lists of numbers in short: `{ linspace = [0, 1, 5] }` and the like. Every value is the float nearest to the exact
 * one, with the bounds read as the decimals that they are written as; so a series holds its bounds, and round steps give
 * round numbers. Ints stay ints where all that they are made from are ints.
 */
import { FloatParam, type ParamValue } from "../spec/types.ts";
import { floatText } from "../spec/value-text.ts";
import { aligned, decimalOf, ratioToNumber, tenTo } from "./decimal.ts";
import { add, divide, expNumber, log, multiply, pairOfDecimal } from "./precise-math.ts";

/** Series by numbers; `{ file = "ids.txt" }` is read by `valuesOfLines`. */
export const SERIES_KINDS = ["linspace", "logspace", "range", "powers"] as const;
export type SeriesKind = (typeof SERIES_KINDS)[number];

export interface Series {
  /** How many values there will be: to be checked before they are made. */
  readonly count: bigint;
  values(): ParamValue[];
}

/** What is wrong with numbers that a user wrote. */
export interface NumbersProblem {
  /** Begins with the label that was given. */
  readonly message: string;
  /** The number that is wrong, from 0; absent where it is all of them. */
  readonly item?: number;
  readonly hint?: string;
}

/** `label` is for messages: "grid.lr". */
export function createSeries(
  label: string,
  kind: SeriesKind,
  args: readonly ParamValue[],
): { series: Series } | { problem: NumbersProblem } {
  const usage = USAGE[kind];
  const numbers: number[] = [];
  for (const [item, arg] of args.entries()) {
    const number = numberOf(arg);
    if (number === undefined) return refuse(`${label}: ${kind} takes numbers`, usage.hint, item);
    numbers.push(number);
  }
  if (args.length < usage.least || args.length > usage.most) {
    return refuse(`${label}: ${kind} takes ${usage.takes}, not ${args.length}`, usage.hint);
  }
  const isInts = args.every((arg) => typeof arg === "number");
  return MAKERS[kind]({ label, numbers, isInts, ints: args.map((arg) => typeof arg === "number") });
}

/** The number that a value is; undefined for other values. */
export function numberOf(value: ParamValue): number | undefined {
  if (value instanceof FloatParam) return value.float;
  return typeof value === "number" ? value : undefined;
}

interface Written {
  readonly label: string;
  readonly numbers: readonly number[];
  readonly ints: readonly boolean[];
  readonly isInts: boolean;
}

type Made = { series: Series } | { problem: NumbersProblem };

const USAGE: { readonly [kind in SeriesKind]: { least: number; most: number; takes: string; hint: string } } = {
  linspace: { least: 3, most: 3, takes: "three numbers", hint: "linspace = [first, last, count]" },
  logspace: { least: 3, most: 3, takes: "three numbers", hint: "logspace = [first, last, count]" },
  range: { least: 1, most: 3, takes: "one to three numbers", hint: "range = [start, end, step], without the end" },
  powers: {
    least: 3,
    most: 3,
    takes: "three numbers",
    hint: "powers = [base, first exponent, last exponent]",
  },
};

const MAKERS: { readonly [kind in SeriesKind]: (written: Written) => Made } = { linspace, logspace, range, powers };

function linspace(written: Written): Made {
  const { numbers } = written;
  const [first = 0, last = 0] = numbers;
  const count = countOf(written, "linspace");
  if (typeof count !== "number") return count;
  const steps = BigInt(Math.max(count - 1, 1));
  return made(count, () => {
    const { units, scale } = aligned(first, last);
    const [from = 0n, to = 0n] = units;
    const denominator = steps * tenTo(scale);
    return listOf(count, (i) => ratioToNumber(from * (steps - BigInt(i)) + to * BigInt(i), denominator));
  });
}

function logspace(written: Written): Made {
  const { label, numbers } = written;
  const [first = 0, last = 0] = numbers;
  const item = numbers.slice(0, 2).findIndex((bound) => bound <= 0);
  if (item >= 0) {
    const hint = "the bounds are values, not exponents: logspace = [1e-5, 1e-2, 4] is 1e-05, 0.0001, 0.001, 0.01";
    return refuse(`${label}: the bounds of logspace must be above 0`, hint, item);
  }
  const count = countOf(written, "logspace");
  if (typeof count !== "number") return count;
  return made(count, () => {
    const from = log(pairOfDecimal(first));
    const to = log(pairOfDecimal(last));
    const whole = add(to, [-from[0], -from[1]]);
    return listOf(count, (i) => {
      if (i === 0) return first;
      if (i === count - 1) return last;
      return expNumber(add(from, divide(multiply(whole, [i, 0]), [count - 1, 0])));
    });
  });
}

function range({ label, numbers, isInts }: Written): Made {
  const [start = 0, end = 0, step = 1] = numbers.length === 1 ? [0, ...numbers] : numbers;
  if (step === 0) return refuse(`${label}: the step of range is 0`, USAGE.range.hint, 2);
  const { units, scale } = aligned(start, end, step);
  const [from = 0n, to = 0n, by = 1n] = units;
  const way = by > 0n ? to - from : from - to;
  const size = by > 0n ? by : -by;
  if (way <= 0n) {
    const hint = way === 0n ? "the end is left out" : `a step ${step > 0 ? "below" : "above"} 0 goes the other way`;
    return refuse(`${label}: range has no value, as it starts at or beyond its end`, hint);
  }
  const count = (way + size - 1n) / size;
  const denominator = tenTo(scale);
  const valueAt = (i: number) => ratioToNumber(from + by * BigInt(i), denominator);
  return {
    series: { count, values: () => Array.from({ length: Number(count) }, (_, i) => value(valueAt(i), isInts)) },
  };
}

function powers({ label, numbers, ints }: Written): Made {
  const [base = 0, first = 0, last = 0] = numbers;
  const wrong = [1, 2].find((item) => ints[item] === false || Math.abs(numbers[item] ?? 0) > 2000);
  if (wrong !== undefined) {
    return refuse(`${label}: the exponents of powers are ints, at most 2000`, USAGE.powers.hint, wrong);
  }
  if (base === 0) return refuse(`${label}: the base of powers is 0`, USAGE.powers.hint, 0);
  const isInts = ints[0] === true && first >= 0 && last >= 0;
  const count = Math.abs(last - first) + 1;
  const values = Array.from({ length: count }, (_, i) => power(base, first + (last > first ? i : -i)));
  const beyond = values.findIndex((each) => (isInts ? !Number.isSafeInteger(each) : !Number.isFinite(each)));
  if (beyond >= 0) {
    const exponent = first + (last > first ? beyond : -beyond);
    const hint = isInts ? `with a float as base, ${floatText(base)}, the values are floats` : undefined;
    const limit = isInts ? "the ints that can be kept exactly, which end below 2^53" : "what a float holds";
    return refuse(`${label}: ${base}^${exponent} is beyond ${limit}`, hint);
  }
  return made(count, () => values.map((each) => value(each, isInts)));
}

function power(base: number, exponent: number): number {
  const { units, scale } = decimalOf(base);
  const size = BigInt(Math.abs(exponent));
  const top = units ** size;
  const bottom = tenTo(scale) ** size;
  if (exponent >= 0) return ratioToNumber(top, bottom);
  return top < 0n ? ratioToNumber(-bottom, -top) : ratioToNumber(bottom, top);
}

/** The third number, which says how many values there are. */
function countOf(
  { label, numbers, ints }: Written,
  kind: "linspace" | "logspace",
): number | { problem: NumbersProblem } {
  const [first, last, count = 0] = numbers;
  if (first === last && count > 1)
    return refuse(`${label}: ${kind} begins where it ends`, "write [ value ] for one value");
  if (ints[2] && count >= 1) return count;
  return refuse(`${label}: the count of ${kind} must be an int from 1 on`, USAGE[kind].hint, 2);
}

function made(count: number, values: () => ParamValue[]): Made {
  return { series: { count: BigInt(count), values } };
}

function listOf(count: number, valueAt: (i: number) => number): ParamValue[] {
  return Array.from({ length: count }, (_, i) => new FloatParam(valueAt(i)));
}

function value(number: number, isInt: boolean): ParamValue {
  return isInt ? number : new FloatParam(number);
}

function refuse(message: string, hint?: string, item?: number): { problem: NumbersProblem } {
  return { problem: { message, ...(item === undefined ? {} : { item }), ...(hint === undefined ? {} : { hint }) } };
}
