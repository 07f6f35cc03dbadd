/** Rounding, logarithms and exponentials against numbers that Python made with decimal arithmetic. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binaryOf, decimalOf, fractionOf, ratioToNumber, scaled } from "../../../shared/sampling/decimal.ts";
import { normalQuantile } from "../../../shared/sampling/normal-quantile.ts";
import { expOf, logOf } from "../../../shared/sampling/precise-math.ts";
import PYTHON from "../../fixtures/sampling/python.json" with { type: "json" };

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

describe("decimals", () => {
  test("give the number back", () => {
    fc.assert(
      fc.property(finite, (value) => {
        const { units, scale } = decimalOf(value);
        expect(ratioToNumber(units, 10n ** BigInt(scale))).toBe(value + 0);
      }),
    );
  });

  test("a quotient is the nearest float", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 200n), 2n ** 200n), fc.integer({ min: 0, max: 400 }), (units, scale) => {
        // The runtime's own reading of decimal text rounds correctly.
        expect(ratioToNumber(units, 10n ** BigInt(scale))).toBe(Number(`${units}e-${scale}`) + 0);
      }),
      { numRuns: 500, examples: [[491433007357529185360062720133604850799993644717698294629824n, 367]] },
    );
  });

  test.each([
    [2n ** 53n + 1n, 1n, 2 ** 53],
    [2n ** 53n + 3n, 1n, 2 ** 53 + 4],
    [(2n ** 53n + 1n) * 3n + 1n, 3n, 2 ** 53 + 2],
    [1n, 2n ** 1074n, 5e-324],
    [1n, 2n ** 1075n, 0],
    [3n, 2n ** 1075n, 1e-323],
    [(1n << 60n) + 1n, 2n ** 1135n, 5e-324],
    [1n, 3n, 1 / 3],
    [-2n, 3n, -2 / 3],
    [0n, 7n, 0],
    [10n ** 400n, 1n, Number.POSITIVE_INFINITY],
  ])("%d / %d", (numerator, denominator, expected) => {
    expect(ratioToNumber(numerator, denominator)).toBe(expected);
  });

  test("fraction and exponent give the number back, also of the smallest ones", () => {
    fc.assert(
      fc.property(finite, (value) => {
        const { fraction, exponent } = fractionOf(value);
        expect(scaled(fraction, exponent)).toBe(value + 0);
        if (value !== 0) expect(Math.abs(fraction)).toBeGreaterThanOrEqual(0.5);
        expect(Math.abs(fraction)).toBeLessThan(1);
        const binary = binaryOf(value);
        expect(scaled(Number(binary.units), binary.exponent)).toBe(value + 0);
      }),
    );
  });
});

describe("functions", () => {
  test("logarithms and exponentials are the nearest floats", () => {
    expect(PYTHON.log.length).toBeGreaterThan(700);
    for (const [x = 0, expected] of PYTHON.log) expect([x, logOf(x)]).toEqual([x, expected]);
    for (const [x = 0, expected] of PYTHON.exp) expect([x, expOf(x)]).toEqual([x, expected]);
  });

  test("the ends of exp", () => {
    expect(expOf(1000)).toBe(Number.POSITIVE_INFINITY);
    expect(expOf(-1000)).toBe(0);
    expect(expOf(0)).toBe(1);
  });

  test("quantiles of the normal distribution are those of Python's statistics", () => {
    for (const [unit = 0, expected = 0] of PYTHON.normal) {
      // Python takes the logarithm of the C library, which may differ from the nearest float in its last digit.
      expect(Math.abs(normalQuantile(unit) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -51);
    }
    expect(normalQuantile(0.5)).toBe(0);
  });
});
