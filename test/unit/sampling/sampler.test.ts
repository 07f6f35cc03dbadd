/** Drawing samples: what ztxexp draws, what our own methods promise, and how often each value comes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createDistribution,
  DISTRIBUTION_KINDS,
  type Distribution,
  type DistributionInput,
} from "../../../shared/sampling/distribution.ts";
import { createSampler, type SamplerOptions, samplerProblem } from "../../../shared/sampling/sampler.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { valueJson } from "../../../shared/spec/value-text.ts";
import { chiSquare } from "./chi-square.ts";
import { param, params } from "./written.ts";

/** `int 0 400 step 50`, `choice 8 16 weights 1 2` */
function inputOf(text: string): DistributionInput {
  const [, kind = "", values = "", , step, , weights] = /^(\w+) ?(.*?)( step (\S+))?( weights (.*))?$/.exec(text) ?? [];
  return {
    kind: kind as DistributionInput["kind"],
    values: params(values),
    step: step === undefined ? undefined : param(step),
    weights: weights === undefined ? undefined : params(weights),
  };
}

function distribution(text: string): Distribution {
  const made = createDistribution("x", inputOf(text));
  if ("problem" in made) throw new Error(made.problem.message);
  return made.distribution;
}

function sampler(space: { [name: string]: string }, options: Partial<SamplerOptions> = {}) {
  const table = new Map(Object.entries(space).map(([name, text]) => [name, distribution(text)]));
  return createSampler(table, { seed: 0, method: "random", samples: 10, ...options });
}

/** Values as text, all trials of a block joined. */
function drawn(made: ReturnType<typeof sampler>, trials: number, block = 0): string[] {
  return Array.from({ length: trials }, (_, i) => made.at(i, block).map(valueJson).join(","));
}

function numberOf(value: ParamValue | undefined): number {
  return value instanceof FloatParam ? value.float : Number(value);
}

const SPACE = {
  lr: "loguniform 1e-6 1e-4",
  weight_decay: "uniform 0.0 0.2 step 0.01",
  lora_rank: "choice 8 16 32 64 weights 1 2 2 1",
  warmup: "int 0 400 step 50",
};

describe("mt19937", () => {
  test("is the random search of ztxexp", () => {
    const made = sampler({ lr: "choice 0.1 0.01 0.001", m: "choice a b" }, { seed: 42, method: "mt19937", samples: 6 });
    expect(drawn(made, 6)).toEqual(['0.001,"a"', '0.1,"b"', '0.1,"a"', '0.1,"a"', '0.001,"a"', '0.001,"b"']);
  });

  test("one stream goes through all blocks, and going back draws the same", () => {
    const space = { a: "choice 1 2 3 4 5 6 7", b: "int 0 99", c: "uniform 0 1" };
    const one = sampler(space, { method: "mt19937", samples: 4 });
    const all = sampler(space, { method: "mt19937", samples: 12 });
    expect([...drawn(one, 4, 0), ...drawn(one, 4, 1), ...drawn(one, 4, 2)]).toEqual(drawn(all, 12));
    expect(one.at(1, 1)).toEqual(all.at(5));
  });
});

