/** `seeds` and `repeats`: replicates of every point. */
import { RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { childOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { addFinding, keySpan, type Report, readInteger, valueSpan, wrongType, wrongValue } from "./report.ts";

/** Name of the parameter that `seeds` and `repeats` set. */
export const SEED_PARAM = "seed";

export interface Seeds {
  readonly node: SpecNode;
  readonly count: bigint;
  /** Undefined, and a finding, for a seed that cannot be one. */
  readonly load: () => number[] | undefined;
}

/** `repeats` as the reader of keys has it. */
export function readSeeds(report: Report, root: SpecNode, repeats: number | undefined): Seeds | undefined {
  const node = childOf(root, "seeds");
  const repeatsNode = childOf(root, "repeats");
  if (node && repeatsNode) {
    const hint = "repeats = 3 is short for seeds = [0, 1, 2]";
    const message = "seeds and repeats say the same in two ways";
    addFinding(report, { id: "spec.duplicate", message, span: keySpan(repeatsNode), hint });
  }
  if (node) return seedList(report, node);
  if (!repeatsNode || repeats === undefined) return undefined;
  return { node: repeatsNode, count: BigInt(repeats), load: () => Array.from({ length: repeats }, (_, i) => i) };
}

function seedList(report: Report, node: SpecNode): Seeds | undefined {
  if (kindOf(node.raw) !== "list") {
    const hint =
      kindOf(node.raw) === "integer" ? "write repeats = N, or seeds in brackets: [ … ]" : "put it in brackets: [ … ]";
    return wrongType(report, node, "seeds", "a list of integers", hint);
  }
  const { length } = node.raw as readonly unknown[];
  if (length > 0) return { node, count: BigInt(length), load: () => readAll(report, node) };
  const message = "seeds is an empty list, so there would be no run at all";
  addFinding(report, { id: "spec.empty", message, span: valueSpan(node) });
  return undefined;
}

function readAll(report: Report, node: SpecNode): number[] | undefined {
  const seeds = new Set<number>();
  for (const [i, item] of itemsOf(node).slice(0, RUNS_PER_SWEEP_MAX).entries()) {
    const seed = readInteger(report, item, `seeds[${i}]`, 0, Number.MAX_SAFE_INTEGER);
    if (seed === undefined) return undefined;
    if (seeds.has(seed)) return wrongValue(report, item, `seeds lists ${seed} twice`);
    seeds.add(seed);
  }
  return [...seeds];
}
