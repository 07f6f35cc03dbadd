/**
 * [P] YAML as Python programs read it (YAML 1.1), with ints and floats apart and a line for each value. The one home of the
 * YAML library.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { FloatParam, type ParamValue } from "../spec/types.ts";

export type YamlNode = YamlMap | YamlList | YamlScalar;

export interface YamlMap {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlNode>;
  readonly line: number;
}

export interface YamlList {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
  readonly line: number;
}

/** Dates and times are texts, as they are written. */
export interface YamlScalar {
  readonly kind: "scalar";
  readonly value: boolean | number | string | FloatParam | null;
  readonly line: number;
}

export interface YamlProblem {
  readonly message: string;
  /** Offset into the text. */
  readonly start: number;
}

/** Nodes of a file, those behind aliases counted each time: bounds what a small file can unfold to. */
const NODES_MAX = 100_000;
const DEPTH_MAX = 64;

/** The first document of a text. */
export function readYaml(text: string): YamlNode | YamlProblem {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.1",
    intAsBigInt: true,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [error] = document.errors;
  if (error) return { message: `not valid YAML: ${error.message}`, start: error.pos[0] };
  const walk: Walk = { document, lines, nodes: 0 };
  try {
    return nodeOf(walk, document.contents, 0);
  } catch (refusal) {
    if (refusal instanceof Refusal) return { message: refusal.message, start: refusal.start };
    throw refusal;
  }
}

interface Walk {
  readonly document: Document;
  readonly lines: LineCounter;
  nodes: number;
}

/** Leaves the recursion; never leaves this file. */
class Refusal extends Error {
  readonly start: number;

  constructor(message: string, start: number) {
    super(message);
    this.start = start;
  }
}

function nodeOf(walk: Walk, node: unknown, depth: number): YamlNode {
  const start = (node as Node | null)?.range?.[0] ?? 0;
  const { line } = walk.lines.linePos(start);
  walk.nodes += 1;
  if (walk.nodes > NODES_MAX) throw new Refusal(`more than ${NODES_MAX} values`, start);
  if (depth > DEPTH_MAX) throw new Refusal(`nested deeper than ${DEPTH_MAX} levels`, start);
  if (isAlias(node)) {
    const target = node.resolve(walk.document);
    if (!target) throw new Refusal(`no anchor is called "${node.source}"`, start);
    return nodeOf(walk, target, depth + 1);
  }
  if (isMap(node)) return { kind: "map", entries: entriesOf(walk, node.items, depth), line };
  if (isSeq(node)) return { kind: "list", items: node.items.map((item) => nodeOf(walk, item, depth + 1)), line };
  return { kind: "scalar", value: isScalar(node) ? scalarOf(node.value, node.source, start) : null, line };
}

/** Keys as they are written; what `<<` brings in is below what stands beside it. */
function entriesOf(walk: Walk, pairs: readonly unknown[], depth: number): Map<string, YamlNode> {
  const entries = new Map<string, YamlNode>();
  const merged = new Map<string, YamlNode>();
  for (const pair of pairs as readonly { key: unknown; value: unknown }[]) {
    const start = (pair.key as Node | null)?.range?.[0] ?? 0;
    if (!isScalar(pair.key)) throw new Refusal("a key that is no plain word", start);
    const key = pair.key.source ?? String(pair.key.value);
    const value = nodeOf(walk, pair.value, depth + 1);
    if (key !== "<<") {
      entries.set(key, value);
      continue;
    }
    for (const source of value.kind === "list" ? value.items : [value]) {
      if (source.kind !== "map") throw new Refusal("<< takes a map", start);
      for (const [name, each] of source.entries) if (!merged.has(name)) merged.set(name, each);
    }
  }
  for (const [name, each] of merged) if (!entries.has(name)) entries.set(name, each);
  return entries;
}

function scalarOf(raw: unknown, source: string | undefined, start: number): YamlScalar["value"] {
  if (raw === null || raw === undefined) return null;
  // Python's reader takes yes, no, on and off for booleans, but not their first letters.
  if (typeof raw === "boolean") return source?.length === 1 ? source : raw;
  if (typeof raw === "string") return raw;
  if (typeof raw === "bigint") {
    const value = Number(raw);
    if (Number.isSafeInteger(value)) return value;
    throw new Refusal("an integer beyond 2^53 cannot be kept exactly", start);
  }
  if (typeof raw === "number") return Number.isFinite(raw) ? new FloatParam(raw) : (source ?? String(raw));
  return source ?? String(raw);
}

/** A node as a parameter value; undefined where it holds null. */
export function paramOf(node: YamlNode): ParamValue | undefined {
  if (node.kind === "scalar") return node.value ?? undefined;
  if (node.kind === "list") {
    const items = node.items.map(paramOf);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const entries: [string, ParamValue][] = [];
  for (const [key, child] of node.entries) {
    const value = paramOf(child);
    if (value === undefined || key === "__proto__") return undefined;
    entries.push([key, value]);
  }
  return Object.fromEntries(entries);
}
