/** Expressions of a sweep file: parsed with the file, with every problem at its column in the file. */
import { checkNames } from "../expression/names.ts";
import { type Expression, parseExpression } from "../expression/parse.ts";
import { type ExpressionProblem, findingOf } from "../expression/problem.ts";
import { kindOf, type SpecNode } from "./node.ts";
import { addFinding, type Finding, type Report, readText, type Span, valueSpan, wrongType } from "./report.ts";
import { textAt } from "./source-files.ts";
import { offsetInString } from "./toml-offset.ts";

export interface CheckedExpression {
  readonly expression: Expression;
  /** The string in the file. */
  readonly node: SpecNode;
}

/** The expression in a string; undefined, and a finding, where it cannot be read. */
export function readExpression(report: Report, node: SpecNode, label: string): CheckedExpression | undefined {
  if (kindOf(node.raw) !== "string") {
    return wrongType(report, node, label, "an expression", 'put it in quotes: "lr * 2"');
  }
  const text = readText(report, node, label);
  if (text === undefined) return undefined;
  const parsed = parseExpression(text);
  if (parsed.expression) return { expression: parsed.expression, node };
  addFinding(report, expressionFinding(report, node, parsed.problem));
  return undefined;
}

/** Refuses an expression with a name that is not among `known`. True: all are. */
export function namesAreKnown(report: Report, checked: CheckedExpression, known: ReadonlySet<string>): boolean {
  const problem = checkNames(checked.expression, known);
  if (problem) addFinding(report, expressionFinding(report, checked.node, problem));
  return problem === undefined;
}

/** A problem at its place in the file. */
export function expressionFinding(report: Report, node: SpecNode, problem: ExpressionProblem): Finding {
  return findingOf(problem, spanIn(report, node, problem));
}

function spanIn(report: Report, node: SpecNode, { start, end }: Span): Span {
  const whole = valueSpan(node);
  const raw = textAt(report.files, whole);
  if (raw === "") return whole;
  const from = whole.start + offsetInString(raw, start);
  return { start: from, end: Math.max(from + 1, whole.start + offsetInString(raw, end)) };
}
