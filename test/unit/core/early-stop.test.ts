/** `[stop] policy`: who goes on at a rung. */
import { describe, expect, test } from "vitest";
import { type RungValue, rungStep, rungsReached, whyBehind } from "../../../coordinator/core/early-stop.ts";
import type { StopLadder } from "../../../shared/spec/types.ts";

const ASHA: StopLadder = { policy: "asha", minSteps: 200, divisor: 3, rungs: 4 };
const MEDIAN: StopLadder = { policy: "median", minSteps: 100, divisor: 4, rungs: 3 };

test.each([
  ["asha", ASHA, [200, 600, 1_800, 5_400]],
  ["median", MEDIAN, [100, 200, 300]],
] as const)("rungs of %s", (_, ladder, steps) => {
  expect(steps.map((_step, rung) => rungStep(ladder, rung))).toEqual(steps);
  expect(rungsReached(ladder, steps[0] - 1)).toBe(0);
  expect(rungsReached(ladder, steps[1])).toBe(2);
  expect(rungsReached(ladder, 1e12)).toBe(steps.length);
});

describe("asha", () => {
  test.each<[own: RungValue, earlier: RungValue[], why: string | undefined]>([
    [0.1, [], undefined],
    [0.1, [0.9], undefined],
    [0.9, [0.1, 0.5], undefined],
    [0.4, [0.1, 0.5], "2. of 3 at step 200, where one in 3 goes on"],
    [0.5, [0.1, 0.5], undefined],
    [0.6, [0.9, 0.5, 0.4, 0.3, 0.2], undefined],
    [0.6, [0.9, 0.8, 0.4, 0.3, 0.2], "3. of 6 at step 200, where one in 3 goes on"],
    [undefined, [undefined, 0.2], "2. of 3 at step 200, where one in 3 goes on"],
    [0.1, [undefined, undefined], undefined],
  ])("%j after %j", (own, earlier, why) => {
    expect(whyBehind(ASHA, "maximize", 0, own, earlier)).toBe(why);
  });

  test("the lowest is best where the goal says so", () => {
    expect(whyBehind(ASHA, "minimize", 1, 0.1, [0.4, 0.5])).toBeUndefined();
    expect(whyBehind(ASHA, "minimize", 1, 0.6, [0.4, 0.5])).toBe("3. of 3 at step 600, where one in 3 goes on");
  });
});

describe("median", () => {
  test.each<[own: RungValue, earlier: RungValue[], why: string | undefined]>([
    [0.1, [0.9, 0.8], undefined],
    [0.1, [0.9, 0.8, 0.7], "behind the median of 3 others at step 100"],
    [0.8, [0.9, 0.8, 0.7], undefined],
    [0.2, [0.1, 0.2, 0.8, 0.9], undefined],
    [0.1, [0.1, 0.2, 0.8, 0.9], "behind the median of 4 others at step 100"],
    [undefined, [0.1, undefined, 0.1], "behind the median of 3 others at step 100"],
  ])("%j after %j", (own, earlier, why) => {
    expect(whyBehind(MEDIAN, "maximize", 0, own, earlier)).toBe(why);
  });
});
