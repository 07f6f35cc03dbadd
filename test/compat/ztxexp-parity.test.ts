/** The same search space in a sweep file and in the published ztxexp: the same configurations in the same order. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { isObject, paramsOfConfig, readPythonJson } from "../../shared/compat/imported-config.ts";
import { paramsToJson } from "../../shared/spec/params-json.ts";
import type { Params } from "../../shared/spec/types.ts";
import { sweepOf } from "../helpers/spec-source.ts";

interface Case {
  readonly ours: string;
  /** JSON text, so that 1 and 1.0 stay apart on the way to Python. */
  readonly base?: string;
  readonly steps: string;
  readonly where?: readonly string[];
  /** Samples that ztxexp keeps twice. */
  readonly duplicates?: number;
}

const CASES: { readonly [name: string]: Case } = {
  "a grid, last key fastest": {
    ours: "[grid]\nlr = [0.1, 0.01, 0.001]\nbatch_size = [32, 64]\n",
    steps: '[["grid", {"lr": [0.1, 0.01, 0.001], "batch_size": [32, 64]}]]',
  },
  "a base under a grid": {
    ours: '[base]\nepochs = 2.0\nname = "x"\n[grid]\nlr = [1, 1.5]\nshape = [[1, 2], [], [[3]]]\n',
    base: '{"epochs": 2.0, "name": "x"}',
    steps: '[["grid", {"lr": [1, 1.5], "shape": [[1, 2], [], [[3]]]}]]',
  },
  "variants around a grid": {
    ours: '[grid]\nlr = [0.1, 0.01]\n[[variants]]\nbase = { model = "tiny" }\n[[variants]]\nbase = { model = "base", layers = 12 }\n',
    steps: '[["variants", [{"model": "tiny"}, {"model": "base", "layers": 12}]], ["grid", {"lr": [0.1, 0.01]}]]',
  },
  "random search with ztxexp's own seed": {
    ours: '[random]\nsamples = 6\nseed = 42\nmethod = "mt19937"\n[random.space]\nlr = { choice = [0.1, 0.01, 0.001] }\nm = { choice = ["a", "b"] }\n',
    steps: '[["random_search", {"lr": [0.1, 0.01, 0.001], "m": ["a", "b"]}, 6]]',
    duplicates: 2,
  },
  "one stream of random numbers over all points of a grid": {
    ours: `[grid]\na = [1, 2, 3]\n[random]\nsamples = 5\nseed = 7\nmethod = "mt19937"\n[random.space]\nx = { choice = ${JSON.stringify(Array.from({ length: 100 }, (_, i) => i))} }\ny = { choice = [true, false, "z", 1.5, 2] }\n`,
    steps: `[["grid", {"a": [1, 2, 3]}], ["random_search", {"x": ${JSON.stringify(Array.from({ length: 100 }, (_, i) => i))}, "y": [true, false, "z", 1.5, 2]}, 5, 7]]`,
  },
  "variants, grid and random search": {
    ours: '[grid]\nb = [1, 2]\n[[variants]]\nbase = { v = 1 }\n[[variants]]\nbase = { v = 2 }\n[random]\nsamples = 3\nseed = 123456789012\nmethod = "mt19937"\n[random.space]\nx = { choice = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] }\ny = { choice = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] }\n',
    steps:
      '[["variants", [{"v": 1}, {"v": 2}]], ["grid", {"b": [1, 2]}], ["random_search", {"x": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], "y": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}, 3, 123456789012]]',
  },
  "conditions in the words of both": {
    ours: `where = ["lr < 0.02 or model == 'tiny'", "not (batch_size >= 64 and model in ['base'])", "batch_size % 3 != 0"]\n[grid]\nlr = [0.1, 0.01]\nmodel = ["tiny", "base"]\nbatch_size = [32, 64, 96]\n`,
    steps: '[["grid", {"lr": [0.1, 0.01], "model": ["tiny", "base"], "batch_size": [32, 64, 96]}]]',
    where: ["lr < 0.02 or model == 'tiny'", "not (batch_size >= 64 and model in ['base'])", "batch_size % 3 != 0"],
  },
  "a condition after random search": {
    ours: `where = ["x % 2 == 0"]\n[random]\nsamples = 20\nseed = 1\nmethod = "mt19937"\n[random.space]\nx = { choice = ${JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))} }\n`,
    steps: `[["random_search", {"x": ${JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))}}, 20, 1]]`,
    where: ["x % 2 == 0"],
  },
};

const HEAD = 'name = "parity"\nrun.command = "python train.py ${args}"\n';
let theirs: ReadonlyMap<string, readonly Params[]>;

beforeAll(() => {
  const root = join(import.meta.dirname, "../..");
  const python = execFileSync("sh", [join(root, "scripts/compat-venv.sh")], { encoding: "utf8" }).trim();
  const pipelines = Object.values(CASES).map(
    ({ base = "{}", steps, where = [] }) => `{"base": ${base}, "steps": ${steps}, "where": ${JSON.stringify(where)}}`,
  );
  const output = execFileSync(python, [join(import.meta.dirname, "ztxexp_configs.py")], {
    input: `[${pipelines.join(",")}]`,
    encoding: "utf8",
  });
  const read = readPythonJson(output);
  if ("problem" in read || !Array.isArray(read.value)) throw new Error(`no list: ${output}`);
  const lists = read.value.map((list) => (Array.isArray(list) ? list.filter(isObject).map(paramsOfConfig) : []));
  theirs = new Map(Object.keys(CASES).map((name, i) => [name, lists[i] ?? []]));
});

/** Independent of the order of keys, which has no meaning; ints and floats apart. */
function textOf(params: Params): string {
  return paramsToJson(new Map([...params].sort(([a], [b]) => (a < b ? -1 : 1))));
}

describe("the same configurations in the same order", () => {
  test.each(Object.entries(CASES))("%s", (name, { ours, duplicates = 0 }) => {
    const all = (theirs.get(name) ?? []).map(textOf);
    // A configuration that is drawn twice is one run here; which ones, the plan says.
    const once = [...new Set(all)];
    expect(all.length).toBeGreaterThan(1);
    expect(all.length - once.length).toBe(duplicates);
    const sweep = sweepOf(HEAD + ours);
    expect(Array.from(sweep.points, ({ params }) => textOf(params))).toEqual(once);
    expect(sweep.report.duplicates).toBe(duplicates);
  });
});
