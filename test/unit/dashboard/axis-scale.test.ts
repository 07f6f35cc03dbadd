/** Where values stand on an axis, and what of it is marked. */
import { expect, test } from "vitest";
import { axisScale, brushBetween, isIn, linearTicks } from "../../../dashboard/app/stats/axis-scale.ts";
import type { Cell } from "../../../shared/run/dashboard.ts";

test.each<[string, readonly Cell[], object, readonly [Cell, number | undefined][]]>([
  [
    "linear",
    [0, 10, 5, null],
    {},
    [
      [0, 0],
      [10, 1],
      [2.5, 0.25],
      [null, undefined],
      ["x", undefined],
    ],
  ],
  [
    "turned over",
    [0, 10],
    { flip: true },
    [
      [0, 1],
      [10, 0],
    ],
  ],
  [
    "logarithmic",
    [0.001, 0.1, 10],
    { log: true },
    [
      [0.001, 0],
      [0.1, 0.5],
      [10, 1],
      [0, undefined],
    ],
  ],
  ["logarithmic, but there is a zero", [0, 10], { log: true }, [[5, 0.5]]],
  ["one value only", [3, 3], {}, [[3, 0.5]]],
  [
    "words in their order",
    ["v10", "v2", "v1"],
    {},
    [
      ["v1", 0],
      ["v2", 0.5],
      ["v10", 1],
      ["v3", undefined],
    ],
  ],
  [
    "truth values",
    [true, false],
    {},
    [
      [false, 0],
      [true, 1],
    ],
  ],
  [
    "numbers among words",
    ["auto", 8, 4],
    {},
    [
      [4, 0],
      [8, 0.5],
      ["auto", 1],
    ],
  ],
  ["nothing", [null], {}, [[1, undefined]]],
])("%s", (_, values, options, expected) => {
  const scale = axisScale(values, options);
  for (const [value, place] of expected) {
    const found = scale.at(value);
    if (place === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(place, 12);
  }
});

test.each<[number, number, number[]]>([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0.1, 0.35, [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]],
  [-3, 97, [0, 20, 40, 60, 80]],
  [5, 5, [5]],
])("round marks from %d to %d", (low, high, ticks) => {
  expect(linearTicks(low, high)).toEqual(ticks);
});

test("marks of a logarithmic axis", () => {
  const ticks = (low: number, high: number) => {
    const values = Array.from({ length: 20 }, (_, i) => low + (i / 19) * (high - low));
    return axisScale(values, { log: true }).ticks.map(({ value }) => value);
  };
  expect(ticks(1e-5, 1)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]);
  expect(ticks(0.01, 0.3)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2]);
  expect(ticks(3, 4)).toEqual([3, 4]);
});

test("the few values of a grid are its marks, unless they stand too close", () => {
  const ticks = (values: number[], log = false) => axisScale(values, { log }).ticks.map(({ value }) => value);
  expect(ticks([128, 32, 32])).toEqual([32, 128]);
  expect(ticks([0.1, 0.001, 0.01], true)).toEqual([0.001, 0.01, 0.1]);
  expect(ticks([0, 0.01, 1])).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
});

test("an ordinal axis of many values marks some of them", () => {
  expect(axisScale(Array.from({ length: 100 }, (_, i) => `w${i}`)).ticks.length).toBeLessThanOrEqual(14);
});

test("what is marked between two places", () => {
  const numbers = [0, 1, 4, 9, 10];
  expect(brushBetween(axisScale(numbers), numbers, 0.95, 0.2)).toEqual({ low: 4, high: 9 });
  expect(brushBetween(axisScale(numbers, { flip: true }), numbers, 0, 0.2)).toEqual({ low: 9, high: 10 });
  expect(brushBetween(axisScale(numbers), numbers, 0.5, 0.6)).toBeUndefined();
  const words = ["a", "b", "c", "b"];
  expect(brushBetween(axisScale(words), words, 0.4, 1)).toEqual({ values: ["b", "c"] });
});

test.each<[Cell, boolean]>([
  [2, true],
  [3, true],
  [3.1, false],
  [null, false],
  ["2", false],
])("%j within 2 to 3: %j", (value, expected) => {
  expect(isIn({ low: 2, high: 3 }, value)).toBe(expected);
});

test("a marked word", () => {
  expect(isIn({ values: ["adam", true] }, "adam")).toBe(true);
  expect(isIn({ values: ["adam", true] }, "sgd")).toBe(false);
});
