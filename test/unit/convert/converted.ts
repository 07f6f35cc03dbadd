/** Converting in tests: the text, what was left out, and our own reader's view of the result. */
import { convertFile, type ForeignKind } from "../../../shared/convert/convert.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import type { ExpandedSweep } from "../../../shared/spec/types.ts";
import { problemLine } from "../../helpers/spec-source.ts";

export interface Outcome {
  /** Without the first line, which names the origin. */
  readonly text: string;
  readonly left: readonly string[];
  readonly sweep: ExpandedSweep;
  readonly commands: readonly string[];
  /** Parameters of each point as JSON. */
  readonly points: readonly string[];
}

/** `files`: what the sweep file names, by name. */
export function converted(path: string, text: string, files: { readonly [name: string]: string } = {}): Outcome {
  const result = convertFile(foreign(path, text), undefined);
  if ("problem" in result) throw new Error(problemLine(result.problem));
  const read = readSweep({
    path: "sweep.toml",
    text: result.text,
    format: "toml",
    directory: "/d",
    readFile: (name) => files[name.replace("/d/", "")],
  });
  if ("problems" in read) throw new Error(`${result.text}\n${read.problems.map(problemLine).join("\n")}`);
  const points = [...read.sweep.points];
  return {
    text: result.text.slice(result.text.indexOf("\n") + 1),
    left: result.left,
    sweep: read.sweep,
    commands: read.sweep.shapes.map(({ template }) => JSON.stringify(template.command)),
    points: points.map(({ paramsJson }) => paramsJson),
  };
}

/** Why a text is refused, with its place. */
export function refusal(path: string, text: string, kind?: ForeignKind): string {
  const result = convertFile(foreign(path, text), kind);
  return "problem" in result ? problemLine(result.problem) : result.text;
}

function foreign(path: string, text: string) {
  return { path, text, directory: "/d", workingDirectory: "/w", home: "/h" };
}
