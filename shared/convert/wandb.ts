/** [P] A W&B sweep file (YAML) as ours. Its parameters are in wandb-parameters.ts. */
import { RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { escapeTemplate } from "../spec/placeholders.ts";
import type { ParamValue } from "../spec/types.ts";
import { addNames, type Converted, type ForeignFile } from "./conversion.ts";
import { SweepDraft } from "./sweep-writer.ts";
import { addWandbParameters, type WandbMethod } from "./wandb-parameters.ts";
import { fieldOf, integerOf, mapOf, numberValue, plainNumber, shown, textOf } from "./yaml-fields.ts";
import { paramOf, type YamlMap } from "./yaml-reader.ts";

/** What W&B itself sets: a run goes on until somebody stops the sweep. */
const SAMPLES = 20;
/** More than our language takes unasked would need `[limits] runs`. */
const SAMPLES_MAX = 100_000;

const KNOWN = [
  "program",
  "method",
  "parameters",
  "metric",
  "name",
  "description",
  "project",
  "command",
  "run_cap",
  "early_terminate",
];

export function isWandb(root: YamlMap): boolean {
  return mapOf(fieldOf(root, "parameters")) !== undefined && fieldOf(root, "hyperparameters") === undefined;
}

export function convertWandb(file: ForeignFile, root: YamlMap): Converted {
  const draft = new SweepDraft();
  addNames(draft, file, root);
  const method = methodOf(draft, root);
  // First: how lists are carried is a question of its style.
  addCommand(draft, root);
  addWandbParameters(draft, method, mapOf(fieldOf(root, "parameters")), "");
  addSamples(draft, method, integerOf(fieldOf(root, "run_cap")));
  addObjective(draft, mapOf(fieldOf(root, "metric")));
  addStop(draft, mapOf(fieldOf(root, "early_terminate")));
  for (const [key, node] of root.entries) {
    if (!KNOWN.includes(key)) draft.leave(`${key}: ${shown(node)}`);
  }
  return { text: draft.text(`Made by exp convert from a W&B sweep, ${file.path}.`), left: draft.left };
}

function methodOf(draft: SweepDraft, root: YamlMap): WandbMethod {
  const method = textOf(fieldOf(root, "method"));
  if (method === "grid" || method === "random" || method === "bayes") return method;
  draft.leave(`the method ${JSON.stringify(method ?? "")}; samples are drawn at random`);
  return "random";
}

function addSamples(draft: SweepDraft, method: WandbMethod, cap: number | undefined): void {
  if (!draft.has("random.space")) {
    if (cap !== undefined && cap > 0) draft.table("limits").set("runs", Math.min(cap, RUNS_PER_SWEEP_MAX), "run_cap");
    return;
  }
  const random = draft.table("random");
  if (cap === undefined || cap < 1) {
    random.comment(
      "W&B goes on until the sweep is stopped, as there is no run_cap: say how many samples there shall be.",
    );
    random.set("samples", SAMPLES);
  } else {
    random.set("samples", Math.min(cap, SAMPLES_MAX), "run_cap");
  }
  if (method !== "bayes") return;
  random.comment("method: bayes has no counterpart; Sobol samples are spread evenly instead.");
  random.set("method", "sobol");
}

/** Styles of `${args}` by W&B's macros. */
const ARGS: { readonly [macro: string]: { readonly args: string; readonly bool?: string; readonly comment?: string } } =
  {
    args: {
      args: "flags=",
      bool: "value",
      comment: "as W&B, but for true and false, which it writes as True and False",
    },
    args_no_boolean_flags: { args: "flags=", bool: "presence" },
    args_no_hyphens: { args: "kv", comment: "as W&B, but for true and false, which it writes as True and False" },
    args_append_hydra: { args: "hydra+" },
    args_override_hydra: { args: "hydra++" },
    args_json: { args: "json" },
    args_json_file: { args: "file:params.json" },
  };

const DEFAULT_COMMAND = ["${env}", "${interpreter}", "${program}", "${args}"];

function addCommand(draft: SweepDraft, root: YamlMap): void {
  const run = draft.table("run");
  const program = textOf(fieldOf(root, "program"));
  const node = fieldOf(root, "command");
  const words = node?.kind === "list" ? node.items.map(shown) : node ? shown(node).split(/\s+/) : DEFAULT_COMMAND;
  if (program === undefined && words.some((word) => word.includes("${program}"))) {
    run.comment("The W&B file names no program.");
  }
  const macros = words.flatMap((word) => Array.from(word.matchAll(MACRO), ([, name = ""]) => name));
  const [first, ...others] = new Set(macros.filter((name) => Object.hasOwn(ARGS, name)));
  for (const other of others) draft.leave(`\${${other}} in the command: it has one style of arguments, \${${first}}`);
  const command = words
    .filter((word) => word !== "${env}")
    .map((word) => templateOf(draft, word, program ?? "train.py"));
  run.set("command", command as ParamValue);
  if (!draft.hasKey("run", "command")) run.set("command", ["python", "train.py", "${args}"]);
  const style = first === undefined ? undefined : ARGS[first];
  if (!style) return;
  run.set("args", style.args, style.comment);
  if (style.bool !== undefined) run.set("bool", style.bool);
}

const MACRO = /\$\{([^{}]*)\}/g;

/** A word of W&B's command with our placeholders; what is none of its macros stays text. */
function templateOf(draft: SweepDraft, word: string, program: string): string {
  let text = "";
  let at = 0;
  for (const match of word.matchAll(MACRO)) {
    text += escapeTemplate(word.slice(at, match.index));
    text += macroText(draft, match[1] ?? "", match[0], program);
    at = match.index + match[0].length;
  }
  return text + escapeTemplate(word.slice(at));
}

function macroText(draft: SweepDraft, name: string, raw: string, program: string): string {
  if (name === "env") return "/usr/bin/env";
  if (name === "interpreter") return "python";
  if (name === "program") return escapeTemplate(program);
  if (Object.hasOwn(ARGS, name)) return "${args}";
  const variable = /^envvar:([A-Za-z_]\w*)$/.exec(name)?.[1];
  if (variable !== undefined) return `\${env.${variable}}`;
  draft.leave(`${raw} in the command, which is no macro of W&B; it is passed as it stands`);
  return escapeTemplate(raw);
}

function addObjective(draft: SweepDraft, metric: YamlMap | undefined): void {
  const name = textOf(fieldOf(metric, "name"));
  if (name === undefined) return;
  const objective = draft.table("objective");
  objective.set("metric", name);
  objective.set("goal", textOf(fieldOf(metric, "goal")) === "maximize" ? "maximize" : "minimize");
  const target = numberValue(fieldOf(metric, "target"));
  if (target !== undefined) objective.set("target", target);
}

function addStop(draft: SweepDraft, early: YamlMap | undefined): void {
  if (!early) return;
  const type = textOf(fieldOf(early, "type"));
  // Runs are compared by the metric.
  if (type !== "hyperband" || !draft.has("objective")) {
    draft.leave(`early_terminate: ${shown(early)}`);
    return;
  }
  const stop = draft.table("stop");
  stop.set("policy", "asha", "for W&B's hyperband");
  const least = integerOf(fieldOf(early, "min_iter"));
  if (least !== undefined && least >= 1) stop.set("min_steps", least, "min_iter counted calls of wandb.log");
  const eta = plainNumber(numberValue(fieldOf(early, "eta"))) ?? 3;
  stop.set("divisor", Math.max(2, Math.round(eta)), "eta");
  for (const key of ["max_iter", "s", "strict"]) {
    const node = fieldOf(early, key);
    if (node && paramOf(node) !== undefined) draft.leave(`early_terminate.${key}: ${shown(node)}`);
  }
}
