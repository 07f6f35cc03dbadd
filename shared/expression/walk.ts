/**
 * One evaluation. A problem is noted and None goes on in its place: the first problem is the answer, so nothing between
 * has to look for it, and the walk stays bounded by the size of the tree.
 */
import { STEPS_MAX } from "./limits.ts";
import type { ExpressionProblem, ProblemKind } from "./problem.ts";
import type { Value } from "./value.ts";

/** The value of a name; undefined where nothing has that name. */
export type Scope = (name: string) => Value | undefined;

export interface Walk {
  readonly scope: Scope;
  /** Names of the scope. */
  readonly known: () => Iterable<string>;
  steps: number;
  problem: ExpressionProblem | undefined;
}

/** A place in the text, for problems. */
export interface At {
  readonly start: number;
  readonly end: number;
}

export function startWalk(scope: Scope, known: () => Iterable<string>): Walk {
  return { scope, known, steps: STEPS_MAX, problem: undefined };
}

export function fail(walk: Walk, kind: ProblemKind, at: At, message: string, hint?: string): null {
  walk.problem ??= { kind, message, start: at.start, end: at.end, ...(hint !== undefined && { hint }) };
  return null;
}

/** Counts what is done besides visiting nodes; false, and a problem, where it becomes too much. */
export function spend(walk: Walk, at: At, steps: number): boolean {
  walk.steps -= steps;
  if (walk.steps >= 0) return true;
  fail(walk, "limit", at, "this takes too many steps");
  return false;
}
