/** [P] Which steps of the expansion a sweep takes, in the order that they are always taken in. */
import type { SweepSpec } from "./parse.ts";
import type { ExpansionStep } from "./types.ts";

const ORDER: readonly ExpansionStep[] = [
  "base",
  "variants",
  "grid",
  "zip",
  "random",
  "runs",
  "seeds",
  "derive",
  "where",
];

export function stepsOf({ blocks, variants, conditions }: SweepSpec): ExpansionStep[] {
  const taken = new Set<ExpansionStep>(blocks.flatMap(({ axes }) => axes.map(({ step }) => step)));
  if (blocks.some(({ constants }) => constants.length > 0)) taken.add("base");
  if (variants > 0) taken.add("variants");
  if (blocks.some(({ derived }) => derived.length > 0)) taken.add("derive");
  if (conditions.length > 0) taken.add("where");
  return ORDER.filter((step) => taken.has(step));
}
