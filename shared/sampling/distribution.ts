/**
 * [P] What a parameter is drawn from: `lr = { loguniform = [1e-5, 1e-2] }`. A distribution is made from what the user wrote,
 * checked, and then turns a number between 0 and 1 into a value. Each does so monotonously, so that evenly spread numbers
 * give evenly spread values.
 */
import { FloatParam, type ParamValue } from "../spec/types.ts";
import { valueJson } from "../spec/value-text.ts";
import { aligned, ratioToNumber, tenTo } from "./decimal.ts";
import { normalQuantile } from "./normal-quantile.ts";
import { expNumber, expOf, logOf, type Pair } from "./precise-math.ts";
import { type NumbersProblem, numberOf } from "./series.ts";

export const DISTRIBUTION_KINDS = ["uniform", "loguniform", "normal", "lognormal", "int", "logint", "choice"] as const;
export type DistributionKind = (typeof DISTRIBUTION_KINDS)[number];

/** What a user writes of a distribution. */
export interface DistributionInput {
  readonly kind: DistributionKind;
  /** Bounds, or mean and deviation, or the values of a choice. */
  readonly values: readonly ParamValue[];
  readonly step?: ParamValue | undefined;
  /** One for each value of a choice. */
  readonly weights?: readonly ParamValue[] | undefined;
}

export interface Distribution {
  readonly kind: DistributionKind;
  /** How many values a choice or an `int` has; undefined for others. */
  readonly size: number | undefined;
  readonly isWeighted: boolean;
  /** The value at `unit`, which is from 0 on and below 1. */
  valueAt(unit: number): ParamValue;
  /** The value with this number, below `size`. */
  pick(index: number): ParamValue;
}

export interface DistributionProblem extends NumbersProblem {
  /** The part that is wrong. */
  readonly part: "values" | "step" | "weights";
}

/** `label` is for messages: "random.space.lr". */
export function createDistribution(
  label: string,
  input: DistributionInput,
): { distribution: Distribution } | { problem: DistributionProblem } {
  try {
    return { distribution: input.kind === "choice" ? choice(label, input) : numeric(label, input) };
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.problem };
    throw error;
  }
}

/** Leaves the checks; never leaves this file. */
class Refusal extends Error {
  readonly problem: DistributionProblem;

