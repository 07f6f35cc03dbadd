import { describe, expect, test } from "vitest";
import { matchesModel, parseGpuText } from "../../../shared/run/gpu-model.ts";

const A100 = "NVIDIA A100-SXM4-80GB";
const H100 = "NVIDIA H100 80GB HBM3";
const RTX = "NVIDIA GeForce RTX 3090";

describe("a model and a pattern", () => {
  test.each([
    [A100, "A100", true],
    [A100, "a100", true],
    [A100, "A10", false],
    [A100, "100", false],
    ["NVIDIA A10", "A100", false],
    ["NVIDIA A10", "A10", true],
    [RTX, "rtx3090", true],
    [RTX, "RTX-3090", true],
    [RTX, "3090", true],
    [RTX, "309", false],
    ["NVIDIA GeForce RTX 3090 Ti", "3090", true],
    [RTX, "RTX*", true],
    [RTX, "rtx 30*", true],
    [RTX, "rtx 40*", false],
    [A100, "A100*80GB", true],
    [A100, "A100*40GB", false],
    [H100, "A100*80GB", false],
    ["Tesla V100-SXM2-16GB", "v100", true],
    ["NVIDIA A100 A10", "A10", true],
    ["NVIDIA A100-A100X A100-PCIE", "a100*pcie", true],
    ["", "A100", false],
    [A100, "nvidia*a100*sxm4*80gb", true],
  ])("%j, %j: %j", (model, pattern, expected) => {
    expect(matchesModel(model, [pattern])).toBe(expected);
  });

  test("any of several patterns will do", () => {
    expect(matchesModel(H100, ["A100", "H100"])).toBe(true);
    expect(matchesModel(RTX, ["A100", "H100"])).toBe(false);
  });

  test("a hostile pattern takes no time", () => {
    const startedAt = performance.now();
    matchesModel(`${"a".repeat(200)} ${"a b ".repeat(200)}`, ["a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*c"]);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});

describe("the text of `gpu`", () => {
  const NOTHING = { models: [], memoryBytes: undefined, memoryMaxBytes: undefined, count: undefined };
  test.each([
    ["A100", { models: ["A100"] }],
    ["A100|H100", { models: ["A100", "H100"] }],
    ["A100,H100", { models: ["A100", "H100"] }],
    ["A100:80GB:2", { models: ["A100"], memoryBytes: 80e9, count: 2 }],
    ["24GB..40GB:2", { memoryBytes: 24e9, memoryMaxBytes: 40e9, count: 2 }],
    ["24GB..", { memoryBytes: 24e9 }],
    ["..40GB", { memoryMaxBytes: 40e9 }],
    ["24GB", { memoryBytes: 24e9 }],
    ["nvidia:RTX 3090:1", { models: ["RTX 3090"], count: 1 }],
    ["4", { count: 4 }],
  ])("%j", (text, expected) => {
    expect(parseGpuText(text)).toEqual({ ...NOTHING, ...expected });
  });

  test.each([
    ["", "is empty"],
    ["A100:", 'has an empty part between ":"'],
    ["A100:1..4", "asks for 1..4 GPUs; a range of counts is not supported: write one number"],
    ["2:4", "names two counts, 2 and 4"],
    ["40GB:24GB", "names two memory sizes"],
    ["40GB..24GB", "asks for 40GB..24GB, and the first is larger than the second"],
    ["A100:H100", 'names models in two parts; separate them with "|"'],
    ["A100|", "has an empty model name"],
    ["*", 'names "*", which is no model'],
    ["A100;rm", 'names "A100;rm", which is no model'],
  ])("%j %s", (text, problem) => {
    expect(parseGpuText(text)).toEqual({ problem });
  });
});
