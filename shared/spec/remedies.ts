/** [P] `[[retry.remedy]]`: parameters of a run that are changed after certain failures of it, each time anew. */
import { evaluate } from "../expression/evaluate.ts";
import { parseExpression } from "../expression/parse.ts";
import type { Remedy } from "../run/retry.ts";
import { refusalOf } from "./block-cursor.ts";
import { plainName } from "./conditions.ts";
import { paramsToJson } from "./params-json.ts";
import { type RunPlace, rederive } from "./rederive.ts";
import type { Derivation, Params, ParamValue } from "./types.ts";

/** What became of a run's parameters, for the attempt that comes after some failures. */
export interface Remedied {
  readonly params: Params;
  /** Names of those that were changed by a remedy, or follow from one that was. */
  readonly changed: ReadonlySet<string>;
}

/**
 * The parameters after failures with these causes, in their order. The expressions of one remedy see the values before it; what
 * is derived from a changed parameter follows. One that has no value here, or whose change cannot be followed, changes nothing.
 */
export function remedied(
  params: Params,
  remedies: readonly Remedy[],
  failures: readonly (readonly string[])[],
  derived: readonly Derivation[],
  place: RunPlace,
): Remedied {
  let now = params;
  for (const causes of failures) {
    for (const { when, set } of remedies) if (causes.includes(when)) now = applied(now, set, derived, place);
  }
  const isChanged = ([name, value]: [string, ParamValue]) => textOf(name, value) !== textOf(name, params.get(name));
  return { params: now, changed: new Set([...now].filter(isChanged).map(([name]) => name)) };
}

/** Equal for equal values: floats are objects, and a change may come to the same. */
function textOf(name: string, value: ParamValue | undefined): string {
  return value === undefined ? "" : paramsToJson(new Map([[name, value]]));
}

function applied(before: Params, set: Remedy["set"], derived: readonly Derivation[], place: RunPlace): Params {
  const scope = (name: string) => (before.has(name) ? before.get(name) : before.get(plainName(name)));
  const after = new Map(before);
  for (const [name, text] of Object.entries(set)) {
    const { expression } = parseExpression(text);
    if (!expression || !before.has(name)) continue;
    const { value, problem } = evaluate(expression, scope, () => before.keys());
    if (problem || refusalOf(value ?? null) !== undefined) continue;
    after.set(name, value as ParamValue);
  }
  const followed = rederive(after, new Set(Object.keys(set)), derived, place);
  return "problem" in followed ? before : followed;
}
