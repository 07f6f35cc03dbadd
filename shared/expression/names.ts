/** Which names an expression uses, and what to say about one that is not known. */
import { suggest } from "../kernel/suggest.ts";
import { didYouMean } from "../spec/problems.ts";
import { excerpt } from "../spec/report.ts";
import type { Expression } from "./parse.ts";
import type { ExpressionProblem } from "./problem.ts";
import type { NameNode, Node } from "./syntax.ts";

/** More names than this help nobody. */
const NAMES_SHOWN_MAX = 12;

/** The dotted names of an expression in the order of its text, each once. */
export function namesOf(expression: Expression): string[] {
  return [...new Set(nameNodes(expression.root).map(({ name }) => name))];
}

/**
 * The first name that is not known, with a suggestion. A name is known as a whole, or when a shorter form of it is (its
 * value may be a table); and one that the expression asks about with `defined(…)` need not be.
 */
export function checkNames(expression: Expression, known: ReadonlySet<string>): ExpressionProblem | undefined {
  const missing = missingName(expression, (name) => known.has(name));
  return missing && unknownName(missing, missing.name, missing.name, known);
}

/** As `checkNames`, and only which name it is. */
export function missingName(expression: Expression, isKnown: (name: string) => boolean): NameNode | undefined {
  const asked = new Set(definedNames(expression.root));
  return nameNodes(expression.root).find(
    ({ name, paths }) => !asked.has(name) && !paths.some((path) => isKnown(path.name)),
  );
}

/**
 * `word` is what was misspelt of `name`, and `known` what may have been meant. `written`: how an expression writes one of
 * these, where it is not as it is.
 */
export function unknownName(
  { start, end }: { readonly start: number; readonly end: number },
  name: string,
  word: string,
  known: Iterable<string>,
  written: (name: string) => string = (name) => name,
): ExpressionProblem {
  const names = [...known];
  const meant = suggest(word, names);
  const shown = [...new Set(names.map(written))];
  const more = shown.length > NAMES_SHOWN_MAX ? ", …" : "";
  const list = shown.length > 0 ? [`names: ${shown.slice(0, NAMES_SHOWN_MAX).join(", ")}${more}`] : [];
  // A word that means nothing may be a text without its quotes.
  const bare = meant === undefined && !name.includes(".") ? ["a text is written in quotes"] : [];
  const hint = meant === undefined ? [...list, ...bare].join("; ") : didYouMean(written(meant), list.join(""));
  const message = `nothing is called ${excerpt(name)}`;
  return { kind: "name", message, start, end, ...(hint !== "" && { hint: hint.trim() }) };
}

function nameNodes(root: Node): NameNode[] {
  const found: NameNode[] = [];
  visit(root, (node) => {
    if (node.kind === "name") found.push(node);
  });
  return found.sort((a, b) => a.start - b.start);
}

function definedNames(root: Node): string[] {
  const found: string[] = [];
  visit(root, (node) => {
    if (node.kind === "defined") found.push(node.target.name);
  });
  return found;
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node);
  for (const child of childrenOf(node)) visit(child, see);
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "literal":
    case "name":
      return [];
    case "list":
      return node.items;
    case "index":
      return [node.object, node.index];
    case "unary":
      return [node.operand];
    case "arithmetic":
    case "and":
    case "or":
      return [node.left, node.right];
    case "comparison":
      return [node.first, ...node.rest.map(({ operand }) => operand)];
    case "conditional":
      return [node.yes, node.condition, node.no];
    case "defined":
      return [node.target];
    case "call":
      return node.args;
  }
}
