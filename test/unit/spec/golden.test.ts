/**
 * The example sweeps, expanded: every point, its shape and its fingerprint, as they were written down once. A
 * change here means that work of the past is no longer recognised, or that a sweep file means something else.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FloatParam } from "../../../shared/spec/types.ts";
import { sweepOf } from "../../helpers/spec-source.ts";

const EXAMPLES = new URL("../../../examples/sweeps/", import.meta.url);
const GOLDEN = new URL("../../fixtures/spec/golden/", import.meta.url);

function example(name: string) {
  return sweepOf(readFileSync(new URL(`${name}.toml`, EXAMPLES), "utf8"));
}

describe.each(["mnist-lr", "vit-ablation", "llm-sft"])("%s", (name) => {
  const { sweep, shapes, points, total, report } = example(name);
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, GOLDEN), "utf8")) as {
    readonly [key: string]: unknown;
  };

  test("has the points that were written down", () => {
    const lines = Array.from(points, ({ index, shape, fingerprint, paramsJson }) => {
      return `${index} ${shape} ${fingerprint} ${paramsJson}`;
    });
    expect(lines).toEqual(golden.points);
    expect(total).toBe(lines.length);
  });

  test("has the settings, shapes and report that were written down", () => {
    expect(JSON.parse(JSON.stringify({ sweep, shapes, report }))).toEqual({
      sweep: golden.sweep,
      shapes: golden.shapes,
      report: golden.report,
    });
  });
});

// The same points said in loops: the golden files above came from the program itself.
describe("the points are those of the file", () => {
  test("mnist-lr", () => {
    const expected = [0.1, 0.01, 0.001].flatMap((lr) => [32, 64].map((batch) => `{"lr":${lr},"batch_size":${batch}}`));
    expect(Array.from(example("mnist-lr").points, ({ paramsJson }) => paramsJson)).toEqual(expected);
  });

  test("vit-ablation", () => {
    const expected: string[] = [];
    const variants = [
      { model: "resnet", patches: [undefined] },
      { model: "vit", patches: [8, 16] },
    ] as const;
    for (const { model, patches } of variants) {
      for (const lr of ["0.0001", "0.001", "0.01"]) {
        for (const aug of ["none", "light", "heavy"]) {
          if (model === "resnet" && aug === "heavy") continue;
          for (const patch of patches) {
            for (const [batch, warmup] of [
              [64, 500],
              [128, 250],
            ] as const) {
              for (const seed of [0, 1, 2]) {
                const own = patch === undefined ? '"depth":50,' : "";
                const patchPart = patch === undefined ? "" : `"patch":${patch},`;
                const scaled = new Map([
                  ["0.0001 64", "2.5e-05"],
                  ["0.0001 128", "5e-05"],
                  ["0.001 64", "0.00025"],
                  ["0.001 128", "0.0005"],
                  ["0.01 64", "0.0025"],
                  ["0.01 128", "0.005"],
                ]).get(`${lr} ${batch}`);
                expected.push(
                  `{"epochs":90,"accum":1,"optim.name":"adamw","optim.betas":[0.9,0.999],"model":"${model}",${own}` +
                    `"optim.lr":${lr},"aug":"${aug}",${patchPart}"batch_size":${batch},"warmup":${warmup},"seed":${seed},` +
                    `"optim.scaled_lr":${scaled},"out":"runs/vit-ablation/${expected.length + 1}"}`,
                );
              }
            }
          }
        }
      }
    }
    expect(expected).toHaveLength(36 + 108);
    const { points, shapes } = example("vit-ablation");
    expect(Array.from(points, ({ paramsJson }) => paramsJson)).toEqual(expected);
    const memory = shapes.map(({ resources }) => resources.gpuMemoryBytes);
    expect(Array.from(points, ({ shape }) => memory[shape])).toEqual(expected.map((_, i) => (i < 36 ? 16e9 : 40e9)));
  });

  test("llm-sft", () => {
    const { points, shapes, total } = example("llm-sft");
    expect(total).toBe(40);
    const ranks = new Set<unknown>();
    for (const { params, shape } of points) {
      const [lr, decay] = [params.get("lr"), params.get("weight_decay")].map((value) =>
        value instanceof FloatParam ? value.float : Number.NaN,
      );
      const rank = params.get("lora_rank") as number;
      expect(lr).toBeGreaterThanOrEqual(1e-6);
      expect(lr).toBeLessThanOrEqual(1e-4);
      expect(Math.round((decay ?? 0) * 100) / 100).toBe(decay);
      expect(decay).toBeLessThanOrEqual(0.2);
      expect((params.get("warmup") as number) % 50).toBe(0);
      expect(params.get("lora_alpha")).toBe(2 * rank);
      expect(shapes[shape]?.resources.gpus).toBe(rank >= 32 ? 4 : 2);
      ranks.add(rank);
    }
    expect([...ranks].sort()).toEqual([16, 32, 64, 8]);
  });
});
