/** What is wrong with an expression, as a value, and how a sweep file or an error shows it. */
import { AppError } from "../kernel/errors.ts";
import type { Finding, Span } from "../spec/report.ts";

/**
 * `syntax`: cannot be read. `name`: a name has no value. `type`: an operation does not know such a value. `value`: the
 * type is right and the value is not (division by zero). `limit`: too long, too deep, too large.
 */
export type ProblemKind = "syntax" | "name" | "type" | "value" | "limit";

/** One problem. `start` and `end` are offsets into the text in UTF-16 units, the end excluded. */
export interface ExpressionProblem {
  readonly kind: ProblemKind;
  /** One line. */
  readonly message: string;
  readonly start: number;
  readonly end: number;
  /** What to do about it: one line. */
  readonly hint?: string;
}

/** Longer texts are shown from near the problem only. */
const SHOWN_MAX = 120;

/** The problem as a finding of a sweep file, at `span` of it. */
export function findingOf({ kind, message, hint }: ExpressionProblem, span: Span): Finding {
  return { id: `expression.${kind}`, message, span, ...(hint !== undefined && { hint }) };
}

/** The problem as an error about `text`, with a caret; `from` names where the text is from ("--where"). */
export function expressionError(problem: ExpressionProblem, text: string, from: string): AppError {
  const { kind, message, hint } = problem;
  const lineStart = text.lastIndexOf("\n", problem.start - 1) + 1;
  const newline = text.indexOf("\n", problem.start);
  const line = text.slice(lineStart, newline < 0 ? text.length : newline);
  const column = problem.start - lineStart;
  const length = Math.max(1, Math.min(problem.end - problem.start, line.length - column));
  const place = {
    file: from,
    line: text.slice(0, lineStart).split("\n").length,
    column: column + 1,
    ...(line.length <= SHOWN_MAX && { text: line, length }),
  };
  return new AppError("invalid", message, { id: `expression.${kind}`, place, hint });
}
