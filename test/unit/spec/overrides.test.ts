/** What a command line says over a sweep file: which points come out, and how mistakes are told. */
import { describe, expect, test } from "vitest";
import { NO_OVERRIDES, type SpecOverrides } from "../../../shared/spec/overrides.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { problemLine, tomlSource } from "../../helpers/spec-source.ts";

const FILE = `
name = "digits"
seeds = [0, 1]
where = ["lr < 10"]
[base]
model = "tiny"
optim.name = "adam"
optim.eps = 1e-8
[grid]
lr = [0.1, 1.0]
[zip]
a = [1, 2]
b = [3, 4]
[derive]
twice = "2 * lr"
[run]
command = ["true", "\${args}"]
`;

function read(overrides: Partial<SpecOverrides>, text = FILE) {
  return readSweep({ ...tomlSource(text), overrides: { ...NO_OVERRIDES, ...overrides } });
}

function points(overrides: Partial<SpecOverrides>, text = FILE): string[] {
  const result = read(overrides, text);
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  return Array.from(result.sweep.points, ({ paramsJson }) => paramsJson);
}

function problems(overrides: Partial<SpecOverrides>): string[] {
  const result = read(overrides);
  return "problems" in result ? result.problems.map(problemLine) : [];
}

/** Values that a parameter takes over all points, in order of appearance. */
function values(set: string, name = set.slice(0, set.indexOf("="))): unknown[] {
  return [...new Set(points({ set: [set] }).map((text) => JSON.stringify(JSON.parse(text)[name])))].map(
    (text) => JSON.parse(text ?? "null") as unknown,
  );
}

