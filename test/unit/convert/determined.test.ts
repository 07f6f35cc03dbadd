/** Determined experiments: searchers, hyperparameters, resources. */
import { expect, test } from "vitest";
import { converted } from "./converted.ts";

test("a grid, as Determined counts it", () => {
  const { text, points, commands } = converted(
    "exp/grid.yaml",
    `name: mnist_grid
labels: [a, b]
project: p
workspace: w
entrypoint: python3 train.py --data $HOME/x
hyperparameters:
  global_batch_size: 64
  lr: {type: log, base: 10, minval: -4, maxval: -1, count: 4}
  drop: {type: double, minval: 0.2, maxval: 0.8, count: 4}
  n: {type: int, minval: 8, maxval: 64, count: 3}
  few: {type: int, minval: 1, maxval: 2, count: 9}
  mid: {type: double, minval: 0, maxval: 1, count: 1}
  opt: {type: categorical, vals: [adam, sgd]}
  nest: {a: 1, b: {type: const, val: x}}
searcher: {name: grid, metric: loss, max_length: {batches: 100}, max_concurrent_trials: 8}
resources: {slots_per_trial: 4, max_slots: 8, priority: 50, resource_pool: a100}
environment: {image: x/y:1, environment_variables: ["A=1", "B=$x"], force_pull_image: true}
`,
  );
  expect(text).toMatchInlineSnapshot(`
    "name = "mnist_grid"
    project = "p"
    tags = ["a", "b"]
    priority = -8 # Determined's 50, where less is more and 42 is usual

    [base]
    global_batch_size = 64
    "nest.a" = 1
    "nest.b" = "x"

    [grid]
    lr = { logspace = [0.0001, 0.1, 4] } # 10^-4 to 10^-1
    drop = { linspace = [0.2, 0.8, 4] }
    n = [8, 36, 64]
    few = [1, 2]
    mid = [0.5]
    opt = ["adam", "sgd"]

    [run]
    # Determined hands hyperparameters to det.get_cluster_info(); here they are flags, and in the file $EXP_CONFIG.
    command = "python3 train.py --data $$HOME/x \${args}"
    env = { A = "1", B = "$$x" }
    image = "x/y:1"

    [resources]
    gpus = 4 # slots_per_trial

    [limits]
    parallel = 2 # max_slots

    [retry]
    max = 5 # Determined's default

    [objective]
    metric = "loss"
    goal = "minimize"

    # Left out:
    # - environment.force_pull_image: true
    # - searcher.max_length: {batches: 100}
    # - resources.resource_pool: a100
    # - workspace: w
    "
  `);
  expect(points).toHaveLength(4 * 4 * 3 * 2 * 1 * 2);
  expect(points[0]).toBe(
    '{"global_batch_size":64,"nest.a":1,"nest.b":"x","lr":0.0001,"drop":0.2,"n":8,"few":1,"mid":0.5,"opt":"adam"}',
  );
  expect(commands).toEqual(['"python3 train.py --data $$HOME/x ${args}"']);
});

test("a search", () => {
  const { text, points, left } = converted(
    "e.yml",
    `entrypoint: [python3, -m, train, "--x=$Y"]
hyperparameters:
  lr: {type: log, base: 2, minval: -3, maxval: 3.5}
  wd: {type: double, minval: 0.0, maxval: 0.1}
  n: {type: int, minval: 1, maxval: 9}
  act: {type: categorical, vals: [relu, null]}
  bad: {type: spline}
searcher: {name: adaptive_asha, metric: acc, smaller_is_better: false, max_trials: 12, divisor: 3, max_rungs: 4, mode: standard}
max_restarts: 0
reproducibility: {experiment_seed: 7}
`,
  );
  expect(text).toMatchInlineSnapshot(`
    "name = "e"

    [random]
    samples = 12 # max_trials
    seed = 7 # experiment_seed

    [random.space]
    lr = { loguniform = [0.125, 11.313708499] } # 2^-3 to 2^3.5
    wd = { uniform = [0.0, 0.1] }
    n = { int = [1, 9] }
    act = { choice = ["relu"] }

    [run]
    # Determined hands hyperparameters to det.get_cluster_info(); here they are flags, and in the file $EXP_CONFIG.
    command = ["python3", "-m", "train", "--x=$$Y", "\${args}"]

    [resources]
    gpus = 1 # Determined's default

    [retry]
    max = 0

    [objective]
    metric = "acc"
    goal = "maximize"

    [stop]
    policy = "asha" # for adaptive_asha
    divisor = 3
    rungs = 4

    # Left out:
    # - act: null among its values
    # - the hyperparameter bad: {type: spline}
    # - searcher.mode: standard
    "
  `);
  expect(points).toHaveLength(12);
  expect(left).toEqual([
    "act: null among its values",
    "the hyperparameter bad: {type: spline}",
    "searcher.mode: standard",
  ]);
});

