/**
 * `where` of a listing. A run of which a name has no value does not match, nor does one whose values do not fit the
 * expression; but a name that no run has, or an expression that fits no run at all, is the user's mistake and said.
 */
import type { AppError } from "../kernel/errors.ts";
import type { RunRecord } from "../run/records.ts";
import type { Params } from "../spec/types.ts";
import { evaluate } from "./evaluate.ts";
import { missingName, namesOf, unknownName } from "./names.ts";
import { type Expression, parseExpression } from "./parse.ts";
import { type ExpressionProblem, expressionError } from "./problem.ts";
import { namesOfAnyRun, namesOfRun, scopeOfRun } from "./run-scope.ts";
import { isTruthy } from "./value.ts";

/** More names are not gathered for suggestions. */
const NAMES_MAX = 10_000;

export interface RunCondition {
  /** Whether it asks why runs wait, which costs more than what the store knows. */
  readonly needsReason: boolean;
  /** Whether the other runs must be looked at though enough have matched: a name was in none so far. */
  isUnsure(): boolean;
  /** `params`: those of the run, where they are read already. */
  matches(run: RunRecord, params?: Params): boolean;
  /** After the last run. Throws AppError for a name that no run has, and where the expression fitted no run. */
  finish(): void;
}

/** Throws AppError for what is no expression. */
export function createRunCondition(text: string, nowMs: number): RunCondition {
  const { expression, problem } = parseExpression(text);
  if (!expression) throw whereError(problem, text);
  const used = namesOf(expression);
  const known = new Map(namesOfAnyRun());
  // Alone they are tables whose members nobody can check beforehand.
  for (const table of ["params", "metrics"]) if (used.includes(table)) known.set(table, table);
  let missing = missingName(expression, (name) => known.has(name));
  let runs = 0;
  let fitting = 0;
  let misfit: ExpressionProblem | undefined;

  function learnNames(run: RunRecord, params: Params | undefined): void {
    if (known.size < NAMES_MAX) for (const [name, written] of namesOfRun(run, params)) known.set(name, written);
    missing = missingName(expression as Expression, (name) => known.has(name));
  }

  return {
    needsReason: used.some((name) => name === "reason" || name === "run.reason"),
    isUnsure: () => missing !== undefined,
    matches(run, params) {
      runs += 1;
      if (missing) learnNames(run, params);
      const { value, problem } = evaluate(expression, scopeOfRun(run, nowMs, params));
      if (!problem) {
        fitting += 1;
        return isTruthy(value);
      }
      if (problem.kind !== "name") misfit ??= problem;
      return false;
    },
    finish() {
      if (runs > 0 && missing) {
        const written = (name: string) => known.get(name) ?? name;
        throw whereError(unknownName(missing, missing.name, missing.name, known.keys(), written), text);
      }
      if (fitting === 0 && misfit) throw whereError(misfit, text);
    },
  };
}

function whereError(problem: ExpressionProblem, text: string): AppError {
  return expressionError(problem, text, "where");
}
