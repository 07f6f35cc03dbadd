/**
 * From the text of a sweep file to a `SweepSpec`, or to everything that is wrong with it, each with its place. Never
 * throws for a bad file. Nothing is guessed: what is not known is refused.
 */
import { suggest } from "../kernel/suggest.ts";
import { PRIORITY_MAX } from "../run/limits.ts";
import { nameProblem } from "../run/names.ts";
import { readDocument, type SpecSource } from "./document.ts";
import { childOf, entriesOf, kindOf, type SpecNode } from "./node.ts";
import { readParameters } from "./parameters.ts";
import { didYouMean, type SpecProblem } from "./problems.ts";
import {
  addFinding,
  createReport,
  excerpt,
  fileOf,
  hasKind,
  isReservedKey,
  keySpan,
  problemsOf,
  type Report,
  readInteger,
  readText,
  readWord,
  unknownKey,
  wrongValue,
} from "./report.ts";
import { readRun } from "./run-section.ts";
import { readLimits, readObjective, readResources, readRetryMax, SECTION_KEYS } from "./sections.ts";
import type { SweepSpec } from "./types.ts";

export type { SpecSource } from "./document.ts";
export type { SpecProblem } from "./problems.ts";

const TABLES = ["base", "grid", "run", "resources", "limits", "retry", "objective"] as const;
const KEYS = ["name", "seeds", "priority", "rerun"] as const;

/** The spec, or at least one problem; problems come in the order of the file. */
export function parseSpec(source: SpecSource): { spec: SweepSpec } | { problems: SpecProblem[] } {
  const root = readDocument(source);
  if ("message" in root) return { problems: [root] };
  const report = createReport([fileOf(source)]);
  const spec = readSpec(report, root);
  return report.findings.length === 0 ? { spec } : { problems: problemsOf(report) };
}

/** Of use only when the report stays empty. */
function readSpec(report: Report, root: SpecNode): SweepSpec {
  checkTopLevel(report, root);
  const parameters = readParameters(report, childOf(root, "base"), childOf(root, "grid"), childOf(root, "seeds"));
  const priority = childOf(root, "priority");
  const rerun = childOf(root, "rerun");
  const limits = readLimits(report, section(report, root, "limits"));
  return {
    settings: {
      name: readName(report, root),
      project: "",
      description: "",
      note: "",
      tags: [],
      priority: (priority && readInteger(report, priority, "priority", -PRIORITY_MAX, PRIORITY_MAX)) ?? 0,
      hold: false,
      after: [],
      parallel: limits.parallel,
      failures: 0,
      runsMax: 0,
      objective: readObjective(report, section(report, root, "objective")),
      rerun: (rerun && readWord(report, rerun, "rerun", ["missing", "all"])) ?? "missing",
      identity: { ignore: [], include: ["command"] },
    },
    base: parameters.base,
    grid: parameters.grid,
    seeds: parameters.seeds,
    shape: {
      template: readRun(report, root, section(report, root, "run"), parameters.names),
      resources: readResources(report, section(report, root, "resources")),
      limits: limits.run,
      retry: { max: readRetryMax(report, section(report, root, "retry")) },
      tags: [],
    },
  };
}

function readName(report: Report, root: SpecNode): string {
  const node = childOf(root, "name");
  if (!node) {
    const span = { start: root.at.start, end: root.at.start };
    const hint = 'add name = "my-sweep" as the first line';
    addFinding(report, { id: "spec.missing", message: "the sweep file has no name", span, hint });
    return "";
  }
  const name = readText(report, node, "name") ?? "";
  const problem = typeof node.raw === "string" ? nameProblem(node.raw) : undefined;
  if (problem !== undefined && report.findings.every(({ span }) => span.start !== node.at.start)) {
    wrongValue(report, node, `the name of the sweep ${problem}`);
  }
  return name;
}

/** A table of fixed keys, its unknown ones reported; undefined where the file has none. */
function section(report: Report, root: SpecNode, name: keyof typeof SECTION_KEYS): SpecNode | undefined {
  const node = childOf(root, name);
  if (!node || !hasKind(report, node, name, "table")) return undefined;
  const known: readonly string[] = SECTION_KEYS[name];
  for (const [key, child] of entriesOf(node)) {
    if (!known.includes(key)) unknownKey(report, child, key, `[${name}]`, known, tablesWith(key));
  }
  return node;
}

function checkTopLevel(report: Report, root: SpecNode): void {
  const known: readonly string[] = [...KEYS, ...TABLES];
  for (const [key, node] of entriesOf(root)) {
    if (known.includes(key)) continue;
    if (isReservedKey(key)) {
      addFinding(report, { id: "spec.reserved", message: `"${key}" cannot be a key`, span: keySpan(node) });
    } else if (isTable(node)) {
      const meant = suggest(key, TABLES);
      const message = `${excerpt(key)} is not a table of a sweep file`;
      const hint = didYouMean(meant && `[${meant}]`, `tables: ${TABLES.join(", ")}`);
      addFinding(report, { id: "spec.unknown-table", message, span: keySpan(node), hint });
    } else {
      unknownKey(report, node, key, "a sweep file", KEYS, tablesWith(key));
    }
  }
}

/** A table, or `[[…]]`. */
function isTable(node: SpecNode): boolean {
  const kind = kindOf(node.raw);
  if (kind !== "list") return kind === "table";
  return Array.isArray(node.raw) && node.raw.length > 0 && node.raw.every((item) => kindOf(item) === "table");
}

/** Tables that have a key of this name. */
function tablesWith(key: string): string[] {
  return Object.entries(SECTION_KEYS).flatMap(([table, keys]) => {
    const names: readonly string[] = keys;
    return names.includes(key) ? [table] : [];
  });
}