  constructor(problem: DistributionProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

function refuse(part: DistributionProblem["part"], message: string, hint?: string, item?: number): never {
  throw new Refusal({
    part,
    message,
    ...(item === undefined ? {} : { item }),
    ...(hint === undefined ? {} : { hint }),
  });
}

function choice(label: string, { values, step, weights }: DistributionInput): Distribution {
  if (values.length === 0) refuse("values", `${label}: choice has no values`);
  if (step !== undefined) refuse("step", `${label}: choice has no step`);
  const pick = (index: number): ParamValue => values[Math.min(index, values.length - 1)] as ParamValue;
  const plain = { kind: "choice", size: values.length, isWeighted: false, pick } as const;
  if (weights === undefined) return { ...plain, valueAt: (unit) => pick(Math.floor(unit * values.length)) };
  const sums = sumsOf(label, weights, values.length);
  const total = sums.at(-1) ?? 0;
  return {
    ...plain,
    isWeighted: true,
    valueAt: (unit) => pick(firstAbove(sums, unit * total)),
  };
}

/** Running sums of the weights. */
function sumsOf(label: string, weights: readonly ParamValue[], count: number): number[] {
  if (weights.length !== count) {
    refuse("weights", `${label}: ${weights.length} weights for ${count} values`, "one weight for each value");
  }
  const sums: number[] = [];
  let sum = 0;
  for (const [item, weight] of weights.entries()) {
    const number = numberOf(weight) ?? Number.NaN;
    if (!(number >= 0)) refuse("weights", `${label}: a weight must be a number from 0 on`, undefined, item);
    sum += number;
    sums.push(sum);
  }
  if (sum === 0) refuse("weights", `${label}: all weights are 0`);
  if (!Number.isFinite(sum)) refuse("weights", `${label}: the weights are too large to be added up`);
  return sums;
}

/** Index of the first sum above `wanted`, by halving; a value of weight 0 is never it. */
function firstAbove(sums: readonly number[], wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

type NumericKind = Exclude<DistributionKind, "choice">;

/** The number at a unit, before steps. */
type Quantile = (unit: number) => number;

/** The largest size of a value that can be drawn. */
function widest(quantile: Quantile): number {
  return Math.max(Math.abs(quantile(0)), Math.abs(quantile(1 - 2 ** -53)));
}

function numeric(label: string, input: DistributionInput): Distribution {
  const kind = input.kind as NumericKind;
  if (input.weights !== undefined) refuse("weights", `${label}: weights are for choice`);
  const isNormal = kind === "normal" || kind === "lognormal";
  const isInt = kind === "int" || kind === "logint";
  const [low, high] = isNormal ? momentsOf(label, kind, input.values) : boundsOf(label, kind, input.values);
  const step = input.step === undefined ? undefined : stepOf(label, input.step, isInt);
  if (step !== undefined) {
    const steps = isNormal ? widest(plainQuantile(kind, low, high)) / step : stepsBetween(low, high, step);
    if (!isNormal && steps < 1) refuse("step", `${label}: step is wider than the bounds are apart`);
    // What is drawn is counted in steps, which must be exact.
    if (steps > 2 ** 52) refuse("step", `${label}: step is too small`);
  }
  const numberAt = step === undefined ? plainQuantile(kind, low, high) : steppedQuantile(kind, low, high, step);
  const pickAt = multiples(low, step ?? 1);
  return {
    kind,
    size: kind === "int" ? stepsBetween(low, high, step ?? 1) + 1 : undefined,
    isWeighted: false,
    valueAt: isInt ? numberAt : (unit) => new FloatParam(numberAt(unit)),
    pick: pickAt,
  };
}

function boundsOf(label: string, kind: NumericKind, values: readonly ParamValue[]): [number, number] {
  const isInt = kind === "int" || kind === "logint";
  const [low, high] = pairOf(label, values, `${kind} = [lowest, highest]`);
  const float = isInt ? values.findIndex((each) => typeof each !== "number") : -1;
  if (float >= 0) refuse("values", `${label}: the bounds of ${kind} are ints`, undefined, float);
  if (low >= high) {
    const texts = values.map(valueJson);
    refuse("values", `${label}: the lower bound ${texts[0]} is not below the upper one, ${texts[1]}`);
  }
  if (!Number.isFinite(high - low)) refuse("values", `${label}: the bounds are too far apart`);
  if (isInt && !Number.isSafeInteger(high - low + 1)) refuse("values", `${label}: the bounds are too far apart`);
  if (kind.startsWith("log") && low <= 0)
    refuse("values", `${label}: the bounds of ${kind} must be above 0`, undefined, 0);
  return [low, high];
}

function momentsOf(label: string, kind: NumericKind, values: readonly ParamValue[]): [number, number] {
  const of = kind === "lognormal" ? " of the logarithm" : "";
  const [mean, deviation] = pairOf(label, values, `${kind} = [mean, standard deviation]${of && `, both${of}`}`);
  if (!(deviation > 0)) refuse("values", `${label}: the standard deviation must be above 0`, undefined, 1);
  const quantile = plainQuantile(kind, mean, deviation);
  if (Number.isFinite(widest(quantile)) && (kind === "normal" || quantile(0) !== 0)) return [mean, deviation];
  const hint = of && "mean and standard deviation are those of the logarithm: [0, 1] has its median at 1";
  return refuse("values", `${label}: its values leave the range of floats`, hint || undefined);
}

function pairOf(label: string, values: readonly ParamValue[], usage: string): [number, number] {
  if (values.length !== 2) refuse("values", `${label}: two numbers are needed, not ${values.length}`, usage);
  const numbers = values.map((each, item) => {
    const number = numberOf(each);
    return number === undefined ? refuse("values", `${label}: two numbers are needed`, usage, item) : number;
  });
  return [numbers[0] ?? 0, numbers[1] ?? 0];
}

function stepOf(label: string, value: ParamValue, isInt: boolean): number {
  const step = numberOf(value);
  if (step === undefined || !(step > 0)) return refuse("step", `${label}: step must be a number above 0`);
  if (isInt && typeof value !== "number") refuse("step", `${label}: the step of ints is an int`);
  return step;
}

function plainQuantile(kind: NumericKind, low: number, high: number): Quantile {
  const within = (value: number) => Math.min(Math.max(value, low), high);
  switch (kind) {
    case "uniform":
      return (unit) => within(low + unit * (high - low));
    case "int":
      return (unit) => within(low + Math.floor(unit * (high - low + 1)));
    case "loguniform": {
      const [from, width] = [logOf(low), logOf(high) - logOf(low)];
      return (unit) => within(expNumber(sum(from, unit * width)));
    }
    case "logint": {
      // Each int takes the part of the logarithmic scale up to the next one.
      const [from, width] = [logOf(low), logOf(high + 1) - logOf(low)];
      return (unit) => within(Math.floor(expNumber(sum(from, unit * width))));
    }
    case "normal":
      return (unit) => low + high * normalQuantile(inside(unit));
    case "lognormal":
      return (unit) => expOf(low + high * normalQuantile(inside(unit)));
  }
}

/**
 * With a step: `uniform` and `int` take each of low, low + step, … equally often; the others draw and go to the nearest
 * step, counted from the lower bound, or from 0 where there is none.
 */
function steppedQuantile(kind: NumericKind, low: number, high: number, step: number): Quantile {
  if (kind === "normal" || kind === "lognormal") {
    const plain = plainQuantile(kind, low, high);
    const at = multiples(0, step);
    return (unit) => at(Math.round(plain(unit) / step));
  }
  const last = stepsBetween(low, high, step);
  const at = multiples(low, step);
  if (kind === "uniform" || kind === "int") return (unit) => at(Math.min(Math.floor(unit * (last + 1)), last));
  const plain = plainQuantile(kind, low, high);
  return (unit) => at(Math.min(Math.round((plain(unit) - low) / step), last));
}

function stepsBetween(low: number, high: number, step: number): number {
  const { units } = aligned(low, high, step);
  const [from = 0n, to = 0n, by = 1n] = units;
  return Number((to - from) / by);
}

/** `start + count * step`, in decimals and rounded once. */
function multiples(start: number, step: number): (count: number) => number {
  const { units, scale } = aligned(start, step);
  const [from = 0n, by = 0n] = units;
  const denominator = tenTo(scale);
  return (count) => ratioToNumber(from + by * BigInt(count), denominator);
}

/** The generators of other programs may give 0, where a normal variable has no value. */
function inside(unit: number): number {
  return Math.max(unit, 2 ** -54);
}

function sum(a: number, b: number): Pair {
  const high = a + b;
  const part = high - a;
  return [high, a - (high - part) + (b - part)];
}
