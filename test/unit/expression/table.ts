/** Results that CPython wrote down, and the comparison of ours with them. */

import { evaluate } from "../../../shared/expression/evaluate.ts";
import { parseExpression } from "../../../shared/expression/parse.ts";
import type { ExpressionProblem } from "../../../shared/expression/problem.ts";
import { isList, type Value } from "../../../shared/expression/value.ts";
import { FloatParam } from "../../../shared/spec/types.ts";

/** As `make_table.py` describes it. */
type Encoded = null | boolean | number | string | readonly Encoded[] | { readonly [key: string]: Encoded };

export interface Table {
  readonly names: ReadonlyMap<string, Value>;
  readonly cases: readonly (readonly [text: string, result: Encoded])[];
}

export function readTable(jsonLines: string): Table {
  const [head = "{}", ...lines] = jsonLines.trimEnd().split("\n");
  const names = JSON.parse(head) as { [name: string]: Encoded };
  return {
    names: new Map(Object.entries(names).map(([name, value]) => [name, decode(value)])),
    cases: lines.map((line) => JSON.parse(line) as [string, Encoded]),
  };
}

/** The cases whose result is another one here, with both. */
export function differences({ names, cases }: Table): string[] {
  return cases.flatMap(([text, wanted]) => {
    const found = resultOf(text, names);
    return agree(wanted, found) ? [] : [`${text} is ${JSON.stringify(wanted)}, not ${shown(found)}`];
  });
}

function resultOf(text: string, names: ReadonlyMap<string, Value>): Value | ExpressionProblem {
  const { expression, problem } = parseExpression(text);
  if (problem) return problem;
  const evaluation = evaluate(expression, (name) => names.get(name));
  return evaluation.problem ?? evaluation.value;
}

function agree(wanted: Encoded, found: Value | ExpressionProblem): boolean {
  if (isProblem(found))
    return typeof wanted === "object" && wanted !== null && "e" in wanted && kindsAgree(wanted.e, found);
  if (wanted === null || typeof wanted !== "object") return wanted === found;
  if (isEncodedList(wanted)) {
    return isList(found) && found.length === wanted.length && wanted.every((item, i) => agree(item, found[i] ?? null));
  }
  if ("f" in wanted) return found instanceof FloatParam && Object.is(readFloat(wanted.f), found.float);
  if (!("t" in wanted) || typeof found !== "object" || found === null) return false;
  const [want, have] = [Object.entries(wanted.t as object), Object.entries(found)];
  return want.length === have.length && want.every(([key, item], i) => key === have[i]?.[0] && agree(item, have[i][1]));
}

/** What is too large here is a matter of the value or of a limit. */
function kindsAgree(wanted: Encoded | undefined, { kind }: ExpressionProblem): boolean {
  return wanted === kind || (wanted === "large" && (kind === "value" || kind === "limit"));
}

function decode(value: Encoded): Value {
  if (value === null || typeof value !== "object") return value;
  if (isEncodedList(value)) return value.map(decode);
  if ("f" in value) return new FloatParam(readFloat(value.f));
  return Object.fromEntries(Object.entries(value.t as object).map(([key, item]) => [key, decode(item)]));
}

function readFloat(text: Encoded | undefined): number {
  return Number(String(text).replace("inf", "Infinity").replace("nan", "NaN"));
}

function isEncodedList(value: Encoded): value is readonly Encoded[] {
  return Array.isArray(value);
}

function isProblem(found: Value | ExpressionProblem): found is ExpressionProblem {
  return typeof found === "object" && found !== null && "message" in found;
}

function shown(found: Value | ExpressionProblem): string {
  return found instanceof FloatParam ? `the float ${found.float}` : JSON.stringify(found);
}
