/** `{ expr = "…" }` in `[resources]` and `[limits]`: shapes by the values of points, and mistakes at their place. */
import { describe, expect, test } from "vitest";
import type { RunShape } from "../../../shared/spec/types.ts";
import { problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const HEAD = 'name = "a"\nrun.command = ["x"]\n';

/** The shape of each point, by number, and the shapes. */
function shapesOf(text: string): { numbers: number[]; shapes: readonly RunShape[] } {
  const { points, shapes } = sweepOf(HEAD + text);
  return { numbers: Array.from(points, ({ shape }) => shape), shapes };
}

test("values are those of the point, in the unit that is due, and equal ones share a shape", () => {
  const { numbers, shapes } = shapesOf(`
[grid]
rank = [8, 16, 32]
hours = [1, 2.5]

[resources]
gpus = { expr = "4 if rank >= 32 else 2" }
gpu_memory = { expr = "80GB if rank >= 32 else None" }
memory = { expr = "'32GB'" }
cpus = 8

[limits]
time = { expr = "hours * 1h" }
idle = "10m"
`);
  expect(numbers).toEqual([0, 1, 0, 1, 2, 3]);
  expect(shapes.map(({ resources }) => resources)).toEqual([
    { gpus: 2, cpus: 8, memoryBytes: 32e9 },
    { gpus: 2, cpus: 8, memoryBytes: 32e9 },
    { gpus: 4, cpus: 8, gpuMemoryBytes: 80e9, memoryBytes: 32e9 },
    { gpus: 4, cpus: 8, gpuMemoryBytes: 80e9, memoryBytes: 32e9 },
  ]);
  expect(shapes.map(({ limits }) => limits.timeMs)).toEqual([3_600_000, 9_000_000, 3_600_000, 9_000_000]);
  expect(shapes.map(({ limits }) => limits.idleMs)).toEqual([600_000, 600_000, 600_000, 600_000]);
});

test("alternatives, variants and derived parameters", () => {
  const { shapes } = shapesOf(`
[derive]
wide = "model == 'vit'"

[[variants]]
base = { model = "cnn" }

[[variants]]
base = { model = "vit" }
limits = { time = { expr = "2h if wide else 1h" } }

[resources]
gpus = 1
alternatives = [{ gpus = { expr = "4 if wide else 2" } }, { cpus = 2 }]
`);
  expect(shapes.map(({ resources }) => resources.alternatives)).toEqual([
    [
      { gpus: 2, cpus: undefined },
      { gpus: undefined, cpus: 2 },
    ],
    [
      { gpus: 4, cpus: undefined },
      { gpus: undefined, cpus: 2 },
    ],
  ]);
  expect(shapes.map(({ limits }) => limits.timeMs)).toEqual([0, 7_200_000]);
});

describe("what does not fit is told", () => {
  const cases: [lines: string, problem: string][] = [
    [
      "resources.gpus = { expr = 'n' }\ngrid.n = [4000]",
      "3:18+14 spec.value: resources.gpus must be at most 1,024, not 4000",
    ],
    ["resources.gpus = { expr = 'n / 2' }\ngrid.n = [4]", "spec.type: resources.gpus must be an integer, not a float"],
    ["limits.time = { expr = 'n' }\ngrid.n = [-4]", "spec.type: limits.time must be a string, not an integer"],
    ["limits.time = { expr = 'n - 4' }\ngrid.n = [4]", "limits.time must be longer than nothing"],
    ["resources.gpus = { expr = 'n + 1' }\ngrid.n = ['x']", "3:28+"],
    ["resources.gpus = { expr = '1e308 * n' }\ngrid.n = [10]", "expression.value: this is no finite number"],
    ["resources.gpus = { expr = '[1e308 * n]' }\ngrid.n = [10]", "expression.value: this is no finite number"],
    ["resources.gpus = { expr = 'nn' }\ngrid.n = [1]", 'nothing is called "nn" | did you mean n?'],
    ["resources.gpus = { expr = '2 *' }\ngrid.n = [1]", "3:31"],
    ["resources.gpus = { expr = 1 }", "resources.gpus.expr must be an expression, not an integer"],
    ["resources.gpus = { expr = '1', more = 1 }", "resources.gpus must be an integer, not a table"],
    ["resources.wrong = { expr = '1' }", '"wrong" is not a key of [resources]'],
    ["limits.parallel = { expr = '1' }", "limits.parallel must be an integer, not a table"],
  ];
  test.each(cases)("%s", (lines, problem) => {
    const problems = problemLinesOf(`${HEAD}${lines}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
