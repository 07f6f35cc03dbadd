/** [P] Derived parameters of one run anew, after others of it were set. What the file had before is not known any more. */
import { evaluate } from "../expression/evaluate.ts";
import { namesOf } from "../expression/names.ts";
import { type Expression, parseExpression } from "../expression/parse.ts";
import { refusalOf } from "./block-cursor.ts";
import { INDEX_NAME, isAmong, KnownNames, plainName, SWEEP_NAME } from "./conditions.ts";
import type { Derivation, Params, ParamValue } from "./types.ts";

/** The run that the parameters are those of. */
export interface RunPlace {
  readonly index: number;
  readonly sweepName: string;
}

/**
 * `set`: names of the parameters that have another value now. What was set stays as it is; what follows from it is computed.
 * A problem where that cannot be.
 */
export function rederive(
  params: Params,
  set: ReadonlySet<string>,
  derived: readonly Derivation[],
  { index, sweepName }: RunPlace,
): Params | { readonly problem: string; readonly hint: string } {
  const result = new Map(params);
  const changed = new KnownNames(set);
  // Until a name is reached in the list, it had a value that is not known.
  const later = new KnownNames(derived.filter(({ name }) => !set.has(name)).map(({ name }) => name));
  const scope = (name: string) => {
    if (result.has(name)) return result.get(name);
    const plain = plainName(name);
    if (result.has(plain)) return result.get(plain);
    if (name === SWEEP_NAME) return sweepName;
    return name === INDEX_NAME ? index : undefined;
  };
  for (const { name, expressions, certain } of derived) {
    if (set.has(name) || !params.has(name)) continue;
    const read = expressions.map((text) => parseExpression(text).expression).filter((one) => one !== undefined);
    const source = sourceOf(read, changed);
    if (source !== undefined) {
      const refuse = (why: string) => refusal(name, source, why);
      const [expression] = read;
      if (!expression || !certain) return refuse(", not in the same way in every variant");
      const lost = namesOf(expression).find((used) => isAmong(used, later));
      if (lost !== undefined)
        return refuse(` and from what ${plainName(lost)} was before it was derived, which is not kept`);
      const { value, problem } = evaluate(expression, scope, () => result.keys());
      const why = problem?.message ?? refusalOf(value ?? null);
      if (why !== undefined) return refuse(`, and ${JSON.stringify(expression.text)} has no value now: ${why}`);
      result.set(name, value as ParamValue);
      changed.add(name);
    }
    later.delete(name);
  }
  return result;
}

/** A changed name that one of the expressions uses. */
function sourceOf(expressions: readonly Expression[], changed: ReadonlySet<string>): string | undefined {
  return expressions.flatMap(namesOf).find((used) => isAmong(used, changed));
}

function refusal(name: string, source: string, why: string): { problem: string; hint: string } {
  return { problem: `${name} is derived from ${plainName(source)}${why}`, hint: `set it too: --set ${name}=VALUE` };
}
