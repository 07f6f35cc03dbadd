/** W&B sweeps: every distribution, every macro, what is left out; and that our reader takes the result. */
import { describe, expect, test } from "vitest";
import { converted } from "./converted.ts";

const WHOLE = `
program: train.py
name: my sweep
project: vision
description: all of it
entity: team
method: bayes
metric: {name: val/loss, goal: minimize, target: 0.1}
run_cap: 8
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  epochs: {value: 10}
  momentum: {value: 1.0}
  batch: {values: [16, 32, 64], probabilities: [0.2, 0.5, 0.3]}
  opt: {parameters: {name: {value: adam}, betas: {values: [[0.9, 0.99], [0.8, 0.99]]}}}
early_terminate: {type: hyperband, min_iter: 3, s: 2}
controller: {type: local}
`;

test("a whole file", () => {
  const { text, sweep, points } = converted("wandb/sweep.yaml", WHOLE);
  expect(text).toMatchInlineSnapshot(`
    "name = "my-sweep"
    project = "vision"
    description = "all of it"

    [base]
    epochs = 10
    momentum = 1.0
    "opt.name" = "adam"

    [random]
    samples = 8 # run_cap
    # method: bayes has no counterpart; Sobol samples are spread evenly instead.
    method = "sobol"

    [random.space]
    lr = { loguniform = [1e-05, 0.1] }
    batch = { choice = [16, 32, 64], weights = [0.2, 0.5, 0.3] }
    "opt.betas" = { choice = [[0.9, 0.99], [0.8, 0.99]] }

    [run]
    command = ["python", "train.py", "\${args}"]
    args = "flags=" # as W&B, but for true and false, which it writes as True and False
    bool = "value"

    [objective]
    metric = "val/loss"
    goal = "minimize"
    target = 0.1

    [stop]
    policy = "asha" # for W&B's hyperband
    min_steps = 3 # min_iter counted calls of wandb.log
    divisor = 3 # eta

    # Left out:
    # - the name "my sweep": names here are letters, digits, ".", "_" and "-"
    # - early_terminate.s: 2
    # - entity: team
    # - controller: {type: local}
    "
  `);
  expect(points).toHaveLength(8);
  expect(points[0]).toMatch(/"epochs":10,"momentum":1\.0,"opt\.name":"adam"/);
  expect(sweep.sweep).toMatchObject({ name: "my-sweep", project: "vision", objective: { goal: "minimize" } });
});

/** One parameter, by W&B's YAML, in `[random.space]` or as an axis. */
function parameter(method: string, yaml: string): string {
  const { text } = converted("s.yaml", `method: ${method}\nrun_cap: 3\nparameters:\n  x: ${yaml}\n`);
  return /^x = (.*)$/m.exec(text)?.[1] ?? `left out: ${text.split("# Left out:")[1]?.trim()}`;
}

test.each([
  ["{min: 1, max: 5}", "{ int = [1, 5] }"],
  ["{min: 0, max: 0.5}", "{ uniform = [0, 0.5] }"],
  ["{min: 1.0, max: 5}", "{ uniform = [1.0, 5] }"],
  ["{distribution: int_uniform, min: 1, max: 5}", "{ int = [1, 5] }"],
  ["{distribution: uniform, min: 1, max: 5}", "{ uniform = [1, 5] }"],
  ["{distribution: q_uniform, min: 0, max: 1, q: 0.1}", "{ uniform = [0, 1], step = 0.1 }"],
  ["{distribution: q_uniform, min: 0, max: 10, q: 2}", "{ int = [0, 10], step = 2 }"],
  ["{distribution: q_uniform, min: 0.05, max: 1, q: 0.1}", /steps begin at the lower bound$/],
  ["{distribution: log_uniform_values, min: 1e-5, max: 0.1}", "{ loguniform = [1e-05, 0.1] }"],
  ["{distribution: inv_log_uniform_values, min: 1e-5, max: 0.1}", "{ loguniform = [1e-05, 0.1] }"],
  ["{distribution: log_uniform, min: 0, max: 1}", "{ loguniform = [1.0, 2.71828182846] } # e^0 to e^1"],
  [
    "{distribution: inv_log_uniform, min: 0, max: 1}",
    /^\{ loguniform = \[0\.367879441171, 1\.0\] \} # e\^0 to e\^1, inverse$/,
  ],
  ["{distribution: q_log_uniform_values, min: 8, max: 256, q: 8}", "{ logint = [8, 256], step = 8 }"],
  ["{distribution: q_log_uniform_values, min: 0.5, max: 4, q: 0.5}", "{ loguniform = [0.5, 4], step = 0.5 }"],
  ["{distribution: normal, mu: 3, sigma: 0.5}", "{ normal = [3, 0.5] }"],
  ["{distribution: normal}", "{ normal = [0.0, 1.0] }"],
  ["{distribution: q_normal, q: 0.25}", "{ normal = [0.0, 1.0], step = 0.25 }"],
  ["{distribution: log_normal, mu: 1}", "{ lognormal = [1, 1.0] }"],
  ["{distribution: q_log_normal, q: 1}", "{ lognormal = [0.0, 1.0], step = 1 }"],
  ["{distribution: categorical, values: [a, b]}", '{ choice = ["a", "b"] }'],
  ["{values: [1, 1.5, yes, y, 1e-3]}", '{ choice = [1, 1.5, true, "y", 0.001] }'],
  ["{values: [a, null]}", '{ choice = ["a"] }'],
  ["{distribution: beta, a: 1, b: 2}", /^left out: .*the parameter x: \{distribution: beta, a: 1, b: 2\}/],
])("random %s", (yaml, expected) => {
  if (typeof expected === "string") expect(parameter("random", yaml)).toBe(expected);
  else expect(parameter("random", yaml)).toMatch(expected);
});