test("a trial class and a missing entrypoint are said", () => {
  const trial = converted("e.yaml", "entrypoint: model_def:MnistTrial\nhyperparameters: {a: 1}\n");
  expect(trial.commands).toEqual(['["python","model_def.py","${args}"]']);
  expect(trial.left[0]).toMatch(/^the trial class model_def:MnistTrial/);
  expect(converted("e.yaml", "searcher: {name: custom}\n").left).toEqual([
    "the file has no entrypoint: say what to run",
    'the searcher "custom"; samples are drawn at random',
  ]);
});

const POLICIES: readonly (readonly [policies: string, retry: string, left: readonly string[]])[] = [
  [
    '[{pattern: ".*CUDA out of memory.*", action: {type: cancel_retries}}]',
    'never = ["log:CUDA out of memory"] # cancel_retries',
    [],
  ],
  [
    '[{name: oom, pattern: "NCCL.*timeout", action: cancel_retries}]',
    'never = ["log:NCCL.*timeout"] # cancel_retries',
    [],
  ],
  [
    String.raw`[{pattern: '.*uncorrectable ECC \[0\]\.', action: {type: exclude_node}}]`,
    "avoid_node = true # exclude_node; here after every failure, whatever the output says",
    [],
  ],
  [
    '[{pattern: "loss is (nan|inf)", action: cancel_retries}, {pattern: "a.b", action: exclude_node}]',
    "",
    [
      "log_policies: {pattern: loss is (nan|inf), action: cancel_retries}, which is no text with gaps",
      "log_policies: {pattern: a.b, action: exclude_node}, which is no text with gaps",
    ],
  ],
  [
    String.raw`[{pattern: 'a\.\*b', action: cancel_retries}]`,
    "",
    [String.raw`log_policies: {pattern: a\.\*b, action: cancel_retries}, which is no text with gaps`],
  ],
  [
    String.raw`[{pattern: '^\d+', action: cancel_retries}]`,
    "",
    [String.raw`log_policies: {pattern: ^\d+, action: cancel_retries}, which is no text with gaps`],
  ],
  [
    '[{pattern: ".*", action: cancel_retries}]',
    "",
    ["log_policies: {pattern: .*, action: cancel_retries}, which is no text with gaps"],
  ],
  ["[{pattern: x, action: webhook}]", "", ["log_policies: {pattern: x, action: webhook}"]],
  ["x", "", ["log_policies: x"]],
];

test.each(POLICIES)("log_policies: %s", (policies, retry, left) => {
  const file = `name: a\nentrypoint: python train.py\nsearcher: {name: single, metric: loss}\nmax_restarts: 2\nlog_policies: ${policies}\n`;
  const made = converted("a.yaml", file);
  expect(/\[retry\]\nmax = 2\n?([^\n]*)/.exec(made.text)?.[1]).toBe(retry);
  expect(made.left).toEqual(left);
});

test.each([
  ["{image: a/b:1}", 1, 'image = "a/b:1"'],
  ["{image: {cpu: c, cuda: g}}", 1, 'image = "g"'],
  ["{image: {cpu: c, gpu: g}}", 2, 'image = "g"'],
  ["{image: {cpu: c, cuda: g}}", 0, 'image = "c"'],
  ["{image: {cpu: c}}", 1, "# - environment.image: {cpu: c}"],
  ["{image: 'a b'}", 1, "# - environment.image: a b"],
])("environment: %s with %d slots", (environment, slots, line) => {
  const resources = `resources: {slots_per_trial: ${slots}}`;
  const { text } = converted("e.yaml", `entrypoint: python3 t.py\n${resources}\nenvironment: ${environment}\n`);
  expect(text).toContain(line);
});
