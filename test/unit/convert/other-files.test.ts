/** Guild's batch files, EXP's own, what is no file of any of them, and hostile YAML. */
import { describe, expect, test } from "vitest";
import { readYaml } from "../../../shared/convert/yaml-reader.ts";
import { converted, refusal } from "./converted.ts";

test("a Guild batch file", () => {
  const csv = "lr,bs,x\n0.1,16,[1:2:3]\n0.010,32,\n";
  const { text, points, left } = converted("runs/batch.csv", csv, { "batch.csv": csv });
  expect(text).toMatchInlineSnapshot(`
    "name = "batch"

    [run]
    # A batch file names no program: say what Guild's operation runs.
    command = ["python", "train.py", "\${args}"]

    [[runs]]
    from = "batch.csv" # 2 trials; the path starts from the directory of this file

    # Left out:
    # - line 2: x is [1:2:3], a range to Guild and a text here; write it under [grid]
    "
  `);
  expect(points).toEqual(['{"lr":0.1,"bs":16,"x":"[1:2:3]"}', '{"lr":0.01,"bs":32}']);
  expect(left).toHaveLength(1);
});

test("EXP's own file, in its order", () => {
  const { text, points, commands, sweep } = converted(
    "conf/Exp 1.toml",
    `[scheduler]
max_concurrent_experiments = 2
base_experiment_dir = "./experiments"
auto_restart_on_error = true
check_interval = 5

[[experiments]]
name = "b"
command = "python t.py --cost \${X} $Y"
tags = ["cnn"]
repeats = 2
max_retries = 1
cwd = "sub"
[experiments.environment]
OMP = 1
FLAG = true

[[experiments]]
name = "a"
command = "python t.py"
priority = 10
gpu_ids = [0, 1]
description = "first"
max_retries = 1
`,
  );
  expect(text).toMatchInlineSnapshot(`
    "name = "Exp-1"

    [limits]
    parallel = 2 # max_concurrent_experiments

    [retry]
    max = 1

    [[runs]]
    params = { name = "a", description = "first" }
    command = "python t.py"
    priority = 10
    resources = { gpus = 2 }

    [[runs]]
    params = { name = "b", repeat = 1 }
    command = "python t.py --cost $\${X} $$Y"
    tags = ["cnn"]
    run = { cwd = "/w/sub", env = { OMP = "1", FLAG = "True" } }

    [[runs]]
    params = { name = "b", repeat = 2 }
    command = "python t.py --cost $\${X} $$Y"
    tags = ["cnn"]
    run = { cwd = "/w/sub", env = { OMP = "1", FLAG = "True" } }

    # Left out:
    # - scheduler.base_experiment_dir (/w/experiments) has no effect: the coordinator keeps all results in one place
    # - scheduler.check_interval has no effect: nothing is polled
    # - gpu_ids asks for that many GPUs of one host; which ones, the scheduler decides
    "
  `);
  expect(points).toEqual(['{"name":"a","description":"first"}', '{"name":"b","repeat":1}', '{"name":"b","repeat":2}']);
  expect(commands).toContain('"python t.py --cost $${X} $$Y"');
  expect(sweep.sweep).toMatchObject({ name: "Exp-1", parallel: 2 });
  expect([...sweep.points].map(({ priority }) => priority)).toEqual([10, undefined, undefined]);
});

describe("refused", () => {
  test.each([
    ["s.toml", 'name = "a"\n', /^1:1 convert: a TOML file without \[scheduler\].*exp plan FILE/],
    ["s.toml", "name = \n", /spec\.syntax/],
    ["s.yaml", "a: 1\n", /^1:1 convert: it is not clear whose file this is \| say it by --from/],
    ["s.yaml", "- 1\n", /no map of keys/],
    ["s.yaml", "a: [1\nb: 2\n", /^[12]:\d+ convert: not valid YAML: /],
    ["s.yaml", "a: 1\na: 2\n", /^2:1 convert: not valid YAML: Map keys must be unique/],
    ["s.yaml", "parameters: {x: {value: 9007199254740993}}", /^1:25 convert: an integer beyond 2\^53/],
    ["s.yaml", "parameters: *x\n", /not valid YAML: |no anchor is called "x"/],
    ["s.csv", "a,b\n1\n", /^2:1\+1 spec\.trials: 1 fields/],
  ])("%s %j", (path, text, message) => expect(refusal(path, text)).toMatch(message));

  test("a kind that is named is taken at its word", () => {
    expect(refusal("stdin", "a,b\n1,2\n", "guild")).toMatch(/must end in \.csv \| rename it$/);
    expect(refusal("x.csv", "parameters: {a: {value: 1}}\nprogram: a.py\n", "wandb")).toContain("a = 1");
  });
});

describe("YAML", () => {
  test("aliases and merges", () => {
    const node = readYaml("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x\nd: {<<: [*x, {r: 4}]}\n");
    const plain = (value: unknown): unknown => {
      const map = value as { kind: string; entries: Map<string, unknown>; value: unknown };
      return map.kind === "map" ? Object.fromEntries([...map.entries].map(([k, v]) => [k, plain(v)])) : map.value;
    };
    expect(plain(node)).toEqual({
      a: { p: 1, q: 2 },
      b: { p: 1, q: 3 },
      c: { p: 1, q: 2 },
      d: { p: 1, q: 2, r: 4 },
    });
  });

  test("a bomb of aliases, deep nesting and odd keys end in one line each", () => {
    const bomb = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, i) => {
      return `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`;
    }).join("\n")}\n`;
    expect(readYaml(bomb)).toMatchObject({ message: "more than 100000 values" });
    expect(readYaml(`a: ${"[".repeat(70)}${"]".repeat(70)}`)).toMatchObject({ message: /deeper than 64/ });
    expect(readYaml("a: &x [*x]\n")).toHaveProperty("message");
    expect(readYaml("? [1, 2]\n: 3\n")).toMatchObject({ message: "a key that is no plain word" });
    expect(readYaml("__proto__: {a: 1}\n")).toMatchObject({ kind: "map" });
    expect(readYaml("")).toMatchObject({ kind: "scalar", value: null });
  });
});
