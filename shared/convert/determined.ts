/** [P] A Determined experiment configuration (YAML) as ours. Its hyperparameters are in determined-parameters.ts. */
import { imageProblem } from "../spec/image.ts";
import { escapeTemplate } from "../spec/placeholders.ts";
import { templateIssues } from "../spec/template-check.ts";
import type { ParamValue } from "../spec/types.ts";
import { addNames, type Converted, type ForeignFile } from "./conversion.ts";
import { addLogPolicies } from "./determined-log-policies.ts";
import { addHyperparameters } from "./determined-parameters.ts";
import { SweepDraft } from "./sweep-writer.ts";
import { fieldOf, integerOf, mapOf, numberValue, plainNumber, shown, textOf } from "./yaml-fields.ts";
import { paramOf, type YamlMap, type YamlNode } from "./yaml-reader.ts";

/** Determined's own defaults. */
const MAX_RESTARTS = 5;
const PRIORITY = 42;
const SLOTS = 1;
const DIVISOR = 4;
/** Trials where a searcher does not say how many. */
const SAMPLES = 20;

const KNOWN = [
  "name",
  "description",
  "project",
  "labels",
  "entrypoint",
  "hyperparameters",
  "searcher",
  "resources",
  "max_restarts",
  "log_policies",
  "environment",
  "reproducibility",
];

export function isDetermined(root: YamlMap): boolean {
  return ["hyperparameters", "searcher", "entrypoint"].some((key) => fieldOf(root, key) !== undefined);
}

export function convertDetermined(file: ForeignFile, root: YamlMap): Converted {
  const draft = new SweepDraft();
  addSettings(draft, file, root);
  const searcher = mapOf(fieldOf(root, "searcher"));
  const resources = mapOf(fieldOf(root, "resources"));
  const method = textOf(fieldOf(searcher, "name")) ?? "single";
  addHyperparameters(draft, method === "grid", mapOf(fieldOf(root, "hyperparameters")), "");
  addCommand(draft, fieldOf(root, "entrypoint"), mapOf(fieldOf(root, "environment")), slotsOf(resources) > 0);
  addSearcher(draft, method, searcher, integerOf(fieldOf(mapOf(fieldOf(root, "reproducibility")), "experiment_seed")));
  addResources(draft, resources, integerOf(fieldOf(searcher, "max_concurrent_trials")));
  const restarts = integerOf(fieldOf(root, "max_restarts"));
  draft.table("retry").set("max", restarts ?? MAX_RESTARTS, restarts === undefined ? "Determined's default" : "");
  addLogPolicies(draft, fieldOf(root, "log_policies"));
  for (const [key, node] of root.entries) {
    if (!KNOWN.includes(key)) draft.leave(`${key}: ${shown(node)}`);
  }
  const origin = `Made by exp convert from a Determined experiment, ${file.path}.`;
  return { text: draft.text(origin), left: draft.left };
}

function addSettings(draft: SweepDraft, file: ForeignFile, root: YamlMap): void {
  addNames(draft, file, root);
  const labels = fieldOf(root, "labels");
  const tags = labels?.kind === "list" ? labels.items.map(textOf).filter((tag) => tag !== undefined) : [];
  if (tags.length > 0) draft.top.set("tags", tags);
  const priority = integerOf(fieldOf(mapOf(fieldOf(root, "resources")), "priority"));
  if (priority !== undefined) {
    draft.top.set(
      "priority",
      PRIORITY - priority,
      `Determined's ${priority}, where less is more and ${PRIORITY} is usual`,
    );
  }
}

function addCommand(
  draft: SweepDraft,
  entrypoint: YamlNode | undefined,
  environment: YamlMap | undefined,
  usesGpus: boolean,
): void {
  const run = draft.table("run");
  run.comment(
    "Determined hands hyperparameters to det.get_cluster_info(); here they are flags, and in the file $EXP_CONFIG.",
  );
  run.set("command", commandOf(draft, entrypoint));
  if (!draft.hasKey("run", "command")) run.set("command", ["python", "train.py", "${args}"]);
  const variables = variablesOf(fieldOf(environment, "environment_variables"));
  if (variables.length > 0)
    run.set("env", Object.fromEntries(variables.map(([key, value]) => [key, escapeTemplate(value)])));
  const image = imageOf(fieldOf(environment, "image"), usesGpus);
  if (image !== undefined) run.set("image", escapeTemplate(image));
  for (const [key, node] of environment?.entries ?? []) {
    if (key === "environment_variables" || (key === "image" && image !== undefined)) continue;
    draft.leave(`environment.${key}: ${shown(node)}`);
  }
}

/** One image, or one for each kind of device. */
function imageOf(node: YamlNode | undefined, usesGpus: boolean): string | undefined {
  const kinds = usesGpus ? ["cuda", "gpu", "rocm"] : ["cpu"];
  const one =
    node?.kind === "map" ? kinds.map((kind) => fieldOf(node, kind)).find((field) => field !== undefined) : node;
  const image = textOf(one);
  return image === undefined || imageProblem(image) ? undefined : image;
}