describe("random and sobol", () => {
  test.each(["random", "sobol"] as const)("%s: the same for the same seed, another for another", (method) => {
    const draw = (seed: number) => drawn(sampler(SPACE, { method, seed }), 50);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(drawn(sampler(SPACE, { method, seed: 7 }), 50, 1));
  });

  test("what was drawn once is drawn for ever", () => {
    expect(drawn(sampler(SPACE, { method: "random", seed: 7 }), 3)).toMatchInlineSnapshot(`
      [
        "1.3902469757282488e-05,0.16,32,0",
        "1.692219784844573e-05,0.04,8,200",
        "8.34683456452138e-05,0.02,32,300",
      ]
    `);
    expect(drawn(sampler(SPACE, { method: "sobol", seed: 7 }), 3)).toMatchInlineSnapshot(`
      [
        "4.414209349227362e-06,0.09,32,300",
        "4.414209349227364e-05,0.2,16,100",
        "1.3958955612368093e-05,0.04,64,400",
      ]
    `);
  });

  test("a parameter or trials that are added leave the others as they are", () => {
    const before = sampler({ a: "uniform 0 1", b: "int 1 6" }, { samples: 5 });
    const after = sampler({ c: "choice x y", b: "int 1 6", a: "uniform 0 1" }, { samples: 50 });
    for (let i = 0; i < 5; i++) {
      const [a, b] = before.at(i, 3);
      const [, b2, a2] = after.at(i, 3);
      expect([a2, b2]).toEqual([a, b]);
    }
    const sobol = sampler({ a: "uniform 0 1" }, { method: "sobol" });
    const more = sampler({ a: "uniform 0 1", b: "int 1 6" }, { method: "sobol", samples: 100 });
    expect(drawn(more, 10).map((line) => line.split(",")[0])).toEqual(drawn(sobol, 10));
  });

  test("sobol puts 2^k trials into 2^k parts of every parameter", () => {
    const made = sampler({ a: "uniform 0 1", b: "int 0 15", c: "loguniform 1 65536" }, { method: "sobol", seed: 3 });
    const trials = Array.from({ length: 16 }, (_, i) => made.at(i, 2).map(numberOf));
    expect(new Set(trials.map(([a = 0]) => Math.floor(a * 16))).size).toBe(16);
    expect(new Set(trials.map(([, b = 0]) => b)).size).toBe(16);
    expect(new Set(trials.map(([, , c = 0]) => Math.floor(Math.log2(c)))).size).toBe(16);
  });

  test("sobol has an end of dimensions", () => {
    expect(samplerProblem("sobol", 128)).toBeUndefined();
    expect(samplerProblem("sobol", 129)).toMatch(/at most 128 parameters, not 129/);
    expect(samplerProblem("random", 1000)).toBeUndefined();
  });
});

/** How often each value comes in 20,000 trials, against the weights. */
function frequencies(text: string, weights: readonly number[], method: SamplerOptions["method"]): void {
  const trials = 20_000;
  const made = sampler({ x: text }, { seed: 1, method, samples: trials });
  const counts = new Map<string, number>();
  for (let i = 0; i < trials; i++) {
    const key = made.at(i).map(valueJson).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sorted = [...counts].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, count]) => count);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  expect(sorted).toHaveLength(weights.length);
  const cells = weights.length - 1;
  const expected = weights.map((weight) => (weight / total) * trials);
  expect(chiSquare(sorted, expected)).toBeLessThan(cells + 4 * Math.sqrt(2 * cells));
}

describe.each(["random", "mt19937"] as const)("frequencies by %s", (method) => {
  test.each<[string, number[]]>([
    ["choice 8 16 32 64 weights 1 2 2 1", [1, 2, 2, 1]],
    ["choice 1 2 3 weights 0 0.5 0.25", [2, 1]],
    ["choice 1 2 3 4 5", [1, 1, 1, 1, 1]],
    ["int 1 6", [1, 1, 1, 1, 1, 1]],
    ["int 0 400 step 50", new Array(9).fill(1)],
    ["int 0 10 step 4", [1, 1, 1]],
    ["uniform 0.0 0.2 step 0.01", new Array(21).fill(1)],
    ["logint 1 15", Array.from({ length: 15 }, (_, i) => Math.log((i + 2) / (i + 1)))],
  ])("%s", (text, weights) => frequencies(text, weights, method));

  test.each<[string, (x: number) => number]>([
    ["uniform -2 6", (x) => (x + 2) / 8],
    ["loguniform 1e-5 1e-1", (x) => Math.log10(x) / 4 + 1.25],
    ["normal 3 2", (x) => 1 / (1 + Math.exp(-1.702 * ((x - 3) / 2)))],
    ["lognormal 0 1", (x) => 1 / (1 + Math.exp(-1.702 * Math.log(x)))],
  ])("%s follows its distribution function", (text, below) => {
    const made = sampler({ x: text }, { seed: 2, method, samples: 20_000 });
    const units = Array.from({ length: 20_000 }, (_, i) => below(numberOf(made.at(i)[0]))).sort((a, b) => a - b);
    // The normal distribution function is only near: within 0.0095.
    const distance = Math.max(...units.map((unit, i) => Math.abs(unit - (i + 0.5) / units.length)));
    expect(distance).toBeLessThan(0.022);
  });
});

