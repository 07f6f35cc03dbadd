/** What the tables of a sweep file mean together: from files to points. */
import { describe, expect, test } from "vitest";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { problemLine, problemLinesOf, sweepOf, tomlSource } from "../../helpers/spec-source.ts";

const SOUND = 'name = "a"\nrun.command = ["x", "${args}"]\n';

/** Parameters of all points, without braces and quotes. */
function points(text: string, files: { readonly [path: string]: string } = {}): string[] {
  const result = read(text, files);
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  return Array.from(result.sweep.points, ({ paramsJson }) => plain(paramsJson));
}

function read(text: string, files: { readonly [path: string]: string }) {
  const readFile = (path: string) => files[path.replace("/srv/ada/work/", "")];
  return readSweep({ ...tomlSource(text), readFile });
}

function plain(json: string): string {
  return json.slice(1, -1).replaceAll('"', "");
}

describe("points", () => {
  const cases: [title: string, text: string, points: string[]][] = [
    ["series", "[grid]\na = { linspace = [0, 1, 3] }\n", ["a:0.0", "a:0.5", "a:1.0"]],
    ["a series in zip", "[zip]\na = { range = [2] }\nb = [5, 6]\n", ["a:0,b:5", "a:1,b:6"]],
    [
      "zip groups multiply, faster than the grid",
      "[grid]\ng = [1, 2]\n[[zip]]\na = [1, 2]\nb = [3, 4]\n[[zip]]\nc = [5, 6]\n",
      [
        "g:1,a:1,b:3,c:5",
        "g:1,a:1,b:3,c:6",
        "g:1,a:2,b:4,c:5",
        "g:1,a:2,b:4,c:6",
        "g:2,a:1,b:3,c:5",
        "g:2,a:1,b:3,c:6",
        "g:2,a:2,b:4,c:5",
        "g:2,a:2,b:4,c:6",
      ],
    ],
    ["rows of zip that are equal", "[zip]\na = [1, 1, 2]\nb = [3, 3.0, 3]\n", ["a:1,b:3", "a:2,b:3"]],
    [
      "a variant overrides a constant in its place",
      "[base]\na = 1\nb = 2\n[[variants]]\n[[variants]]\nbase = { a = 9 }\n",
      ["a:1,b:2", "a:9,b:2"],
    ],
    [
      "a variant fixes an axis",
      "[grid]\na = [1, 2]\nb = [3]\n[[variants]]\n[[variants]]\nbase = { a = 5 }\n",
      ["a:1,b:3", "a:2,b:3", "a:5,b:3"],
    ],
    [
      "a variant has another axis in the place of one",
      "[grid]\na = [1, 2]\nb = [3]\n[[variants]]\ngrid = { a = [7, 8], c = [0] }\n",
      ["a:7,b:3,c:0", "a:8,b:3,c:0"],
    ],
    [
      "a variant takes a column out of zip",
      "[zip]\na = [1, 2]\nb = [3, 4]\n[[variants]]\nbase = { b = 0 }\n",
      ["b:0,a:1", "b:0,a:2"],
    ],
    [
      "a variant makes an axis of a constant",
      "[base]\na = 1\nb = 2\n[[variants]]\ngrid = { a = [5, 6] }\n",
      ["b:2,a:5", "b:2,a:6"],
    ],
    [
      "variants that make the same point",
      "[[variants]]\nbase = { a = 1 }\n[[variants]]\nbase = { a = 1.0 }\n[[variants]]\nbase = { a = 2 }\n",
      ["a:1", "a:2"],
    ],
    [
      "conditions of a variant count beside those of the file",
      'where = ["a > 1"]\n[grid]\na = [1, 2, 3]\n[[variants]]\nwhere = ["a < 3"]\n[[variants]]\nbase = { v = 1 }\n',
      ["a:2", "v:1,a:2", "v:1,a:3"],
    ],
    [
      "a variant derives in another way",
      '[base]\na = 2\n[derive]\nb = "a * 10"\nc = "b + 1"\n[[variants]]\n[[variants]]\nderive = { b = "a * 100" }\nbase = { v = 1 }\n',
      ["a:2,b:20,c:21", "a:2,v:1,b:200,c:201"],
    ],
    [
      "a condition may ask what a variant has",
      'where = ["not defined(p) or p > 8"]\n[[variants]]\nbase = { m = 1 }\n[[variants]]\ngrid = { p = [8, 16] }\n',
      ["m:1", "p:16"],
    ],
    ["repeats", "repeats = 2\n[grid]\na = [1, 2]\n", ["a:1,seed:0", "a:1,seed:1", "a:2,seed:0", "a:2,seed:1"]],
    [
      "derive changes a parameter in its place",
      '[grid]\na = [1, 2]\nb = [3]\n[derive]\na = "a * 10"\nc = "a + b"\n',
      ["a:10,b:3,c:13", "a:20,b:3,c:23"],
    ],
    ["what derive makes equal is one point", '[grid]\na = [1, 2, 3]\n[derive]\na = "a // 2"\n', ["a:0", "a:1"]],
    ["None", '[grid]\na = [1, 2]\n[derive]\nb = "None if a == 1 else 5"\n', ["a:1,b:null", "a:2,b:5"]],
    [
      "floats and ints of expressions",
      '[base]\na = 2\n[derive]\nb = "a / 2"\nc = "a // 2"\nd = "str(a) + \'x\'"\ne = "[a, 0.5]"\n',
      ["a:2,b:1.0,c:1,d:2x,e:[2,0.5]"],
    ],
    [
      "the number and the name of the sweep",
      'where = ["a != 2"]\n[grid]\na = [1, 2, 3]\n[derive]\nout = "sweep.name + \'/\' + str(run.index)"\n',
      ["a:1,out:a/1", "a:3,out:a/2"],
    ],
    [
      "explicit runs alone",
      "[base]\na = 1\nb = 2\n[[runs]]\nparams = { b = 5 }\n[[runs]]\nparams = { b = 6 }\n[[runs]]\nparams = { c = 7 }\n",
      ["a:1,b:5", "a:1,b:6", "a:1,b:2,c:7"],
    ],
    [
      "explicit runs after a grid, with seeds and conditions",
      'seeds = [1, 2]\nwhere = ["a < 9"]\n[grid]\na = [1]\n[[runs]]\nparams = { a = 2 }\n[[runs]]\nparams = { a = 9 }\n[[runs]]\nparams = { a = 1.0 }\n',
      ["a:1,seed:1", "a:1,seed:2", "a:2,seed:1", "a:2,seed:2"],
    ],
    ["a limit", "limits.runs = 2\n[grid]\na = [1, 2, 3]\n", ["a:1", "a:2"]],
    [
      "what is ignored makes no further point",
      '[identity]\nignore = ["w*"]\n[grid]\na = [1, 2]\nworkers = [4, 8]\n',
      ["a:1,workers:4", "a:2,workers:4"],
    ],
    [
      "names that are no words",
      'where = ["params[\'weight-decay\'] > 0.2"]\n[grid]\n"weight-decay" = [0.1, 0.3]\n',
      ["weight-decay:0.3"],
    ],
  ];

  test.each(cases)("%s", (_title, text, expected) => expect(points(SOUND + text)).toEqual(expected));
});

