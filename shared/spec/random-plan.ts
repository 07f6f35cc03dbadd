/** `[random]`: what each sampled parameter is drawn from, how, and how often. */

import { suggest } from "../kernel/suggest.ts";
import {
  createDistribution,
  DISTRIBUTION_KINDS,
  type Distribution,
  type DistributionKind,
} from "../sampling/distribution.ts";
import { createSampler, type Sampler, type SamplingMethod, samplerProblem } from "../sampling/sampler.ts";
import { isDistribution } from "./extends.ts";
import { type Leaf, leavesOf } from "./leaves.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { readParamValue, readParamValues } from "./param-value.ts";
import { didYouMean } from "./problems.ts";
import { addFinding, excerpt, keySpan, type Report, wrongType, wrongValue } from "./report.ts";
import { SECTION_KEYS } from "./sweep-keys.ts";
import { readTable, type TableOf } from "./table-reader.ts";
import type { ParamValue } from "./types.ts";

/** `[random]` as one level of the file has it. */
export interface RandomTable {
  readonly node: SpecNode;
  readonly label: string;
  readonly options: Omit<TableOf<typeof SECTION_KEYS.random>, "space">;
  readonly space: readonly Leaf[];
}

/** A complete `[random]`. Shared by the variants that have the same one, so that no sample is drawn for two of them. */
export interface RandomPlan {
  readonly leaves: readonly Leaf[];
  readonly samples: number;
  readonly isShared: boolean;
  readonly sampler: Sampler;
}

export function readRandomTable(report: Report, node: SpecNode | undefined, label: string): RandomTable | undefined {
  if (!node || kindOf(node.raw) !== "table") {
    if (node) wrongType(report, node, label, "a table");
    return undefined;
  }
  const { space: _, ...options } = readTable(report, node, label, SECTION_KEYS.random);
  const space = leavesOf(report, childOf(node, "space"), `[${label}.space]`, `${label}.space`, isDistributionLike);
  return { node, label, options, space };
}

/** The table of a variant over that of the whole file. */
export function mergeRandom(
  outer: RandomTable | undefined,
  own: RandomTable | undefined,
  taken: ReadonlySet<string>,
): RandomTable | undefined {
  if (!outer) return own;
  const ownNames = new Map(own?.space.map((leaf) => [leaf.name, leaf]));
  const kept = outer.space.flatMap((leaf) => {
    const mine = ownNames.get(leaf.name);
    if (mine) ownNames.delete(leaf.name);
    return mine ? [mine] : taken.has(leaf.name) ? [] : [leaf];
  });
  if (!own && kept.length === outer.space.length) return outer;
  const space = [...kept, ...ownNames.values()];
  if (space.length === 0) return undefined;
  return {
    node: own?.node ?? outer.node,
    label: own?.label ?? outer.label,
    options: { ...outer.options, ...own?.options },
    space,
  };
}

/** What to draw from; undefined, and findings, where something is missing or wrong. */
export function planRandom(report: Report, table: RandomTable): RandomPlan | undefined {
  const { options, space, node, label } = table;
  const missing = (what: string, hint: string) =>
    addFinding(report, { id: "spec.missing", message: `[${label}] has no ${what}`, span: keySpan(node), hint });
  if (options.samples === undefined && !childOf(node, "samples")) missing("samples", "add samples = 20");
  if (space.length === 0 && !childOf(node, "space")) {
    missing("space", "add [random.space] with lines such as lr = { loguniform = [1e-5, 1e-2] }");
  } else if (space.length === 0) {
    missing("parameter in its space", "add a line such as lr = { loguniform = [1e-5, 1e-2] }");
  }
  const distributions = new Map<string, Distribution>();
  for (const leaf of space) {
    const distribution = readDistribution(report, leaf);
    if (distribution) distributions.set(leaf.name, distribution);
  }
  const method: SamplingMethod = options.method ?? "random";
  const problem = samplerProblem(method, space.length);
  if (problem !== undefined) wrongValue(report, childOf(node, "method") ?? node, problem, 'write method = "random"');
  const { samples } = options;
  if (samples === undefined || problem !== undefined || distributions.size < Math.max(1, space.length))
    return undefined;
  const sampler = createSampler(distributions, { seed: options.seed ?? 0, method, samples });
  return { leaves: space, samples, isShared: options.per === "sweep", sampler };
}

/** A table that holds no table is a distribution, or was meant to be one. */
function isDistributionLike(node: SpecNode): boolean {
  if (isDistribution(node)) return true;
  const entries = entriesOf(node);
  return entries.length > 0 && entries.every(([, { raw }]) => kindOf(raw) !== "table");
}

function readDistribution(report: Report, { label, node }: Leaf): Distribution | undefined {
  const hint = "write it like { uniform = [0.0, 0.5] } or { choice = [16, 32] }";
  if (kindOf(node.raw) !== "table") return wrongType(report, node, label, "a distribution", hint);
  const kinds: readonly string[] = DISTRIBUTION_KINDS;
  const entries = entriesOf(node);
  const found = entries.filter(([key]) => kinds.includes(key));
  for (const [key, child] of entries) {
    if (kinds.includes(key) || key === "step" || key === "weights") continue;
    const meant = suggest(key, [...kinds, "step", "weights"]);
    const message = `${excerpt(key)} is not a distribution`;
    const known = didYouMean(meant && `"${meant}"`, `distributions: ${kinds.join(", ")}; beside them step and weights`);
    addFinding(report, { id: "spec.unknown-key", message, span: keySpan(child), hint: known });
    return undefined;
  }
  const [entry, second] = found;
  if (!entry) return wrongValue(report, node, `${label} names no distribution`, hint);
  if (second) return wrongValue(report, second[1], `${label} names two distributions`, "keep one of them");
  const [kind, valuesNode] = entry;
  const stepNode = childOf(node, "step");
  const weightsNode = childOf(node, "weights");
  const values = readValues(report, valuesNode, `${label}.${kind}`);
  const step = stepNode && readParamValue(report, stepNode, `${label}.step`);
  const weights = weightsNode && readValues(report, weightsNode, `${label}.weights`);
  if (!values || (stepNode && step === undefined) || (weightsNode && !weights)) return undefined;
  const made = createDistribution(label, { kind: kind as DistributionKind, values, step, weights });
  if ("distribution" in made) return made.distribution;
  const { part, item, message, hint: advice } = made.problem;
  const partNode = { values: valuesNode, step: stepNode, weights: weightsNode }[part] ?? node;
  return wrongValue(report, (item !== undefined && itemsOf(partNode)[item]) || partNode, message, advice);
}

function readValues(report: Report, node: SpecNode, label: string): ParamValue[] | undefined {
  if (kindOf(node.raw) !== "list") return wrongType(report, node, label, "a list", "put it in brackets: [ … ]");
  return readParamValues(report, itemsOf(node), label);
}
