/** Means, spreads, confidence and ranks. */
import { expect, test } from "vitest";
import { meanOf, medianOf, ranksOf, summarise } from "../../../shared/stats/sample.ts";
import { studentTQuantile } from "../../../shared/stats/student-t.ts";

// As printed tables have them.
test.each([
  [0.975, 1, 12.7062047362],
  [0.975, 2, 4.3026527297],
  [0.975, 4, 2.7764451052],
  [0.975, 9, 2.2621571628],
  [0.975, 30, 2.0422724563],
  [0.975, 1000, 1.9623390808],
  [0.975, 1_000_000, 1.9599663],
  [0.95, 5, 2.0150483733],
  [0.9995, 3, 12.9239786366],
  [0.5, 7, 0],
])("the quantile %f of t with %i degrees of freedom", (p, freedom, expected) => {
  expect(studentTQuantile(p, freedom)).toBeCloseTo(expected, 6);
  expect(studentTQuantile(1 - p, freedom)).toBeCloseTo(-expected, 6);
});

test("a sample: mean, deviation of the sample, half the interval", () => {
  const { count, mean, deviation, halfWidth } = summarise([0.1, 0.2, 0.4]);
  expect([count, mean]).toEqual([3, expect.closeTo(0.7 / 3)]);
  expect(deviation).toBeCloseTo(0.15275252316519466);
  expect(halfWidth).toBeCloseTo(0.37945, 4);
});

test("one number has no spread; equal ones have exactly none", () => {
  expect(summarise([0.1])).toEqual({ count: 1, mean: 0.1, deviation: undefined, halfWidth: undefined });
  expect(summarise([0.1, 0.1, 0.1])).toEqual({ count: 3, mean: 0.1, deviation: 0, halfWidth: 0 });
});

test("sums beyond the range of numbers have a mean all the same", () => {
  expect(meanOf([1.5e308, 1.5e308])).toBe(1.5e308);
  expect(meanOf([Number.POSITIVE_INFINITY, 1])).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[5], 5],
])("the median of %j", (values, expected) => {
  expect(medianOf(values)).toBe(expected);
});

test("equal values share the lowest rank, and the next one is further by their number", () => {
  expect(ranksOf([0.5, 0.9, 0.5, 0.1], "highest first")).toEqual([2, 1, 2, 4]);
  expect(ranksOf([0.5, 0.9, 0.5, 0.1], "lowest first")).toEqual([2, 4, 2, 1]);
  expect(ranksOf([Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY], "highest first")).toEqual([3, 2, 1]);
  expect(ranksOf([], "lowest first")).toEqual([]);
});