describe("random", () => {
  const random = (lines: string, more = "") =>
    points(`${SOUND}${more}[random]\n${lines}\n[random.space]\nx = { int = [0, 1000000] }\n`);

  test("is the same every time, and another for another seed", () => {
    expect(random("samples = 3")).toEqual(random("samples = 3\nseed = 0"));
    expect(random("samples = 3")).not.toEqual(random("samples = 3\nseed = 1"));
    expect(new Set(random("samples = 50")).size).toBe(50);
  });

  test.each(["random", "sobol", "mt19937"])("%s draws for each point, or once for all", (method) => {
    const grid = "[grid]\na = [1, 2]\n";
    const sampled = (per: string) => {
      const all = random(`samples = 4\nmethod = "${method}"\nper = "${per}"`, grid).map((text) => text.split(",")[1]);
      return [all.slice(0, 4), all.slice(4)];
    };
    const [first, second] = sampled("sweep");
    expect(first).toEqual(second);
    const [own, other] = sampled("point");
    expect(own).not.toEqual(other);
  });

  test("draws as Python's random.Random(42) does, through all points and variants", () => {
    const file = (before: string) =>
      `${SOUND}${before}[random]\nsamples = 3\nseed = 42\nmethod = "mt19937"\n[random.space]\nlr = { choice = [0.1, 0.01, 0.001] }\nm = { choice = ["a", "b"] }\n`;
    const expected = ["0.001a", "0.1b", "0.1a", "0.1a", "0.001a", "0.001b"];
    const drawn = (texts: string[]) => texts.map((text) => text.replace(/.*lr:(.*),m:(.*)/, "$1$2"));
    expect(drawn(points(file("[grid]\ng = [1, 2]\n")))).toEqual(expected);
    expect(drawn(points(file("variants = [{ base = { v = 1 } }, { base = { v = 2 } }]\n")))).toEqual(expected);
  });

  test("equal samples are one point", () => {
    const text = `${SOUND}[random]\nsamples = 20\n[random.space]\nx = { choice = [1, 2] }\n`;
    const { total, report } = sweepOf(text);
    expect([total, report.duplicates, report.product]).toEqual([2, 18, 20]);
  });

  test("a variant fixes what is sampled, or samples more", () => {
    const text = `${SOUND}[random]\nsamples = 2\nspace.x = { int = [0, 9] }\nspace.y = { int = [10, 19] }\n`;
    const [first, second, ...others] = points(
      `${text}[[variants]]\nbase = { x = 77 }\n[[variants]]\nrandom = { samples = 3, space = { z = { int = [20, 29] } } }\n`,
    );
    expect(first).toMatch(/^x:77,y:1\d$/);
    expect(second).toMatch(/^x:77,y:1\d$/);
    expect(others).toHaveLength(3);
    for (const other of others) expect(other).toMatch(/^x:\d,y:1\d,z:2\d$/);
  });
});

