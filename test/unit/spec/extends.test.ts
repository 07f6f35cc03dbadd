/** Sweep files over other ones: what they mean together, and where each part is said to be. */
import { describe, expect, test } from "vitest";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { referencedFiles } from "../../../shared/spec/referenced-files.ts";
import { problemLine, tomlSource } from "../../helpers/spec-source.ts";

type Files = { readonly [path: string]: string };

function read(text: string, files: Files) {
  const readFile = (path: string) => files[path.replace("/srv/ada/work/", "")] ?? files[path];
  return readSweep({ ...tomlSource(text), readFile });
}

function sweep(text: string, files: Files) {
  const result = read(text, files);
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  const { points, shapes, sweep: settings } = result.sweep;
  return { points: Array.from(points, ({ paramsJson }) => paramsJson), shapes, settings };
}

/** `file:line:column+length id: message | hint` */
function problems(text: string, files: Files): string[] {
  const result = read(text, files);
  if ("sweep" in result) return [];
  return result.problems.map((problem) => `${problem.place?.file}:${problemLine(problem)}`);
}

const BASE = `# comment of some length
name = "base"
tags = ["a", "b"]
where = ["lr < 1"]

[base]
epochs = 10
optim.name = "adam"
optim.lr = 0.5

[grid]
lr = [0.1, 0.2]
m = { linspace = [0, 1, 2] }

[run]
command = ["python", "train.py"]
env = { A = "1", B = "2" }

[resources]
gpus = { expr = "2 if epochs > 5 else 1" }
cpus = 4
`;

