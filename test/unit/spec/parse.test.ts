/** What sound sweep files mean. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { describe, expect, test } from "vitest";
import { parseSpec } from "../../../shared/spec/parse.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { FloatParam } from "../../../shared/spec/types.ts";
import { pointsOf, problemLinesOf, sweepOf, tomlSource } from "../../helpers/spec-source.ts";

const SOUND = 'name = "a"\nrun.command = ["true"]\n';

const EVERYTHING = `
name = "digits-2.b"
seeds = [2, 0, 1]
priority = -5
rerun = "all"

[base]
epochs = 90
amp = true
note = "x y"
betas = [0.9, 0.999]
layers = [{ size = 8, act = "relu" }]
[base.optim]
name = "adamw"
weight_decay = 1.0

[grid]
"optim.lr" = [1e-3, 0.01]
model = ["vit", "cnn"]
[grid.data]
crop = [32, 28]

[run]
command = ["python", "train.py", "\${args}", "--out=\${run.dir}"]
args = "flags"
cwd = "../code"
env = { OMP_NUM_THREADS = 4, SCALE = 1.0, DEBUG = true, SEED = "\${seed}" }

[resources]
gpus = 2
cpus = 8

[limits]
time = "1h30m"
parallel = 12
stop_grace = "2m"

[retry]
max = 3

[objective]
metric = "val/acc"
goal = "maximize"
`;

const SETTINGS = {
  name: "a",
  project: "",
  description: "",
  note: "",
  tags: [],
  priority: 0,
  hold: false,
  after: [],
  parallel: 0,
  failures: 0,
  gpuMs: 0,
  deadline: 0,
  runsMax: 0,
  objective: undefined,
  rerun: "missing",
  identity: { ignore: [], include: ["command"] },
};

/** Constants and axes of a file that makes one block. */
function blockOf(text: string) {
  const result = parseSpec(tomlSource(text));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  const [block] = result.spec.blocks;
  const grid = block?.axes.map(({ names, columns }) => [
    ...names,
    columns.map(({ length, at }) => Array.from({ length }, (_, i) => at(i))),
  ]);
  return { base: new Map(block?.constants), grid };
}

describe("a sound file", () => {
  test("with everything of the first kind in it", () => {
    const { sweep, shapes } = sweepOf(EVERYTHING);
    expect(sweep).toEqual({
      ...SETTINGS,
      name: "digits-2.b",
      priority: -5,
      parallel: 12,
      objective: { metric: "val/acc", goal: "maximize" },
      rerun: "all",
    });
    expect(blockOf(EVERYTHING)).toEqual({
      base: new Map<string, unknown>([
        ["epochs", 90],
        ["amp", true],
        ["note", "x y"],
        ["betas", [new FloatParam(0.9), new FloatParam(0.999)]],
        ["layers", [{ size: 8, act: "relu" }]],
        ["optim.name", "adamw"],
        ["optim.weight_decay", new FloatParam(1)],
      ]),
      grid: [
        ["optim.lr", [[new FloatParam(0.001), new FloatParam(0.01)]]],
        ["model", [["vit", "cnn"]]],
        ["data.crop", [[32, 28]]],
        ["seed", [[2, 0, 1]]],
      ],
    });
    expect(shapes).toEqual([
      {
        template: {
          command: ["python", "train.py", "${args}", "--out=${run.dir}"],
          args: "flags",
          cwd: "/srv/ada/code",
          env: { OMP_NUM_THREADS: "4", SCALE: "1.0", DEBUG: "true", SEED: "${seed}" },
        },
        resources: { gpus: 2, cpus: 8 },
        limits: { timeMs: 5_400_000, idleMs: 0, stopGraceMs: 120_000 },
        retry: { max: 3 },
        tags: [],
      },
    ]);
  });

  test("with as little as may be", () => {
    const { sweep, shapes, total } = sweepOf('name = "a"\nrun.command = "true"\n');
    expect(sweep).toEqual(SETTINGS);
    expect(total).toBe(1);
    expect(shapes).toEqual([
      {
        template: { command: "true", args: "flags", cwd: "/srv/ada/work", env: {} },
        resources: { gpus: undefined, cpus: undefined },
        limits: { timeMs: 0, idleMs: 0, stopGraceMs: 30_000 },
        retry: { max: 0 },
        tags: [],
      },
    ]);
  });

  test("parameters come in the order of the file, also with dotted keys and numbers as keys", () => {
    const text = `${SOUND}[grid]\nopt.z = [1]\n"m.2" = [1]\nopt.a = [1]\n"m.1" = [1]\n[base]\nx.10 = 1\nb = 1\nx.9 = 1\n`;
    const [point] = pointsOf(text);
    expect([...(point?.params.keys() ?? [])]).toEqual(["x.10", "b", "x.9", "opt.z", "m.2", "opt.a", "m.1"]);
  });

  test("an empty table is no parameter", () => {
    expect(pointsOf(`${SOUND}[base.optim]\n[grid]\n`)[0]?.params.size).toBe(0);
  });

  test("names of parameters may use any script", () => {
    const [point] = pointsOf(`${SOUND}[base]\n"学习率" = 1\n"_x-1.2" = 2\n`);
    expect(point?.paramsJson).toBe('{"学习率":1,"_x-1.2":2}');
  });
});