test.each([
  ["{values: [1, 2, 1.0]}", "[1, 2]"],
  ["{min: 1, max: 3}", "{ range = [1, 4] }"],
  ["{distribution: q_uniform, min: 0, max: 10, q: 5}", "{ range = [0, 11, 5] }"],
  ["{distribution: q_uniform, min: 0, max: 1, q: 0.25}", "{ linspace = [0, 1.0, 5] }"],
  ["{distribution: q_uniform, min: 0, max: 1, q: 0.3}", "{ linspace = [0, 0.9, 4] }"],
])("grid %s", (yaml, expected) => expect(parameter("grid", yaml)).toBe(expected));

test("null, bad names, a cap of a grid", () => {
  const text =
    "method: grid\nprogram: a.py\nrun_cap: 2\nparameters:\n  a: {value: null}\n  'b c': {value: 1}\n  d: {values: [1, 2, 3]}\n";
  const { left, points } = converted("s.yaml", text);
  expect(left).toEqual(["the parameter a: {value: null}", 'the parameter "b c": "b c" cannot be a parameter\'s name']);
  expect(points).toEqual(['{"d":1}', '{"d":2}']);
});

describe("commands", () => {
  const command = (yaml: string) => {
    const head = "method: grid\nprogram: src/train.py\nparameters: {a: {values: [1]}}\n";
    const { text, sweep, left } = converted("s.yaml", `${head}${yaml}`);
    const { command: words, args, argsOptions } = sweep.shapes[0]?.template ?? {};
    return { words, args, bool: argsOptions?.bool, left, text };
  };

  test("W&B's own, without env", () => {
    expect(command("")).toMatchObject({ words: ["python", "src/train.py", "${args}"], args: "flags=", bool: "value" });
  });

  test.each([
    ["args_no_boolean_flags", "flags=", "presence"],
    ["args_no_hyphens", "kv", undefined],
    ["args_append_hydra", "hydra+", undefined],
    ["args_override_hydra", "hydra++", undefined],
    ["args_json", "json", undefined],
    ["args_json_file", "file:params.json", undefined],
  ])("${%s}", (macro, args, bool) => {
    const made = command(`command: ["\${env}", python3, "\${program}", "\${${macro}}"]`);
    expect(made).toMatchObject({ words: ["python3", "src/train.py", "${args}"], args, bool, left: [] });
  });

  test("text that is no macro stays as it is, and two styles are one", () => {
    const made = command('command: [sh, -c, "echo $HOME ${x}", "${args_json}", "${args}", "${envvar:CUDA_HOME}"]');
    expect(made.words).toEqual(["sh", "-c", "echo $$HOME $${x}", "${args}", "${args}", "${env.CUDA_HOME}"]);
    expect(made).toMatchObject({ args: "json" });
    expect(made.left).toEqual([
      "${args} in the command: it has one style of arguments, ${args_json}",
      "${x} in the command, which is no macro of W&B; it is passed as it stands",
    ]);
  });
});

test("a search without an end is given one, and says so", () => {
  const { text, points } = converted(
    "s.yaml",
    "program: a.py\nmethod: random\nparameters: {a: {min: 0.0, max: 1.0}}\n",
  );
  expect(points).toHaveLength(20);
  expect(text).toContain("# W&B goes on until the sweep is stopped, as there is no run_cap");
});
