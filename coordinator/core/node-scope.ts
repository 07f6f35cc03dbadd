/** `[resources] where` over a node: the expression is read once for each request, and holds, does not, or cannot be told. */
import { evaluate } from "../../shared/expression/evaluate.ts";
import { type Expression, parseExpression } from "../../shared/expression/parse.ts";
import { isTruthy, type Value } from "../../shared/expression/value.ts";
import { LABEL_PREFIX, type NodeFactName } from "../../shared/run/node-names.ts";
import type { Node } from "./cluster.ts";

/** Parsed once: the same few texts are asked about with every pass. */
const PARSED = new Map<string, Expression | string>();
/** Texts kept; beyond it all are forgotten, which costs time only. */
const PARSED_MAX = 1_000;

/** Undefined when the expression holds for the node, else why it does not count as holding. */
export function whereProblem(node: Node, where: string): string | undefined {
  const expression = parsed(where);
  if (typeof expression === "string") return `cannot tell ${where}: ${expression}`;
  const { value, problem } = evaluate(expression, (name) => factOf(node, name));
  if (problem?.kind === "name") return `has no ${where.slice(problem.start, problem.end)}`;
  if (problem) return `cannot tell ${where}: ${problem.message}`;
  return isTruthy(value) ? undefined : `not ${where}`;
}

function parsed(where: string): Expression | string {
  const known = PARSED.get(where);
  if (known !== undefined) return known;
  const { expression, problem } = parseExpression(where);
  if (PARSED.size >= PARSED_MAX) PARSED.clear();
  const made = expression ?? problem.message;
  PARSED.set(where, made);
  return made;
}

function factOf(node: Node, name: string): Value | undefined {
  if (name.startsWith(LABEL_PREFIX)) return ownLabel(node, name.slice(LABEL_PREFIX.length));
  return Object.hasOwn(FACTS, name) ? FACTS[name as NodeFactName](node) : undefined;
}

const FACTS: { readonly [name in NodeFactName]: (node: Node) => Value } = {
  "node.name": (node) => node.name,
  "node.hostname": (node) => node.host.hostname,
  "node.os": (node) => node.host.os,
  "node.arch": (node) => node.host.arch,
  "node.cpus": (node) => node.host.cpuCount,
  "node.memory": (node) => node.host.memoryBytes,
  "node.gpus": (node) => gpusOf(node).length,
  "node.gpu_model": (node) => gpusOf(node)[0]?.model ?? "",
  "node.gpu_memory": (node) => gpusOf(node)[0]?.memoryBytes ?? 0,
};

function gpusOf(node: Node) {
  return node.devices.filter(({ kind }) => kind === "gpu");
}

function ownLabel(node: Node, name: string): string | undefined {
  return Object.hasOwn(node.labels, name) ? node.labels[name] : undefined;
}
