/**
 * `extends`: a sweep file over another one. The files are laid one behind the other, the lowest first, so that each part
 * keeps its place; tables are merged, everything else is replaced by the file above.
 */
import { posix } from "node:path";
import { DISTRIBUTION_KINDS } from "../sampling/distribution.ts";
import { placeField, readDocument, type SpecSource } from "./document.ts";
import { mergeNodes } from "./merge.ts";
import { childOf, entriesOf, kindOf, type SpecNode, shiftPlaces } from "./node.ts";
import { areEmpty, joinLists, NO_OVERRIDES, overriddenNames, overridesSource, withoutOverridden } from "./overrides.ts";
import { isSeries } from "./param-value.ts";
import type { SpecProblem } from "./problems.ts";
import { placeOf, type SourceFile } from "./source-files.ts";

/** Files below one another. */
const LEVELS_MAX = 16;

export interface Loaded {
  readonly root: SpecNode;
  /** Lowest first. */
  readonly files: readonly SourceFile[];
  /** The files alone, without what the command line says over them. */
  readonly written: SpecNode;
  /** Parameters that the command line sets. Files of trials may have them still. */
  readonly overridden: readonly string[];
}

/** The merged root table of a source and all that it extends, or the first problem. */
export function loadDocument(source: SpecSource): Loaded | SpecProblem {
  const files: SourceFile[] = [];
  const loaded = load(source, [ownPath(source)], files);
  if ("message" in loaded) return loaded;
  const { overrides = NO_OVERRIDES } = source;
  if (areEmpty(overrides)) return { root: loaded, files, written: loaded, overridden: [] };
  const line = overridesSource(source, overrides);
  const above = "message" in line ? line : load(line, [], files);
  if ("message" in above) return above;
  const overridden = overriddenNames(above);
  const below = withoutOverridden(loaded, overridden);
  const root = mergeNodes(below, joinLists(below, above, "where"), isOneValue);
  return { root, files, written: loaded, overridden };
}

/** What a path in a file means: absolute, from the directory of that file. */
export function resolveIn(directory: string, path: string): string {
  return posix.resolve(directory, path);
}

/** The path of the file itself, for cycles; "-" and command lines have none that could be named. */
export function ownPath(source: SpecSource): string {
  return resolveIn(source.directory, posix.basename(source.path) || ".");
}

/** The source of a file that is named in another one: shown as that one is, with the same look-up. */
export function sourceBeside(source: SpecSource, absolute: string, text: string): SpecSource {
  const shownDirectory = posix.dirname(source.path);
  const path = source.path === "" ? absolute : posix.join(shownDirectory, posix.relative(source.directory, absolute));
  const format = absolute.endsWith(".json") ? "json" : "toml";
  return { ...source, path, text, format, directory: posix.dirname(absolute) };
}

function load(source: SpecSource, chain: readonly string[], files: SourceFile[]): SpecNode | SpecProblem {
  const node = readDocument(source);
  if ("message" in node) return node;
  const reference = childOf(node, "extends");
  const below = reference && loadBelow(source, reference, chain, files);
  if (below && "message" in below) return below;
  const last = files.at(-1);
  const origin = last ? last.origin + last.text.length + 1 : 0;
  const { path, text, directory } = source;
  files.push({ path, text, directory, origin });
  if (origin > 0) shiftPlaces(node.at, origin);
  const own = withoutKey(node, "extends");
  return below ? mergeNodes(below, own, isOneValue) : own;
}

/** The table that a reference names; undefined where it is not even a text, which the reader of keys will say. */
function loadBelow(
  source: SpecSource,
  reference: SpecNode,
  chain: readonly string[],
  files: SourceFile[],
): SpecNode | SpecProblem | undefined {
  const refuse = (message: string, hint?: string): SpecProblem => ({
    id: "spec.extends",
    message,
    ...placeField(placeOf([{ ...source, origin: 0 }], reference.at)),
    ...(hint !== undefined && { hint }),
  });
  const { raw } = reference;
  if (typeof raw !== "string") return refuse("extends must be the path of a sweep file, in quotes");
  if (raw === "" || raw.includes("\0")) return refuse("extends names no file");
  const path = resolveIn(source.directory, raw);
  if (chain.includes(path)) {
    const names = [...chain.slice(chain.indexOf(path)), path].map((each) => posix.basename(each));
    return refuse(`extends goes round in a circle: ${names.join(" -> ")}`);
  }
  if (chain.length >= LEVELS_MAX) return refuse(`extends goes through more than ${LEVELS_MAX} files`);
  const text = source.readFile?.(path);
  if (text === undefined) return refuse(`${JSON.stringify(raw)} cannot be read`, `it would be ${path}`);
  return load(sourceBeside(source, path, text), [...chain, path], files);
}

function withoutKey(node: SpecNode, key: string): SpecNode {
  if (!node.at.children.has(key)) return node;
  const children = new Map(node.at.children);
  children.delete(key);
  return { raw: node.raw, at: { ...node.at, children } };
}

/** Series, distributions and `{ expr = … }` are values: of two of them, the one above counts. */
function isOneValue(path: readonly string[], node: SpecNode): boolean {
  const [first, second] = path;
  if (first === "grid") return path.length > 1 && isSeries(node);
  if (first === "random" && second === "space") return path.length > 2 && isDistribution(node);
  return first === "resources" && path.length > 1;
}

/** `{ uniform = […] }` and the like, with whatever else stands beside. */
export function isDistribution(node: SpecNode): boolean {
  const kinds: readonly string[] = DISTRIBUTION_KINDS;
  return kindOf(node.raw) === "table" && entriesOf(node).some(([key, { raw }]) => kinds.includes(key) && isList(raw));
}

function isList(raw: unknown): boolean {
  return kindOf(raw) === "list";
}
