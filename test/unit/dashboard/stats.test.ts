/** The numbers behind the pictures of a sweep. */
import { describe, expect, test } from "vitest";
import { bestSoFar, steps } from "../../../dashboard/app/stats/best-so-far.ts";
import {
  encode,
  type Feature,
  IMPORTANCE_RUNS_MIN,
  type Importance,
  importance,
  randomFrom,
} from "../../../dashboard/app/stats/forest.ts";
import { ranks, spearman } from "../../../dashboard/app/stats/spearman.ts";
import type { Cell } from "../../../shared/run/dashboard.ts";

describe("importance", () => {
  const random = randomFrom(7);
  const count = 120;
  const column = <T>(make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  const strong = column(() => random());
  const weak = column(() => random());
  const noise = column(() => random());
  const kind = column((i) => ["adam", "sgd", "lion"][i % 3] ?? "");
  const metric = column(
    (i) => 10 * ((strong[i] as number) - 0.5) ** 2 + 0.5 * (weak[i] as number) + (kind[i] === "sgd" ? 1.5 : 0),
  );
  const features: Feature[] = [
    { key: "noise", values: noise },
    { key: "weak", values: weak },
    { key: "kind", values: kind },
    { key: "strong", values: strong },
    { key: "constant", values: column(() => 3) },
  ];

  test("ranks what matters before what does not, also where it is no straight line", () => {
    const found = end(importance(features, metric));
    expect(found?.runs).toBe(count);
    expect(found?.explained).toBeGreaterThan(0.8);
    expect(
      found?.features
        .slice(0, 2)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["kind", "strong"]);
    const score = Object.fromEntries((found?.features ?? []).map((feature) => [feature.key, feature.score]));
    expect(score.strong).toBeGreaterThan(10 * (score.noise ?? 1));
    expect(score.constant).toBe(0);
  });

  test("same input, same result; other seed, other trees", () => {
    expect(end(importance(features, metric, 3))).toEqual(end(importance(features, metric, 3)));
    expect(end(importance(features, metric, 3))).not.toEqual(end(importance(features, metric, 4)));
  });

  test("explains nothing of a metric that depends on nothing", () => {
    const shuffled = randomFrom(99);
    expect(
      end(
        importance(
          features,
          column(() => shuffled()),
        ),
      )?.explained,
    ).toBeLessThan(0.1);
  });

  test.each<[string, readonly Cell[], boolean]>([
    ["one run too few", [...metric.slice(0, IMPORTANCE_RUNS_MIN - 1), ...column(() => null)].slice(0, count), false],
    ["just enough runs", [...metric.slice(0, IMPORTANCE_RUNS_MIN), ...column(() => null)].slice(0, count), true],
    ["a metric with one value", column(() => 1), false],
    ["values that are no numbers", column(() => "NaN"), false],
  ])("%s", (_, values, something) => {
    expect(end(importance(features, values)) !== undefined).toBe(something);
  });

  test("nothing without features", () => {
    expect(end(importance([], metric))).toBeUndefined();
  });

  test.each<[readonly Cell[], number[]]>([
    [
      [3, 1, 2],
      [3, 1, 2],
    ],
    [
      [true, false, null],
      [1, 0, -1],
    ],
    [
      ["b", "a", "b"],
      [0, 1, 0],
    ],
    [
      ["auto", 4, null],
      [0, 1, -1],
    ],
    [
      [-5, null],
      [-5, -6],
    ],
  ])("%j becomes %j", (values, expected) => {
    expect([...encode(values)]).toEqual(expected);
  });

  function end(steps: Generator<number, Importance | undefined>): Importance | undefined {
    for (let before = 0; ; ) {
      const { done, value } = steps.next();
      if (done) return value;
      expect(value).toBeGreaterThan(before);
      expect(value).toBeLessThan(1);
      before = value;
    }
  }
});

describe("spearman", () => {
  test.each<[string, readonly Cell[], readonly Cell[], number | undefined]>([
    ["rising in any shape", [1, 2, 3, 4], [1, 8, 27, 640], 1],
    ["falling", [1, 2, 3], [3, 2, 1], -1],
    // Worked by hand: ranks 1 2.5 2.5 4 against 1 3 2 4.
    ["ties", [1, 2, 2, 9], [1, 3, 2, 4], 4.5 / Math.sqrt(4.5 * 5)],
    ["truth values", [false, false, true, true], [1, 2, 3, 4], 4 / Math.sqrt(4 * 5)],
    ["rows without both are left out", [1, null, 2, 3, "x"], [10, 5, 20, 30, 0], 1],
    ["too few", [1, 2], [1, 2], undefined],
    ["no variation", [1, 1, 1], [1, 2, 3], undefined],
  ])("%s", (_, xs, ys, expected) => {
    const found = spearman(xs, ys);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(expected, 12);
  });

  test("ranks share their mean", () => {
    expect(ranks([30, 10, 20, 10])).toEqual([4, 1.5, 3, 1.5]);
  });
});

describe("best so far", () => {
  const points = [
    { at: 30, value: 2, ref: "c" },
    { at: 10, value: 5, ref: "a" },
    { at: 20, value: 7, ref: "b" },
    { at: 40, value: 2, ref: "d" },
    { at: 15, value: Number.NaN, ref: "x" },
  ];

  test.each([
    ["minimize" as const, ["a", "c"]],
    ["maximize" as const, ["a", "b"]],
  ])("%s", (goal, refs) => {
    expect(bestSoFar(points, goal).map(({ ref }) => ref)).toEqual(refs);
  });

  test("a curve with steps, up to now", () => {
    expect(steps(bestSoFar(points, "minimize"), 0, 50)).toEqual({ xs: [10, 30, 30, 50], ys: [5, 5, 2, 2] });
    expect(steps([], 0, 50)).toEqual({ xs: [], ys: [] });
  });
});
