/** Series: their values to the digit, their ends, and what is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeries, SERIES_KINDS, type SeriesKind } from "../../../shared/sampling/series.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { valueJson } from "../../../shared/spec/value-text.ts";
import { param, params } from "./written.ts";

function textsOf(kind: SeriesKind, args: readonly ParamValue[]): string {
  const made = createSeries("grid.x", kind, args);
  if ("problem" in made) throw new Error(made.problem.message);
  const values = made.series.values();
  expect(BigInt(values.length)).toBe(made.series.count);
  return values.map(valueJson).join(" ");
}

function floatsOf(kind: SeriesKind, args: readonly ParamValue[]): number[] {
  return textsOf(kind, args).split(" ").map(Number);
}

test.each<[SeriesKind, string, string]>([
  ["linspace", "0 1 5", "0.0 0.25 0.5 0.75 1.0"],
  ["linspace", "0 1 11", "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"],
  ["linspace", "0.1 0.7 7", "0.1 0.2 0.3 0.4 0.5 0.6 0.7"],
  ["linspace", "1 -1 5", "1.0 0.5 0.0 -0.5 -1.0"],
  ["linspace", "0.3 2 1", "0.3"],
  ["linspace", "0 1 4", "0.0 0.3333333333333333 0.6666666666666666 1.0"],
  ["logspace", "1e-5 1e-2 4", "1e-05 0.0001 0.001 0.01"],
  ["logspace", "1e-4 1e-2 3", "0.0001 0.001 0.01"],
  ["logspace", "1e-4 1e-2 5", "0.0001 0.00031622776601683794 0.001 0.0031622776601683794 0.01"],
  ["logspace", "1 16 5", "1.0 2.0 4.0 8.0 16.0"],
  ["logspace", "0.3 0.0003 4", "0.3 0.03 0.003 0.0003"],
  ["logspace", "1e-300 1e300 7", "1e-300 1e-200 1e-100 1.0 1e+100 1e+200 1e+300"],
  ["range", "0 10 2", "0 2 4 6 8"],
  ["range", "0 10 3", "0 3 6 9"],
  ["range", "5", "0 1 2 3 4"],
  ["range", "2 5", "2 3 4"],
  ["range", "10 0 -3", "10 7 4 1"],
  ["range", "0 1 0.1", "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9"],
  ["range", "0 0.3 0.1", "0.0 0.1 0.2"],
  ["range", "0.0 3 1", "0.0 1.0 2.0"],
  ["powers", "2 4 8", "16 32 64 128 256"],
  ["powers", "2 8 4", "256 128 64 32 16"],
  ["powers", "10 -5 -2", "1e-05 0.0001 0.001 0.01"],
  ["powers", "2.0 0 3", "1.0 2.0 4.0 8.0"],
  ["powers", "0.1 1 3", "0.1 0.01 0.001"],
  ["powers", "-2 -1 2", "-0.5 1.0 -2.0 4.0"],
])("%s of %s", (kind, args, expected) => expect(textsOf(kind, params(args))).toBe(expected));

const float = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });
const positive = fc.double({ noNaN: true, min: 1e-300, max: 1e300 });
const count = fc.integer({ min: 2, max: 60 });

describe("properties", () => {
  test("linspace and logspace hold their ends, are sorted, and are symmetric", () => {
    for (const [kind, bound] of [
      ["linspace", float],
      ["logspace", positive],
    ] as const) {
      fc.assert(
        fc.property(bound, bound, count, (a, b, n) => {
          fc.pre(a !== b);
          const values = floatsOf(kind, [new FloatParam(a), new FloatParam(b), n]);
          expect(values[0]).toBe(a + 0);
          expect(values.at(-1)).toBe(b + 0);
          const sorted = values.toSorted((x, y) => (a <= b ? x - y : y - x));
          expect(values).toEqual(sorted);
          expect(floatsOf(kind, [new FloatParam(b), new FloatParam(a), n])).toEqual(values.toReversed());
        }),
      );
    }
  });

  test("range of ints is Python's, and one of decimals is that of its units", () => {
    const small = fc.integer({ min: -200, max: 200 });
    fc.assert(
      fc.property(small, small, small, fc.integer({ min: 0, max: 6 }), (start, end, step, digits) => {
        const expected: number[] = [];
        if (step !== 0) for (let x = start; step > 0 ? x < end : x > end; x += step) expected.push(x);
        const made = createSeries("x", "range", [start, end, step]);
        if (expected.length === 0) {
          expect(made).toHaveProperty("problem");
          return;
        }
        expect(floatsOf("range", [start, end, step])).toEqual(expected);
        const scaledArgs = [start, end, step].map((x) => new FloatParam(Number(`${x}e-${digits}`)));
        expect(floatsOf("range", scaledArgs)).toEqual(expected.map((x) => Number(`${x}e-${digits}`)));
      }),
    );
  });

  test("never throws, and the count is known without making the values", () => {
    const any = fc.oneof(fc.integer({ min: -3000, max: 3000 }), float, fc.string(), fc.boolean());
    fc.assert(
      fc.property(fc.constantFrom(...SERIES_KINDS), fc.array(any, { maxLength: 4 }), (kind, args) => {
        const made = createSeries(
          "x",
          kind,
          args.map((arg) => (typeof arg === "number" && !Number.isInteger(arg) ? new FloatParam(arg) : arg)),
        );
        if ("problem" in made) expect(made.problem.message).toMatch(/^x: /);
        else expect(made.series.count).toBeGreaterThan(0n);
      }),
    );
  });
});

test.each<[SeriesKind, string, RegExp, number | undefined]>([
  ["linspace", "0 1", /takes three numbers, not 2/, undefined],
  ["linspace", "0 1 2.0", /count of linspace must be an int/, 2],
  ["linspace", "0 1 0", /count of linspace/, 2],
  ["linspace", "1 1.0 3", /begins where it ends/, undefined],
  ["logspace", "0 1 3", /bounds of logspace must be above 0/, 0],
  ["logspace", "1 -1 3", /above 0/, 1],
  ["range", "0 10 0", /step of range is 0/, 2],
  ["range", "10 0", /no value/, undefined],
  ["range", "3 3", /no value/, undefined],
  ["range", "", /one to three numbers, not 0/, undefined],
  ["range", "0 x", /takes numbers/, 1],
  ["powers", "2 50 60", /2\^53 is beyond the ints/, undefined],
  ["powers", "2.0 1000 1100", /2\^1024 is beyond what a float holds/, undefined],
  ["powers", "2 1.0 3", /exponents of powers are ints/, 1],
  ["powers", "2 0 100000", /at most 2000/, 2],
  ["powers", "0 1 2", /base of powers is 0/, 0],
])("%s of %s is refused", (kind, args, message, item) => {
  const made = createSeries("grid.x", kind, params(args));
  expect(made).toMatchObject({ problem: { message: expect.stringMatching(message) } });
  if ("problem" in made) expect(made.problem.item).toBe(item);
});

test("a huge range is counted at once", () => {
  const made = createSeries("x", "range", [param("0"), param("1e300"), param("1e-300")]);
  expect(made).toMatchObject({ series: { count: 10n ** 600n } });
});
