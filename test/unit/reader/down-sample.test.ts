import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { downSample } from "../../../coordinator/reader/down-sample.ts";

const curve = (xs: number[], ys: number[]) => ({ xs: Float64Array.from(xs), ys: Float64Array.from(ys) });

describe("few points are given as they are", () => {
  test("in a range, whose ends count", () => {
    const given = curve([0, 1, 1, 2, 3], [5, 6, 7, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(downSample(given, 10)).toEqual({ points: 5, exact: true, xs: [0, 1, 1, 2, 3], ys: [5, 6, 7, null, null] });
    expect(downSample(given, 10, 1, 2)).toEqual({ points: 3, exact: true, xs: [1, 1, 2], ys: [6, 7, null] });
    expect(downSample(given, 10, 4, 9)).toMatchObject({ points: 0, xs: [] });
    expect(downSample(given, 10, 3, 1)).toMatchObject({ points: 0, xs: [] });
    expect(downSample(curve([], []), 10)).toEqual({ points: 0, exact: true, xs: [], ys: [] });
  });

  test("by x, also where they were logged in another order; without those that have no x", () => {
    const given = curve([2, Number.NaN, 0, 1, 0], [1, 2, 3, 4, 5]);
    expect(downSample(given, 10)).toMatchObject({ points: 4, xs: [0, 0, 1, 2], ys: [3, 5, 4, 1] });
  });
});

test("many points: no more than two for each bucket, extremes kept, in order, and only such as there are", () => {
  const number = fc.oneof(
    { weight: 9, arbitrary: fc.float({ min: -100, max: 100, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(Number.NaN) },
  );
  const step = fc.constantFrom(0, 0, 1, 1, 1, 2, 50);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, number), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 20 }),
      (moves, width) => {
        let x = 0;
        const xs = moves.map(([by]) => {
          x += by;
          return x;
        });
        const ys = moves.map(([, y]) => y);
        const sampled = downSample(curve(xs, ys), width);
        expect(sampled.points).toBe(moves.length);
        expect(sampled.exact).toBe(moves.length <= 2 * width);
        expect(sampled.xs.length).toBeLessThanOrEqual(2 * width);
        expect(sampled.xs.length).toBe(sampled.ys.length);
        expect(sampled.xs.every((at, i) => i === 0 || at >= (sampled.xs[i - 1] ?? 0))).toBe(true);
        const finite = ys.filter(Number.isFinite);
        const kept = sampled.ys.filter((y) => y !== null);
        expect(Math.min(...kept)).toBe(Math.min(...finite));
        expect(Math.max(...kept)).toBe(Math.max(...finite));
        const points = new Set(xs.map((at, i) => `${at} ${Number.isFinite(ys[i]) ? ys[i] : null}`));
        for (const [i, at] of sampled.xs.entries()) expect(points).toContain(`${at} ${sampled.ys[i]}`);
      },
    ),
    { numRuns: 500 },
  );
});