describe("extends", () => {
  test("tables are merged, everything else is replaced, and parameters keep their place", () => {
    const { points, shapes, settings } = sweep(
      'extends = "base.toml"\nname = "mine"\ntags = ["c"]\nbase.epochs = 20\nbase.optim.lr = 0.25\n' +
        'grid.lr = [0.3]\ngrid.k = [1]\nrun.env = { B = "3" }\nresources.gpus = 1\n',
      { "base.toml": BASE },
    );
    expect(points).toEqual([
      '{"epochs":20,"optim.name":"adam","optim.lr":0.25,"lr":0.3,"m":0.0,"k":1}',
      '{"epochs":20,"optim.name":"adam","optim.lr":0.25,"lr":0.3,"m":1.0,"k":1}',
    ]);
    expect(settings).toMatchObject({ name: "mine", tags: ["c"] });
    expect(shapes).toHaveLength(1);
    expect(shapes[0]).toMatchObject({
      template: { command: ["python", "train.py"], env: { A: "1", B: "3" }, cwd: "/srv/ada/work" },
      resources: { gpus: 1, cpus: 4 },
      tags: ["c"],
    });
  });

  test("a series takes the place of another one", () => {
    const text = 'extends = "base.toml"\ngrid.m = { range = [2, 4] }\ngrid.lr = [0.5]\n';
    expect(sweep(text, { "base.toml": BASE }).points.map((json) => json.replace(/.*"m":/, ""))).toEqual(["2}", "3}"]);
  });

  test("through several files in other directories, each path from its own", () => {
    const { points, shapes } = sweep('extends = "../shared/b.toml"\nbase.z = 3\n', {
      "/srv/ada/shared/b.toml": 'extends = "deep/a.toml"\nbase.y = 2\ngrid.id = { file = "ids.txt" }\n',
      "/srv/ada/shared/deep/a.toml": 'name = "a"\nbase.x = 1\nrun.command = ["x"]\nrun.cwd = "code"\n',
      "/srv/ada/shared/ids.txt": "1\n",
    });
    expect(points).toEqual(['{"x":1,"y":2,"z":3,"id":1}']);
    expect(shapes[0]?.template.cwd).toBe("/srv/ada/shared/deep/code");
  });

  test("the fingerprint is that of one file", () => {
    const one = read('name = "a"\nrun.command = ["x"]\n[grid]\na = [1, 2]\n', {});
    const two = read('extends = "b.json"\ngrid.a = [1, 2]\n', { "b.json": '{"name":"b","run":{"command":["x"]}}' });
    const prints = (result: typeof one) =>
      "sweep" in result && Array.from(result.sweep.points, ({ fingerprint }) => fingerprint);
    expect(prints(one)).toEqual(prints(two));
  });

  const cases: [title: string, text: string, files: Files, problems: string[]][] = [
    [
      "a circle of two",
      'extends = "b.toml"\n',
      { "b.toml": 'extends = "sweep.toml"\n', "sweep.toml": "" },
      ["b.toml:1:11+12 spec.extends: extends goes round in a circle: sweep.toml -> b.toml -> sweep.toml"],
    ],
    [
      "a circle below",
      'extends = "b.toml"\n',
      { "b.toml": 'extends = "c.toml"\n', "c.toml": '# first\nextends = "b.toml"\n' },
      ["c.toml:2:11+8 spec.extends: extends goes round in a circle: b.toml -> c.toml -> b.toml"],
    ],
    [
      "a missing file below",
      'extends = "b.toml"\n',
      { "b.toml": 'extends = "../c.toml"\n' },
      ['b.toml:1:11+11 spec.extends: "../c.toml" cannot be read | it would be /srv/ada/c.toml'],
    ],
    [
      "a file that is no TOML",
      'extends = "b.toml"\n',
      { "b.toml": "a = \n" },
      ["b.toml:1:5+1 spec.syntax: not valid TOML: invalid value | texts are written in quotes"],
    ],
    [
      "mistakes in both files",
      'extends = "base.toml"\nlimits.tiem = "1h"\nbase.x = nan\n',
      { "base.toml": `${BASE}[retry]\nmaxx = 1\n` },
      [
        'base.toml:23:1+4 spec.unknown-key: "maxx" is not a key of [retry] | did you mean "max"? keys: max, on, never, backoff, resume, avoid_node, remedy',
        'sweep.toml:2:8+4 spec.unknown-key: "tiem" is not a key of [limits] | did you mean "time"? keys: time, idle, parallel, failures, runs, gpu_hours, stop_grace',
        'sweep.toml:3:10+3 spec.value: base.x is not a finite number | write it as a string, such as "inf"',
      ],
    ],
    [
      "an expression below that names what is above",
      'extends = "base.toml"\nbase.epochs = "x"\n',
      { "base.toml": BASE },
      ['base.toml:20:23+10 expression.type: ">" cannot compare a string with an int (at lr=0.1, m=0.0)'],
    ],
    [
      "a parameter twice through both",
      'extends = "base.toml"\nbase.lr = 1\n',
      { "base.toml": BASE },
      ['base.toml:12:1+2 spec.duplicate: "lr" is set in [base] and in [grid] | keep one of them'],
    ],
  ];

  test.each(cases)("%s", (_title, text, files, expected) => expect(problems(text, files)).toEqual(expected));

  test("more files than are allowed", () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`b${i}.toml`, `extends = "b${i + 1}.toml"\n`] as const),
    );
    expect(problems('extends = "b0.toml"\n', files)).toEqual([
      "b14.toml:1:11+10 spec.extends: extends goes through more than 16 files",
    ]);
  });
});

describe("referencedFiles", () => {
  test("names what is missing, and what that names once it is there", () => {
    const text =
      'extends = "b.toml"\ngrid.a = { file = "a.txt" }\n[[runs]]\nfrom = "t.csv"\n[[variants]]\nzip = [{ z = { file = "z.txt" } }]\n';
    const files = new Map<string, string>();
    const ask = () => referencedFiles({ ...tomlSource(text), readFile: (path) => files.get(path) });
    const own = ["/srv/ada/work/b.toml", "/srv/ada/work/a.txt", "/srv/ada/work/z.txt", "/srv/ada/work/t.csv"];
    expect(ask()).toEqual(own);
    for (const path of own) files.set(path, "");
    files.set("/srv/ada/work/b.toml", 'extends = "sub/c.toml"\n');
    expect(ask()).toEqual(["/srv/ada/work/sub/c.toml"]);
    files.set("/srv/ada/work/sub/c.toml", 'extends = "../b.toml"\ngrid.x = { file = "x.txt" }\n');
    expect(ask()).toEqual(["/srv/ada/work/sub/x.txt"]);
    files.set("/srv/ada/work/sub/x.txt", "1");
    expect(ask()).toEqual([]);
  });

  test.each(["extends = 3\n", "grid = 3\n", "runs = [3]\n", "variants = {}\n", "a = [\n", 'extends = "\\u0000"\n', ""])(
    "of a wrong file is nothing: %j",
    (text) => expect(referencedFiles(tomlSource(text))).toEqual([]),
  );
});