describe("--set", () => {
  test.each<[set: string, values: readonly unknown[]]>([
    ["lr=0.5", [0.5]],
    ["lr=0.5,0.25,5", [0.5, 0.25, 5]],
    ["lr=.5,1.,1e-3,+2", [0.5, 1, 0.001, 2]],
    ["model=vit,cnn", ["vit", "cnn"]],
    ["model= vit , cnn ", ["vit", "cnn"]],
    ["model=true,false", [true, false]],
    ['model="a,b",c', ["a,b", "c"]],
    ["model='1',1", ["1", 1]],
    ["model=007", ["007"]],
    ["model=", [""]],
    ["model=a=b", ["a=b"]],
    ["model=it's", ["it's"]],
    ["sizes=[64,32],[128]", [[64, 32], [128]]],
    ["new.name=3", [3]],
    ["optim.eps=1,2", [1, 2]],
    ["a=7", [7]],
    ["twice=1", [1]],
    ["seed=5,6,7", [5, 6, 7]],
  ])("%s", (set, expected) => {
    expect(values(set)).toEqual(expected);
  });

  test("keeps int and float apart", () => {
    expect(points({ set: ["lr=1,1.5"], limit: 1 })[0]).toContain('"lr":1,');
    expect(points({ set: ["lr=1.0"], limit: 1 })[0]).toContain('"lr":1.0,');
  });

  test("takes the place of what the file says, wherever it says it", () => {
    const names = Object.keys(JSON.parse(points({ set: ["a=7", "optim.eps=1", "lr=2"] })[0] ?? "{}") as object);
    expect(names.sort()).toEqual(["a", "b", "lr", "model", "optim.eps", "optim.name", "seed", "twice"]);
  });

  test("a whole table goes when its name is set", () => {
    expect(points({ set: ["optim=none"], limit: 1 })[0]).not.toContain("optim.eps");
  });

  test("variants and samples are overridden too", () => {
    const file = `name = "v"\nrun.command = "true \${args}"\n[random]\nsamples = 2\nspace.x = { uniform = [0, 1] }\nspace.y = { uniform = [0, 1] }\n
[[variants]]\nbase = { m = 1, k = 1 }\n[[variants]]\nbase = { m = 2 }\ngrid = { k = [5, 6] }\n`;
    const all = points({ set: ["k=9", "x=0.5"] }, file).map((text) => JSON.parse(text) as { [name: string]: unknown });
    expect(all.map(({ m, k, x }) => [m, k, x])).toEqual([
      [1, 9, 0.5],
      [1, 9, 0.5],
      [2, 9, 0.5],
      [2, 9, 0.5],
    ]);
  });

  const RUNS = `name = "r"\nrun.command = ["true", "\${args}"]\n`;
  const LISTED = `${RUNS}base.m = 1\n[[runs]]\nparams = { lr = 0.1, k = 1 }\n[[runs]]\nparams = { lr = 0.2, k = 2 }\n`;
  const ROWS = `${RUNS}[[runs]]\nfrom = "t.csv"\nparams.epochs = 3\n`;

  test.each<[what: string, set: readonly string[], text: string, expected: readonly string[]]>([
    ["one value", ["lr=0.5"], LISTED, ['{"m":1,"lr":0.5,"k":1}', '{"m":1,"lr":0.5,"k":2}']],
    [
      "a parameter that they have not",
      ["x=7"],
      LISTED,
      ['{"m":1,"x":7,"lr":0.1,"k":1}', '{"m":1,"x":7,"lr":0.2,"k":2}'],
    ],
    [
      "several values multiply",
      ["lr=0.5,0.6"],
      LISTED,
      ['{"m":1,"k":1,"lr":0.5}', '{"m":1,"k":1,"lr":0.6}', '{"m":1,"k":2,"lr":0.5}', '{"m":1,"k":2,"lr":0.6}'],
    ],
    ["all they have: what is the same is one run", ["lr=1", "k=2"], LISTED, ['{"m":1,"lr":1,"k":2}']],
    ["a seed among them", ["seed=5"], `${RUNS}[[runs]]\nparams = { seed = 1, k = 1 }\n`, ['{"k":1,"seed":5}']],
    ["a seed of the base", ["seed=5"], `${RUNS}base.seed = 1\n`, ['{"seed":5}']],
    ["nested", ["a.b=5"], `${RUNS}[[runs]]\nparams = { a.b = 1, a.c = 2 }\n`, ['{"a.b":5,"a.c":2}']],
    ["rows of a file", ["lr=0.5"], ROWS, ['{"lr":0.5,"epochs":3,"seed":1}', '{"lr":0.5,"epochs":3,"seed":2}']],
    ["a seed of rows", ["seed=5"], ROWS, ['{"epochs":3,"lr":0.1,"seed":5}', '{"epochs":3,"lr":0.2,"seed":5}']],
    ["every column", ["seed=5", "lr=0.5"], ROWS, ['{"lr":0.5,"epochs":3,"seed":5}']],
    [
      "several values over rows",
      ["lr=1,2"],
      ROWS,
      [
        '{"epochs":3,"seed":1,"lr":1}',
        '{"epochs":3,"seed":1,"lr":2}',
        '{"epochs":3,"seed":2,"lr":1}',
        '{"epochs":3,"seed":2,"lr":2}',
      ],
    ],
    [
      "combinations beside them stay",
      ["lr=0.5"],
      `${RUNS}grid.lr = [1, 2]\n[[runs]]\nparams = { lr = 3, k = 1 }\n`,
      ['{"lr":0.5}', '{"lr":0.5,"k":1}'],
    ],
    [
      "the only thing that is sampled",
      ["x=1"],
      `${RUNS}[random]\nsamples = 4\nspace.x = { int = [0, 9] }\n`,
      ['{"x":1}'],
    ],
  ])("over [[runs]] and samples: %s", (_, set, text, expected) => {
    const readFile = (path: string) => (path.endsWith("/t.csv") ? "lr,seed\n0.1,1\n0.2,2\n" : undefined);
    const result = readSweep({ ...tomlSource(text), readFile, overrides: { ...NO_OVERRIDES, set } });
    if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
    expect(Array.from(result.sweep.points, ({ paramsJson }) => paramsJson)).toEqual(expected);
  });

  test.each<[set: string, says: RegExp]>([
    ["lr", /^spec.set: --set "lr" is not NAME=VALUE \| such as/],
    ["=1", /is not NAME=VALUE/],
    ['lr="a', /has a quote that does not end/],
    ["lr=[1", /has brackets that do not match/],
    ["__proto__=1", /^2:1\+\d+ spec.reserved/],
    ["9=1", /spec.name/],
    ["lr=1,1", /^2:\d+\+\d+ /],
    ["seed=-1", /^1:/],
  ])("a mistake: %s", (set, says) => {
    expect(problems({ set: [set] })[0]).toMatch(says);
  });
});

describe("the others", () => {
  test("--where is one more condition", () => {
    expect(points({})).toHaveLength(8);
    expect(points({ where: ["lr > 0.5"] })).toHaveLength(4);
    expect(points({ where: ["lr > 0.5", "seed == 1"] })).toHaveLength(2);
    expect(problems({ where: ["lr >"] })[0]).toMatch(/^1:\d+/);
  });

  test("--limit cuts, --name and --hold set", () => {
    expect(points({ limit: 3 })).toHaveLength(3);
    const result = read({ name: "other", hold: true });
    expect("sweep" in result && result.sweep.sweep).toMatchObject({ name: "other", hold: true });
    expect(problems({ name: "a b" })[0]).toContain("name");
  });
});