describe("run.cwd", () => {
  const cases: [cwd: string, directory: string, expected: string][] = [
    [".", "/a/b", "/a/b"],
    ["sub/x", "/a/b", "/a/b/sub/x"],
    ["../../..", "/a/b", "/"],
    ["/abs", "/a/b", "/abs"],
    ["${run.dir}/w", "/a/b", "${run.dir}/w"],
    ["w/${run.index}", "/a/b", "/a/b/w/${run.index}"],
    ["x", "/odd/$HOME ${x}", "/odd/$$HOME $${x}/x"],
  ];
  test.each(cases)("%s in %s is %s", (cwd, directory, expected) => {
    const text = `${SOUND}run.cwd = ${JSON.stringify(cwd)}\n`;
    const result = readSweep({ path: "s.toml", text, format: "toml", directory });
    expect("sweep" in result && result.sweep.shapes[0]?.template.cwd).toBe(expected);
  });
});

describe("the JSON form", () => {
  const json = (text: string, path = "") => readSweep({ path, text, format: "json", directory: "/d" });

  test("means the same", () => {
    const text = `{"name":"a","seeds":[1],"base":{"b.c":1.0,"10":[1,2.5e3]},"run":{"command":["echo","$\${x}"]}}`;
    const result = json(text.replace('"10"', '"x10"'));
    if ("problems" in result) throw new Error(JSON.stringify(result.problems));
    const { shapes, points } = result.sweep;
    expect(shapes[0]?.template).toEqual({ command: ["echo", "$${x}"], args: "flags", cwd: "/d", env: {} });
    expect(Array.from(points, ({ paramsJson }) => paramsJson)).toEqual(['{"b.c":1.0,"x10":[1,2500.0],"seed":1}']);
  });

  test.each([
    ["", "1:1+1 spec.syntax: not valid JSON: the text ends too early"],
    ["[1]", "1:1+3 spec.syntax: a sweep file in JSON is one object"],
    ['{"name":"a",}', '1:13+1 spec.syntax: not valid JSON: a value is expected before "}"'],
    ['{"name" "a"}', '1:9+1 spec.syntax: not valid JSON: ":" is expected after a key'],
    ['{"name":"a"', '1:12+1 spec.syntax: not valid JSON: "," or "}" is expected'],
    ['{"a":1,\n"a":2}', '2:1+1 spec.syntax: not valid JSON: the key "a" is written twice'],
    ['{"a":01}', "1:6+1 spec.syntax: not valid JSON: a value is expected"],
    ['{"a":"x}', "1:6+1 spec.syntax: not valid JSON: the text ends within a string"],
    [
      '{"a":"\\x"}',
      "1:6+1 spec.syntax: not valid JSON: the string holds a control character or an escape that JSON does not have",
    ],
    ['{"a":1} x', "1:9+1 spec.syntax: not valid JSON: unexpected text after the end"],
    [`{"a":${"[".repeat(99)}`, "1:70+1 spec.syntax: not valid JSON: nested deeper than 64 levels"],
    [
      '{"name":"a","run":{"command":["x"]},"base":{"x":null}}',
      "1:49+4 spec.type: base.x must be a boolean, number, string, list or table, not null | leave the parameter out",
    ],
    ['{"name":"a","run":{"command":["\\ud800"]}}', "1:31+8 spec.value: run.command[0] is not valid Unicode"],
    [
      '{"name":"a","run":{"command":["x"]},"base":{"__proto__":{"x":1}}}',
      `1:45+11 spec.reserved: "__proto__" cannot be part of a parameter's name`,
    ],
  ])("refuses %s", (text, problem) => {
    const result = json(text, "s.json");
    const [first] = "problems" in result ? result.problems : [];
    const place = first?.place;
    const hint = first?.hint === undefined ? "" : ` | ${first.hint}`;
    expect(`${place?.line}:${place?.column}+${place?.length} ${first?.id}: ${first?.message}${hint}`).toBe(problem);
  });

  test("has no places when it is in no file", () => {
    const result = json('{"name":3}');
    expect("problems" in result && result.problems[0]).toEqual({
      id: "spec.type",
      message: "name must be a string, not an integer",
    });
  });
});