test("values stay within their bounds and on their steps", () => {
  const bound = fc.integer({ min: 1, max: 10_000 });
  const digits = fc.integer({ min: 0, max: 6 });
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const kind = fc.constantFrom("uniform", "loguniform", "int", "logint");
  fc.assert(
    fc.property(kind, bound, bound, fc.option(bound), digits, unit, (name, a, width, step, scale, at) => {
      const isInt = name.endsWith("int");
      const write = (x: number) => (isInt ? `${x}` : `${x}e-${scale}`);
      if (step !== null && step > width) return;
      const text = `${name} ${write(a)} ${write(a + width)}${step === null ? "" : ` step ${write(step)}`}`;
      const made = distribution(text);
      for (const u of [at, 0, 1 - 2 ** -53]) {
        const value = made.valueAt(u);
        expect(value instanceof FloatParam).toBe(!isInt);
        const number = numberOf(value);
        expect(number).toBeGreaterThanOrEqual(Number(write(a)));
        expect(number).toBeLessThanOrEqual(Number(write(a + width)));
        if (step === null) continue;
        const steps = Array.from({ length: 10_001 }, (_, i) => i).find((i) => number === Number(write(a + i * step)));
        expect(steps, `${text} gave ${number}`).toBeDefined();
      }
    }),
    { numRuns: 60 },
  );
});

test("steps of a normal variable are multiples", () => {
  const made = sampler({ x: "normal 0 1 step 0.1", y: "lognormal 1 1 step 0.25" });
  for (let i = 0; i < 200; i++) {
    const [x, y] = made.at(i);
    expect(valueJson(x ?? 0)).toMatch(/^-?\d+\.\d$/);
    expect(numberOf(y) % 0.25).toBe(0);
  }
});

test.each([
  ["uniform 1 0", "values", /lower bound 1 is not below the upper one, 0/],
  ["uniform 1 1", "values", /not below/],
  ["uniform 0", "values", /two numbers are needed, not 1/],
  ["uniform 0 x", "values", /two numbers/],
  ["uniform -1e308 1e308", "values", /too far apart/],
  ["loguniform 0.0 1", "values", /must be above 0/],
  ["logint 0 5", "values", /must be above 0/],
  ["int 0 1.5", "values", /bounds of int are ints/],
  ["int -9007199254740991 9007199254740991", "values", /too far apart/],
  ["normal 0 0", "values", /deviation must be above 0/],
  ["normal 0 -1", "values", /deviation must be above 0/],
  ["normal 1e308 1e308", "values", /leave the range of floats/],
  ["lognormal 0 1000", "values", /leave the range of floats/],
  ["normal 0 1 step 1e-300", "step", /too small/],
  ["choice", "values", /no values/],
  ["uniform 0 1 step 0", "step", /above 0/],
  ["uniform 0 1 step x", "step", /above 0/],
  ["uniform 0 1 step 2", "step", /wider than the bounds/],
  ["uniform 0 1 step 1e-300", "step", /too small/],
  ["int 0 10 step 2.0", "step", /step of ints is an int/],
  ["choice 1 2 step 1", "step", /choice has no step/],
  ["uniform 0 1 weights 1 2", "weights", /weights are for choice/],
  ["choice 1 2 weights 1", "weights", /1 weights for 2 values/],
  ["choice 1 2 weights -1 2", "weights", /from 0 on/],
  ["choice 1 2 weights 0 0", "weights", /all weights are 0/],
  ["choice 1 2 weights 1e308 1e308", "weights", /too large/],
])("%s is refused", (text, part, message) => {
  const made = createDistribution("random.space.x", inputOf(text));
  expect(made).toMatchObject({ problem: { part, message: expect.stringMatching(message) } });
  expect(made).toMatchObject({ problem: { message: expect.stringMatching(/^random\.space\.x: /) } });
});

test("anything that is written is drawn from or refused", () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double().map((x) => new FloatParam(x)),
    fc.string({ maxLength: 3 }),
    fc.boolean(),
  );
  const list = fc.array(value, { maxLength: 3 });
  const input = fc.record({
    kind: fc.constantFrom(...DISTRIBUTION_KINDS),
    values: list,
    step: fc.option(value, { nil: undefined }),
    weights: fc.option(list, { nil: undefined }),
  });
  fc.assert(
    fc.property(input, (written) => {
      if (
        JSON.stringify(written, (_, x) => (typeof x === "number" && !Number.isFinite(x) ? "no" : x)).includes('"no"')
      ) {
        return;
      }
      const made = createDistribution("x", written);
      if ("problem" in made) {
        expect(made.problem.message).toMatch(/^x: ./);
        return;
      }
      for (const unit of [0, 0.25, 1 - 2 ** -53]) {
        const drawnValue = made.distribution.valueAt(unit);
        if (drawnValue instanceof FloatParam) expect(drawnValue.float).not.toBeNaN();
      }
    }),
    { numRuns: 2000 },
  );
});
