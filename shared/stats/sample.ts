/** [P] What a few numbers say together: mean, spread, confidence, order. */
import { assert } from "../kernel/assert.ts";
import { studentTQuantile } from "./student-t.ts";

export interface SampleSummary {
  readonly count: number;
  readonly mean: number;
  /** Of the sample (divided by n - 1); undefined for one number. */
  readonly deviation: number | undefined;
  /** Half the width of the 95 % confidence interval of the mean, by Student's t; undefined for one number. */
  readonly halfWidth: number | undefined;
}

/** Of at least one finite number. Equal numbers have exactly their own mean and no spread. */
export function summarise(values: readonly number[]): SampleSummary {
  const [first] = values;
  assert(first !== undefined, "a sample has a number");
  const count = values.length;
  if (values.every((value) => value === first)) {
    const spread = count > 1 ? 0 : undefined;
    return { count, mean: first, deviation: spread, halfWidth: spread };
  }
  const mean = meanOf(values);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  return { count, mean, deviation, halfWidth: (studentTQuantile(0.975, count - 1) * deviation) / Math.sqrt(count) };
}

/** Divided before it is added where the sum would leave the range of numbers. */
export function meanOf(values: readonly number[]): number {
  const sum = values.reduce((so, value) => so + value, 0);
  return Number.isFinite(sum) || values.some((value) => !Number.isFinite(value))
    ? sum / values.length
    : values.reduce((so, value) => so + value / values.length, 0);
}

/** The middle one, or the mean of the two in the middle. Of at least one number. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half];
  assert(upper !== undefined, "a sample has a number");
  return sorted.length % 2 === 1 ? upper : meanOf([sorted[half - 1] ?? upper, upper]);
}

/** Rank of each value from 1: equal values share the lowest of their ranks, and the next one is further by their number. */
export function ranksOf(values: readonly number[], order: "highest first" | "lowest first"): number[] {
  const sign = order === "highest first" ? -1 : 1;
  const sorted = [...values].sort((a, b) => (a === b ? 0 : sign * (a < b ? -1 : 1)));
  const ranks = new Map<number, number>();
  for (const [i, value] of sorted.entries()) if (!ranks.has(value)) ranks.set(value, i + 1);
  return values.map((value) => ranks.get(value) ?? sorted.length);
}
