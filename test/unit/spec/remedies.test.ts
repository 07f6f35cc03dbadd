/** `[[retry.remedy]]`: what is changed after which failures, and what a file may not say of it. */
import { describe, expect, test } from "vitest";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { remedied } from "../../../shared/spec/remedies.ts";
import { FloatParam, type Params, type ParamValue } from "../../../shared/spec/types.ts";

const PLACE = { index: 3, sweepName: "s" };
const paramsOf = (values: { readonly [name: string]: ParamValue }): Params => new Map(Object.entries(values));

describe("parameters after failures", () => {
  const HALF = { when: "cuda-oom", set: { b: "max(1, b // 2)", acc: "acc * 2" } };
  const BASE = paramsOf({ b: 16, acc: 1, lr: new FloatParam(0.5) });

  test.each([
    { what: "none", failures: [], b: 16, acc: 1 },
    { what: "another cause", failures: [["exit:1", "oom"]], b: 16, acc: 1 },
    { what: "one", failures: [["failed", "cuda-oom"]], b: 8, acc: 2 },
    { what: "several, others between", failures: [["cuda-oom"], ["lost"], ["cuda-oom"]], b: 4, acc: 4 },
  ])("$what", ({ failures, b, acc }) => {
    const { params, changed } = remedied(BASE, [HALF], failures, [], PLACE);
    expect([params.get("b"), params.get("acc"), params.get("lr")]).toEqual([b, acc, BASE.get("lr")]);
    expect([...changed]).toEqual(b === 16 ? [] : ["b", "acc"]);
  });

  test("the expressions of a remedy see the values before it, those of the next the values after", () => {
    const swap = { when: "x", set: { b: "acc", acc: "b" } };
    expect([...remedied(BASE, [swap], [["x"]], [], PLACE).params].slice(0, 2)).toEqual([
      ["b", 1],
      ["acc", 16],
    ]);
    const both = [swap, { when: "x", set: { b: "b + 1" } }];
    expect(remedied(BASE, both, [["x"]], [], PLACE).params.get("b")).toBe(2);
  });

  test("what comes to the same is not changed", () => {
    const set = { lr: "max(lr, 0.5)", b: "b", acc: "acc * 1.0" };
    expect([...remedied(BASE, [{ when: "x", set }], [["x"]], [], PLACE).changed]).toEqual(["acc"]);
  });

  test("what is derived follows; what has no value, and what cannot be followed, changes nothing", () => {
    const params = paramsOf({ b: 4, twice: 8 });
    const derived = [{ name: "twice", expressions: ["b * 2"], certain: true }];
    const changedBy = (set: { readonly [name: string]: string }, certain = true) =>
      Object.fromEntries(
        remedied(
          params,
          [{ when: "x", set }],
          [["x"]],
          derived.map((one) => ({ ...one, certain })),
          PLACE,
        ).params,
      );
    expect(changedBy({ b: "b + 1" })).toEqual({ b: 5, twice: 10 });
    expect(changedBy({ b: "b / 0" })).toEqual({ b: 4, twice: 8 });
    expect(changedBy({ b: "b + 1" }, false)).toEqual({ b: 4, twice: 8 });
    expect(changedBy({ b: "b + 1", twice: "1" })).toEqual({ b: 5, twice: 1 });
  });
});

test("a file may change only parameters that there are, by expressions over them", () => {
  const lines = (remedy: string) => {
    const text = `name = "s"\nrun.command = "x"\n[grid]\nbatch = [1]\n[derive]\nhalf = "batch / 2"\n[retry]\nmax = 1\n${remedy}`;
    const read = readSweep({ path: "s.toml", text, format: "toml", directory: "/" });
    return "problems" in read ? read.problems.map(({ message }) => message) : [];
  };
  expect(lines('remedy = [{ when = "oom", set = { batch = "half * batch" } }]')).toEqual([]);
  expect(lines('remedy = [{ when = "oom", set = { bach = "1" } }]')).toEqual(['"bach" is no parameter of this sweep']);
  expect(lines('remedy = [{ when = "oom", set = { batch = "bach" } }]')).toEqual([expect.stringContaining("bach")]);
  expect(lines('remedy = [{ when = "oom", set = { batch = 1 } }]')).toEqual([expect.stringContaining("expression")]);
  expect(lines('remedy = [{ when = "rain", set = { batch = "1" } }]')).toEqual([expect.stringContaining("rain")]);
});
