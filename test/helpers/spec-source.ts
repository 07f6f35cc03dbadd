/** Sweep files for tests. */
import type { SpecProblem, SpecSource } from "../../shared/spec/parse.ts";
import { readSweep } from "../../shared/spec/read-sweep.ts";
import type { ExpandedSweep, SweepPoint } from "../../shared/spec/types.ts";

export function tomlSource(text: string): SpecSource {
  return { path: "sweep.toml", text, format: "toml", directory: "/srv/ada/work" };
}

/** The expansion of a TOML text that must be sound. */
export function sweepOf(text: string): ExpandedSweep {
  const result = readSweep(tomlSource(text));
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  return result.sweep;
}

/** All points of a TOML text that must be sound. */
export function pointsOf(text: string): SweepPoint[] {
  return [...sweepOf(text).points];
}

/** The problems of a TOML text, one line each. */
export function problemLinesOf(text: string): string[] {
  const result = readSweep(tomlSource(text));
  return "problems" in result ? result.problems.map(problemLine) : [];
}

/** `line:column+length id: message | hint` */
export function problemLine({ id, message, place, hint }: SpecProblem): string {
  const length = place?.length === undefined ? "" : `+${place.length}`;
  const where = place ? `${place.line}:${place.column}${length} ` : "";
  return `${where}${id}: ${message}${hint === undefined ? "" : ` | ${hint}`}`;
}