describe("no text makes the parser throw", () => {
  const mutated = fc
    .tuple(
      fc.nat(EVERYTHING.length),
      fc.nat(12),
      fc.constantFrom(
        "",
        '"',
        "'",
        '"""',
        "[",
        "]",
        "{",
        "}",
        "\n",
        "=",
        ".",
        "#",
        "\\",
        "1",
        "$",
        "é",
        "\r\n",
        "a.b=1\n",
        "[[x]]\n",
        ",",
      ),
    )
    .map(([at, cut, put]) => EVERYTHING.slice(0, at) + put + EVERYTHING.slice(at + cut));

  test("mutated files", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: "binary" })), (text) => {
        expect(() => problemLinesOf(text)).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });

  const wholes = ["vit-ablation", "llm-sft"].map((name) =>
    readFileSync(new URL(`../../../examples/sweeps/${name}.toml`, import.meta.url), "utf8"),
  );
  const lines = [
    "[[runs]]\nparams = { a = 1 }\n",
    'extends = "x"\n',
    "limits.runs = 3\n",
    'order = "shuffled"\n',
    "variants = 1\n",
    "zip = []\n",
    "seeds = []\n",
    "repeats = 2\n",
    '"a.b" = "c"\n',
    "x = { expr = '1' }\n",
    '= "1 / 0"\n',
    "nan",
    "None",
    "{ range = [3] }",
    "]]",
    "[[",
    "${run.index}",
    "''",
  ];
  const mutatedWhole = fc
    .tuple(fc.constantFrom(...wholes), fc.nat(2000), fc.nat(40), fc.constantFrom(...lines, ""))
    .map(([whole, at, cut, put]) => whole.slice(0, at % whole.length) + put + whole.slice((at % whole.length) + cut));

  test("mutated files of the whole language", () => {
    fc.assert(
      fc.property(mutatedWhole, (text) => {
        const result = readSweep(tomlSource(text));
        if ("problems" in result) expect(result.problems.length).toBeGreaterThan(0);
        else expect([...result.sweep.points]).toHaveLength(result.sweep.total);
      }),
      { numRuns: 600 },
    );
  });

  test("mutated JSON", () => {
    const whole = JSON.stringify({
      name: "a",
      base: { x: [1, 2.5, "é\n", null, { y: true }] },
      run: { command: ["x"] },
    });
    const text = fc
      .tuple(fc.nat(whole.length), fc.nat(8), fc.string({ maxLength: 3 }))
      .map(([at, cut, put]) => whole.slice(0, at) + put + whole.slice(at + cut));
    fc.assert(
      fc.property(text, (json) => {
        expect(() => parseSpec({ path: "x", text: json, format: "json", directory: "/" })).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});

test("any table of parameters comes back as it was written", () => {
  const key = fc
    .string({ unit: fc.constantFrom("a", "b", "_", "-", "9", "é"), minLength: 1, maxLength: 4 })
    .map((text) => `k${text}`);
  const scalar = fc.oneof(
    fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
    fc.constantFrom("''' \"\"\" # ] } , = \\", "line\nline\r\n", "$${x} `y`"),
  );
  const table = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar, { minLength: 1, maxLength: 3 })), { maxKeys: 5 });
  fc.assert(
    fc.property(table, (base) => {
      const [point] = pointsOf(stringify({ name: "a", run: { command: ["x"] }, base: { ...base } }));
      const plain = (value: unknown): unknown =>
        Array.isArray(value) ? value.map(plain) : typeof value === "bigint" ? Number(value) : value;
      const expected = Object.entries(base).map(([name, value]) => [name, plain(value)]);
      expect(Object.fromEntries(point?.params ?? [])).toEqual(Object.fromEntries(expected));
    }),
    { numRuns: 500 },
  );
});

// Quadratic reading would take hours: the level's time limit is the bound, with room for a busy machine.
test("a file of eight megabytes is read", { timeout: 60_000 }, () => {
  expect(problemLinesOf(`${SOUND}[grid]\na = [${"1,".repeat(4_000_000)}]\n`)[0]).toContain("4,000,000 points");
  expect(problemLinesOf(`${SOUND}${"#\n".repeat(4_000_000)}`)).toEqual([]);
});

test("the source is left as it is", () => {
  const source = Object.freeze(tomlSource(EVERYTHING));
  const read = () => {
    const result = readSweep(source);
    return "sweep" in result && Array.from(result.sweep.points, ({ fingerprint }) => fingerprint);
  };
  expect(read()).toEqual(read());
});
