/** The files that a sweep file names: `extends`, `{ file = … }` and `[[runs]] from`. They are on the user's machine. */
import type { TrialFile } from "../sampling/trials.ts";
import { readDocument, type SpecSource } from "./document.ts";
import { ownPath, resolveIn, sourceBeside } from "./extends.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { isSeries } from "./param-value.ts";
import { addFinding, excerpt, type Report, readText, valueSpan } from "./report.ts";
import { fileAt } from "./source-files.ts";

/**
 * Absolute paths that the spec names and that `readFile` does not know yet. Whoever has the files asks again after adding
 * them, as a file may name further ones. Files that cannot be parsed name none.
 */
export function referencedFiles(source: SpecSource): string[] {
  const missing = new Set<string>();
  const seen = new Set([ownPath(source)]);
  collect(source, missing, seen);
  return [...missing];
}

/** A file named by the string at `node`; undefined, and a finding, where it is not at hand. */
export function readNamedFile(
  report: Report,
  source: SpecSource,
  node: SpecNode,
  label: string,
): TrialFile | undefined {
  const written = readText(report, node, label, "put its path in quotes");
  if (written === undefined) return undefined;
  const path = resolveIn(fileAt(report.files, node.at.start).directory, written);
  const text = written === "" ? undefined : source.readFile?.(path);
  if (text !== undefined) return { path: sourceBeside(source, path, "").path, text };
  const message = `${label} names ${excerpt(written)}, which cannot be read`;
  addFinding(report, { id: "spec.file", message, span: valueSpan(node), hint: `it would be ${path}` });
  return undefined;
}

function collect(source: SpecSource, missing: Set<string>, seen: Set<string>): void {
  const root = readDocument(source);
  if ("message" in root) return;
  const add = (node: SpecNode | undefined): string | undefined => {
    if (typeof node?.raw !== "string" || node.raw === "" || node.raw.includes("\0")) return undefined;
    const path = resolveIn(source.directory, node.raw);
    if (source.readFile?.(path) === undefined) missing.add(path);
    return path;
  };
  const below = add(childOf(root, "extends"));
  const text = below === undefined ? undefined : source.readFile?.(below);
  if (below !== undefined && text !== undefined && !seen.has(below)) {
    seen.add(below);
    collect(sourceBeside(source, below, text), missing, seen);
  }
  addSeries(root, add);
  for (const variant of itemsAt(root, "variants")) addSeries(variant, add);
  for (const run of itemsAt(root, "runs")) if (kindOf(run.raw) === "table") add(childOf(run, "from"));
}

/** Files of the lists in the grid and the zip groups of a file or a variant. */
function addSeries(level: SpecNode, add: (node: SpecNode | undefined) => unknown): void {
  if (kindOf(level.raw) !== "table") return;
  const walk = (node: SpecNode | undefined): void => {
    if (!node || kindOf(node.raw) !== "table") return;
    if (isSeries(node)) add(childOf(node, "file"));
    else for (const [, child] of entriesOf(node)) walk(child);
  };
  walk(childOf(level, "grid"));
  const zip = childOf(level, "zip");
  walk(zip);
  if (zip && kindOf(zip.raw) === "list") for (const group of itemsOf(zip)) walk(group);
}

function itemsAt(root: SpecNode, key: string): SpecNode[] {
  const node = childOf(root, key);
  return node && kindOf(node.raw) === "list" ? itemsOf(node) : [];
}
