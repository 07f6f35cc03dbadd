/** Whatever stands in a file of another program, what is printed is a sound sweep file, or there is one clear refusal. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { convertFile } from "../../../shared/convert/convert.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { problemLine } from "../../helpers/spec-source.ts";

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "lr",
    "a.b",
    "seed",
    "args",
    "gpus",
    "run.id",
    "x y",
    "__proto__",
    "",
    "é",
    "${x}",
    "$",
    "#",
  ),
  fc.string({ maxLength: 6 }),
);
const scalar = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(0, 0.1, 1e-5, 2.5, 1e300, -1e-300, 1e16),
  fc.boolean(),
  fc.constant(null),
  word,
);
const { any } = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(word, tie("any"), { maxKeys: 3 }),
  ),
}));
const optional = (model: { [key: string]: fc.Arbitrary<unknown> }) => fc.record(model, { requiredKeys: [] });
const number = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(0, 0.1, 0.5, 1e-4, 1000, 1e-300));
const list = fc.oneof(fc.array(scalar, { maxLength: 4 }), any);

const DISTRIBUTIONS = [
  "uniform",
  "normal",
  "log_normal",
  "log_uniform",
  "log_uniform_values",
  "inv_log_uniform",
  "int_uniform",
];
const wandbParameter = optional({
  value: any,
  values: list,
  probabilities: fc.array(number, { maxLength: 4 }),
  min: number,
  max: number,
  q: number,
  mu: number,
  sigma: number,
  distribution: fc.constantFrom(...DISTRIBUTIONS, ...DISTRIBUTIONS.map((name) => `q_${name}`), "beta"),
});
const wandb = fc.record(
  {
    parameters: fc.dictionary(word, fc.oneof({ weight: 5, arbitrary: wandbParameter }, any), { maxKeys: 4 }),
    method: fc.constantFrom("grid", "random", "bayes", "x"),
    program: word,
    name: word,
    description: word,
    run_cap: number,
    metric: fc.oneof(optional({ name: word, goal: word, target: any }), any),
    command: fc.array(
      fc.oneof(word, fc.constantFrom("${env}", "${args}", "${args_json}", "${program}", "${envvar:HOME}")),
      { maxLength: 4 },
    ),
    early_terminate: optional({ type: fc.constant("hyperband"), min_iter: number, eta: number }),
  },
  { requiredKeys: ["parameters"] },
);

const hyperparameter = optional({
  type: fc.constantFrom("const", "int", "double", "log", "categorical", "x"),
  val: any,
  vals: list,
  minval: number,
  maxval: number,
  base: number,
  count: fc.integer({ min: -1, max: 4 }),
});
const determined = fc.record(
  {
    hyperparameters: fc.dictionary(word, fc.oneof({ weight: 5, arbitrary: hyperparameter }, any), { maxKeys: 4 }),
    name: word,
    labels: fc.array(word, { maxLength: 3 }),
    entrypoint: fc.oneof(word, fc.array(word, { maxLength: 3 })),
    searcher: optional({
      name: fc.constantFrom("grid", "random", "single", "asha", "adaptive_asha", "x"),
      metric: word,
      max_trials: number,
      max_concurrent_trials: number,
      divisor: number,
      max_rungs: number,
    }),
    resources: optional({ slots_per_trial: number, max_slots: number, priority: number }),
    max_restarts: number,
    environment: optional({
      environment_variables: fc.array(fc.oneof(word, fc.constantFrom("A=1", "EXP_X=1", "B=${x}")), { maxLength: 3 }),
    }),
    reproducibility: optional({ experiment_seed: number }),
  },
  { requiredKeys: ["hyperparameters"] },
);

/** What was found before. */
function found(name: string): [object][] {
  // A drawn list with a number that a program would take for an option.
  const a = { type: "categorical", vals: [[-1e-300]] };
  if (name === "Determined") return [[{ hyperparameters: { a } }]];
  // The same in a style that carries lists by itself.
  return [[{ parameters: { a: { value: [-1e-300] } }, command: ["${args_json}"] }]];
}

test.each([
  ["W&B", wandb],
  ["Determined", determined],
])("%s", (name, file) => {
  fc.assert(
    fc.property(file, (value) => {
      const text = JSON.stringify(value);
      const result = convertFile(
        { path: "f.yaml", text, directory: "/d", workingDirectory: "/d", home: "/h" },
        undefined,
      );
      if ("problem" in result) {
        expect(result.problem.place).toBeDefined();
        return;
      }
      const read = readSweep({ path: "sweep.toml", text: result.text, format: "toml", directory: "/d" });
      expect("problems" in read ? [result.text, ...read.problems.map(problemLine)] : []).toEqual([]);
    }),
    { numRuns: 400, examples: found(name) },
  );
});