describe("order", () => {
  const grid = "[grid]\na = { range = [100] }\n";

  test("shuffled is a permutation, and the same for the same seed", () => {
    const listed = points(SOUND + grid);
    const shuffled = points(`${SOUND}order = "shuffled"\n${grid}`);
    expect(shuffled).not.toEqual(listed);
    expect(shuffled.toSorted()).toEqual(listed.toSorted());
    expect(points(`${SOUND}order = "shuffled"\nshuffle_seed = 0\n${grid}`)).toEqual(shuffled);
    expect(points(`${SOUND}order = "shuffled"\nshuffle_seed = 1\n${grid}`)).not.toEqual(shuffled);
  });

  test("cheap-first: by GPUs, then by the time limit; what is equal stays as listed", () => {
    const by = (resources: string, limits: string, more = "") =>
      points(
        `${SOUND}order = "cheap-first"\n${more}[resources]\n${resources}\n[limits]\n${limits}\n[grid]\na = [4, 0, 1, 2, 3]\n`,
      );
    expect(by('gpus = { expr = "a % 3" }', "")).toEqual(["a:0", "a:3", "a:4", "a:1", "a:2"]);
    // Without a number it takes one device.
    expect(by('gpus = { expr = "None if a == 2 else a" }', "")).toEqual(["a:0", "a:1", "a:2", "a:3", "a:4"]);
    expect(by("gpus = 1", 'time = { expr = "None if a == 4 else 60 * (1 + a % 2)" }')).toEqual([
      "a:0",
      "a:2",
      "a:1",
      "a:3",
      "a:4",
    ]);
    const both = by(
      'gpus = { expr = "1 if a < 2 else 0" }',
      'time = { expr = "3600 if a > 2 else 60" }',
      'where = ["a != 0"]\n',
    );
    expect(both).toEqual(["a:2", "a:4", "a:3", "a:1"]);
    expect(by("gpus = 2", "", "")).toEqual(["a:4", "a:0", "a:1", "a:2", "a:3"]);
  });

  test("cheap-first: variants too, and a limit takes the cheapest", () => {
    const file = (limit: string) => `${SOUND}order = "cheap-first"\nseeds = [0, 1]\n${limit}[[variants]]
      base = { m = "large" }\nresources = { gpus = 4 }\n[[variants]]\nbase = { m = "small" }\nresources = { gpus = 1 }\n`;
    const names = ["m:small,seed:0", "m:small,seed:1", "m:large,seed:0", "m:large,seed:1"];
    expect(points(file(""))).toEqual(names);
    expect(points(file("limits.runs = 3\n"))).toEqual(names.slice(0, 3));
  });

  test("a limit takes the first of the shuffled ones", () => {
    const shuffled = points(`${SOUND}order = "shuffled"\n${grid}`);
    expect(points(`${SOUND}order = "shuffled"\nlimits.runs = 7\n${grid}`)).toEqual(shuffled.slice(0, 7));
  });

  test("indexes follow the queue", () => {
    const { points: made } = sweepOf(
      `${SOUND}order = "shuffled"\nseeds = [0, 1]\nwhere = ["a != 1"]\n[grid]\na = [0, 1, 2]\n`,
    );
    const all = [...made];
    expect(all.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
  });
});

describe("shapes", () => {
  const shapesOf = (text: string) => {
    const { shapes, points: made } = sweepOf(SOUND + text);
    return Array.from(made, ({ shape }) => shapes[shape]);
  };

  test("an expression gives each point what it asks for, and equal requests are one shape", () => {
    const { shapes, points: made } = sweepOf(
      `${SOUND}[grid]\nrank = [8, 16, 32, 64]\n[resources]\ngpus = { expr = "4 if rank >= 32 else 2" }\ncpus = 3\n`,
    );
    expect(shapes.map(({ resources }) => resources)).toEqual([
      { gpus: 2, cpus: 3 },
      { gpus: 4, cpus: 3 },
    ]);
    expect(Array.from(made, ({ shape }) => shape)).toEqual([0, 0, 1, 1]);
  });

  test("a variant adds to what the file says", () => {
    const [first, second] = shapesOf(
      'tags = ["all"]\nlimits = { time = "2h", idle = "5m" }\nresources.gpus = 1\nrun.env = { A = "1" }\n' +
        '[[variants]]\nbase = { v = 1 }\n[[variants]]\nbase = { v = 2 }\ntags = ["big", "all"]\nlimits = { time = "4h" }\n' +
        'resources = { gpu_memory = "40GB" }\nrun = { env = { B = "2" }, cwd = "sub" }\n',
    );
    expect(first).toMatchObject({
      tags: ["all"],
      limits: { timeMs: 7_200_000, idleMs: 300_000 },
      resources: { gpus: 1 },
    });
    expect(second).toMatchObject({
      tags: ["all", "big"],
      limits: { timeMs: 14_400_000, idleMs: 300_000 },
      resources: { gpus: 1, gpuMemoryBytes: 40e9 },
      template: { env: { A: "1", B: "2" }, cwd: "/srv/ada/work/sub", command: ["x", "${args}"] },
    });
  });

  test("an explicit run has a command, resources and a priority of its own", () => {
    const { shapes, points: made } = sweepOf(
      `${SOUND}[[runs]]\nparams = { a = 1 }\n[[runs]]\nparams = { a = 1 }\ncommand = "y \${a}"\nresources = { gpus = 0 }\npriority = 7\n`,
    );
    const all = Array.from(made, ({ shape, priority }) => [shapes[shape]?.template.command, priority]);
    expect(all).toEqual([
      [["x", "${args}"], undefined],
      ["y ${a}", 7],
    ]);
  });
});

describe("files beside the file", () => {
  test("values and trials", () => {
    const files = {
      "ids.txt": "# two\n7\nx y\n",
      "t.csv": "lr,model,seed\n0.1,vit,1\n0.2,,2\n",
      "more/t.jsonl": '{"lr": 0.3, "optim": {"name": "adam"}}\n',
    };
    expect(points(`${SOUND}[grid]\nid = { file = "ids.txt" }\n`, files)).toEqual(["id:7", "id:x y"]);
    expect(points(`${SOUND}base.b = 1\n[[runs]]\nfrom = "t.csv"\n[[runs]]\nfrom = "more/t.jsonl"\n`, files)).toEqual([
      "b:1,lr:0.1,model:vit,seed:1",
      "b:1,lr:0.2,seed:2",
      "b:1,lr:0.3,optim.name:adam",
    ]);
  });

  test("a mistake in a file of trials has its place there", () => {
    const result = read(`${SOUND}[[runs]]\nfrom = "t.csv"\n`, { "t.csv": "lr,lr\n1,2\n" });
    expect("problems" in result && result.problems[0]?.place).toMatchObject({ file: "t.csv", line: 1 });
  });

  test("trials beside seeds", () => {
    const result = read(`${SOUND}seeds = [1]\n[[runs]]\nfrom = "t.csv"\n`, { "t.csv": "seed\n1\n" });
    expect("problems" in result && result.problems.map(problemLine)).toEqual([
      '3:1+5 spec.duplicate: "seed" is set in [[runs]] and by seeds | keep one of them',
    ]);
  });
});

describe("what stops a sweep", () => {
  const rows: readonly [text: string, utc: string][] = [
    ["2030-01-31", "2030-02-01T00:00:00.000Z"],
    ['"2030-01-31"', "2030-02-01T00:00:00.000Z"],
    ["2028-02-29", "2028-03-01T00:00:00.000Z"],
    ["2030-01-31T18:00:00Z", "2030-01-31T18:00:00.000Z"],
    ["2030-01-31T18:00:00", "2030-01-31T18:00:00.000Z"],
    ["2030-01-31 18:00:00+08:00", "2030-01-31T10:00:00.000Z"],
    ['"2030-01-31T18:00-05:30"', "2030-01-31T23:30:00.000Z"],
    ['"2030-01-31 18:00:00.25z"', "2030-01-31T18:00:00.250Z"],
  ];
  test.each(rows)("deadline = %s", (text, utc) => {
    expect(new Date(sweepOf(`${SOUND}deadline = ${text}\n`).sweep.deadline).toISOString()).toBe(utc);
  });

  test("GPU hours are milliseconds; what is not said is no limit", () => {
    expect(sweepOf(`${SOUND}limits.gpu_hours = 0.5\n`).sweep).toMatchObject({ gpuMs: 1_800_000, deadline: 0 });
    expect(sweepOf(SOUND).sweep.gpuMs).toBe(0);
    const objective = '[objective]\nmetric = "loss"\ngoal = "minimize"\ntarget = 0\n';
    expect(sweepOf(SOUND + objective).sweep.objective).toEqual({ metric: "loss", goal: "minimize", target: 0 });
  });
});

describe("warnings", () => {
  test("a misspelt series is a parameter, and that is said", () => {
    const { report } = sweepOf(`${SOUND}[grid]\nlr = { linspce = [0, 1] }\n`);
    expect(report.warnings.map(problemLine)).toEqual([
      '4:8+7 spec.series: "lr.linspce" is taken for a parameter of that name | did you mean { linspace = … }?',
    ]);
  });
});

test("values that a style cannot carry do no harm where it is not used", () => {
  const file = (command: string) => `name = "a"\nrun.command = ["x", ${JSON.stringify(command)}]\nbase.k = ["-v"]\n`;
  expect(problemLinesOf(file("${run.index}"))).toEqual([]);
  expect(problemLinesOf(file("${args}"))[0]).toContain('holds "-v"');
});

test("a file that is large within the limits is read in reasonable time", () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `[[runs]]\nparams = { a = ${i}, b = "x" }\n`).join("");
  const { total } = sweepOf(SOUND + rows);
  expect(total).toBe(20_000);
  expect(problemLinesOf(`${SOUND}limits.runs = 300000\nrepeats = 300000\n`)).toEqual([]);
});
