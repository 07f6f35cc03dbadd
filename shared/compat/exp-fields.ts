/** [P] Single fields of an EXP file, read as Python's `int(x)` and `float(x)` read them, and places of results, which have no effect. */
import type { SpecNode } from "../spec/node.ts";
import { excerpt, type Report, readText, wrongType, wrongValue } from "../spec/report.ts";
import type { Notes } from "./exp-notes.ts";
import { expandPath, type UserPlaces } from "./exp-paths.ts";
import { pythonFloat, pythonInt, pythonStr } from "./python-values.ts";

export function readInt(report: Report, node: SpecNode, label: string): bigint | undefined {
  const value = pythonInt(node.raw);
  if (value !== undefined) return value;
  if (typeof node.raw === "string" || typeof node.raw === "number") {
    return wrongValue(report, node, `${label} is no integer: ${excerpt(pythonStr(node.raw))}`);
  }
  return wrongType(report, node, label, "an integer");
}

export function readFloat(report: Report, node: SpecNode, label: string): number | undefined {
  const value = pythonFloat(node.raw);
  if (value !== undefined) return value;
  if (typeof node.raw === "string") return wrongValue(report, node, `${label} is no number: ${excerpt(node.raw)}`);
  return wrongType(report, node, label, "a number");
}

export function noteResultsPlace(
  report: Report,
  notes: Notes,
  node: SpecNode,
  label: string,
  places: UserPlaces,
  subject = label,
): void {
  const path = readText(report, node, label);
  if (path === undefined || path.trim() === "") return;
  const meant = expandPath(path, places) ?? path;
  notes.add(subject, node, `${subject} (${meant}) has no effect: the coordinator keeps all results in one place`);
}
