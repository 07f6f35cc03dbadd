/** [P] One parameter of another program's search, and where it goes in ours: fixed, an axis, or drawn. */

import { canonicalJson } from "../spec/canonical.ts";
import { parameterNameProblem } from "../spec/param-value.ts";
import { FloatParam, type ParamValue } from "../spec/types.ts";
import type { SweepDraft } from "./sweep-writer.ts";

/** The same for all runs. */
export function addFixed(draft: SweepDraft, name: string, value: ParamValue, comment = ""): void {
  if (isName(draft, name)) draft.table("base").set(name, value, comment);
}

/** An axis of the grid: a list, or a series such as `{ linspace: [0, 1, 5] }`. */
export function addAxis(draft: SweepDraft, name: string, values: ParamValue, comment = ""): void {
  if (!isName(draft, name)) return;
  if (!Array.isArray(values)) {
    draft.table("grid").set(name, values, comment);
    return;
  }
  const seen = new Set<string>();
  const once = values.filter((value: ParamValue) => {
    const text = canonicalJson(value);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
  if (once.length < values.length) draft.leave(`${name} lists a value twice; it is an axis with each value once`);
  draft.table("grid").set(name, once, comment);
}

/** Drawn: `spec` is as `[random.space]` has it. */
export function addDrawn(draft: SweepDraft, name: string, spec: { [key: string]: ParamValue }, comment = ""): void {
  if (isName(draft, name)) draft.table("random.space").set(name, spec, comment);
}

/** A name that our files cannot have is left out, and said so. */
function isName(draft: SweepDraft, name: string): boolean {
  const problem = parameterNameProblem(name);
  if (!problem) return true;
  draft.leave(`the parameter ${JSON.stringify(name)}: ${problem.message}`);
  return false;
}

export function float(value: number): FloatParam {
  return new FloatParam(value);
}

/** To twelve digits: without what arithmetic leaves behind. */
export function neat(value: number): number {
  return Number(value.toPrecision(12));
}