function commandOf(draft: SweepDraft, entrypoint: YamlNode | undefined): ParamValue {
  if (entrypoint?.kind === "list") return [...entrypoint.items.map((word) => escapeTemplate(shown(word))), "${args}"];
  const text = textOf(entrypoint);
  if (text !== undefined && !/^[\w.]+:\w+$/.test(text)) {
    const command = escapeTemplate(text.trim());
    const isSafe = templateIssues(`${command} \${args}`, "shell", new Set()).length === 0;
    if (!isSafe) draft.leave("hyperparameters as flags: the entrypoint has no safe place for them at its end");
    return isSafe ? `${command} \${args}` : command;
  }
  draft.leave(
    text === undefined
      ? "the file has no entrypoint: say what to run"
      : `the trial class ${text}, which Determined's harness runs: write a script that trains it`,
  );
  return ["python", `${text?.split(":")[0]?.replaceAll(".", "/") ?? "train"}.py`, "${args}"];
}

/** A list of `K=V`, or such lists for each kind of device. */
function variablesOf(node: YamlNode | undefined): [string, string][] {
  const list = node?.kind === "map" ? fieldOf(node, "cuda") : node;
  if (list?.kind !== "list") return [];
  return list.items.flatMap((item): [string, string][] => {
    const [, key, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(textOf(item) ?? "") ?? [];
    return key === undefined || key.startsWith("EXP_") ? [] : [[key, value ?? ""]];
  });
}

function addSearcher(draft: SweepDraft, method: string, searcher: YamlMap | undefined, seed: number | undefined): void {
  const trials = integerOf(fieldOf(searcher, "max_trials"));
  if (draft.has("random.space")) {
    const random = draft.table("random");
    random.set(
      "samples",
      method === "single" ? 1 : Math.max(1, trials ?? SAMPLES),
      trials === undefined ? "" : "max_trials",
    );
    if (seed !== undefined && seed >= 0) random.set("seed", seed, "experiment_seed");
  }
  const isHalving = /asha|halving|adaptive/.test(method);
  if (isHalving && textOf(fieldOf(searcher, "metric")) !== undefined) {
    const stop = draft.table("stop");
    stop.set("policy", "asha", method === "asha" ? "" : `for ${method}`);
    stop.set("divisor", Math.max(2, Math.round(plainNumber(numberValue(fieldOf(searcher, "divisor"))) ?? DIVISOR)));
    const rungs = integerOf(fieldOf(searcher, "max_rungs"));
    if (rungs !== undefined && rungs >= 1) stop.set("rungs", rungs);
  } else if (isHalving) {
    draft.leave(`the searcher ${JSON.stringify(method)}: there is no metric to compare trials by`);
  } else if (!["single", "random", "grid"].includes(method)) {
    draft.leave(`the searcher ${JSON.stringify(method)}; samples are drawn at random`);
  }
  const metric = textOf(fieldOf(searcher, "metric"));
  if (metric !== undefined) {
    const smaller = fieldOf(searcher, "smaller_is_better");
    const isSmaller = smaller?.kind !== "scalar" || smaller.value !== false;
    draft
      .table("objective")
      .set("metric", metric)
      .set("goal", isSmaller ? "minimize" : "maximize");
  }
  for (const [key, node] of searcher?.entries ?? []) {
    const isKnown = ["name", "metric", "smaller_is_better", "max_trials", "max_concurrent_trials"].includes(key);
    if (!isKnown && !(isHalving && ["divisor", "max_rungs"].includes(key)))
      draft.leave(`searcher.${key}: ${shown(node)}`);
  }
}

function slotsOf(resources: YamlMap | undefined): number {
  return Math.max(0, integerOf(fieldOf(resources, "slots_per_trial")) ?? SLOTS);
}

function addResources(draft: SweepDraft, resources: YamlMap | undefined, concurrent: number | undefined): void {
  const slots = slotsOf(resources);
  draft
    .table("resources")
    .set("gpus", slots, fieldOf(resources, "slots_per_trial") ? "slots_per_trial" : "Determined's default");
  const maxSlots = integerOf(fieldOf(resources, "max_slots"));
  const bySlots = maxSlots === undefined || slots === 0 ? undefined : Math.max(1, Math.floor(maxSlots / slots));
  const byTrials = concurrent === undefined || concurrent < 1 ? undefined : concurrent;
  const parallel = Math.min(bySlots ?? Number.POSITIVE_INFINITY, byTrials ?? Number.POSITIVE_INFINITY);
  if (Number.isFinite(parallel)) {
    draft.table("limits").set("parallel", parallel, parallel === byTrials ? "max_concurrent_trials" : "max_slots");
  }
  for (const [key, node] of resources?.entries ?? []) {
    if (paramOf(node) === undefined || ["slots_per_trial", "max_slots", "priority"].includes(key)) continue;
    draft.leave(`resources.${key}: ${shown(node)}`);
  }
}
