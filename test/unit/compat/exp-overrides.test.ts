/** `--name`, `--hold` and `--limit` over one of EXP's files; `--set` and `--where` are refused. */
import { expect, test } from "vitest";
import { NO_OVERRIDES, type SpecOverrides } from "../../../shared/spec/overrides.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { problemLine, tomlSource } from "../../helpers/spec-source.ts";

const FILE = `[scheduler]
base_experiment_dir = "out"
max_concurrent_experiments = 2
[[experiments]]
name = "a"
command = "x"
repeats = 2
[[experiments]]
name = "b"
command = "y"
priority = 5
`;

function read(overrides: Partial<SpecOverrides>) {
  return readSweep({ ...tomlSource(FILE), overrides: { ...NO_OVERRIDES, ...overrides } });
}

function sweepOf(overrides: Partial<SpecOverrides>) {
  const result = read(overrides);
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  const { sweep, points, total, report } = result.sweep;
  const names = Array.from(points, ({ params }) => params.get("name"));
  expect(names).toHaveLength(total);
  return { ...sweep, names, cut: report.cut };
}

test("nothing over it, and all three", () => {
  const plain = { name: "sweep", hold: false, parallel: 2, names: ["b", "a", "a"], cut: 0 };
  expect(sweepOf({})).toMatchObject(plain);
  expect(sweepOf({ name: "trial", hold: true })).toMatchObject({ ...plain, name: "trial", hold: true });
  expect(sweepOf({ limit: 2 })).toMatchObject({ names: ["b", "a"], cut: 1, runsMax: 2 });
  expect(sweepOf({ limit: 9 })).toMatchObject({ names: ["b", "a", "a"], cut: 0 });
});

test.each<[Partial<SpecOverrides>, RegExp]>([
  [{ set: ["lr=1"] }, /^spec\.set: --set and --where are for sweep files, .* \| exp convert FILE/],
  [{ where: ["lr > 1"] }, /^spec\.set: --set and --where/],
  [{ name: "a b" }, /^spec\.value: the name of the sweep contains " "/],
])("%j is refused", (overrides, says) => {
  const result = read(overrides);
  expect("problems" in result ? result.problems.map(problemLine) : []).toEqual([expect.stringMatching(says)]);
});
