/** The place of the parser in an expression, and its limits. The first problem stays; all further ones follow from it. */
import { DEPTH_MAX, NODES_MAX } from "./limits.ts";
import type { ExpressionProblem } from "./problem.ts";
import type { Node } from "./syntax.ts";
import type { Token } from "./tokens.ts";

export interface Reading {
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
  nodes: number;
  problem: ExpressionProblem | undefined;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

export function startReading(tokens: readonly Token[]): Reading {
  return { tokens, at: 0, depth: 0, nodes: 0, problem: undefined };
}

/** The next token. The last one is "end", and nothing moves past it. */
export function next(reading: Reading): Token {
  const token = reading.tokens[reading.at];
  if (token === undefined) throw new Error("assertion failed: read past the end of an expression");
  return token;
}

/** The next token where it is a name or an operator; empty for a string that looks like one. */
export function nextText(reading: Reading): string {
  const token = next(reading);
  return token.kind === "value" ? "" : token.text;
}

/** Moves on where the next token is `text`. */
export function skip(reading: Reading, text: string): boolean {
  if (nextText(reading) !== text) return false;
  reading.at += 1;
  return true;
}

/** As `skip`, and a problem where it is not: "else" is missing `where`. */
export function expect(reading: Reading, text: string, where: string): boolean {
  if (skip(reading, text)) return true;
  fail(reading, next(reading), `"${text}" is missing ${where}`);
  return false;
}

export function fail(reading: Reading, { start, end }: Span, message: string, hint?: string): undefined {
  reading.problem ??= { kind: "syntax", message, start, end, ...(hint !== undefined && { hint }) };
}

/** Counts a node. */
export function made(reading: Reading, node: Node): Node | undefined {
  reading.nodes += 1;
  if (reading.nodes <= NODES_MAX) return node;
  const { start, end } = node;
  reading.problem ??= { kind: "limit", message: `the expression has more than ${NODES_MAX} parts`, start, end };
  return undefined;
}

/** Reads one level deeper. */
export function nested<Read>(reading: Reading, read: () => Read | undefined): Read | undefined {
  if (reading.depth >= DEPTH_MAX) return tooDeep(reading, next(reading));
  reading.depth += 1;
  const found = read();
  reading.depth -= 1;
  return found;
}

export function tooDeep(reading: Reading, { start, end }: Span): undefined {
  reading.problem ??= { kind: "limit", message: `nested deeper than ${DEPTH_MAX} levels`, start, end };
}
