/** [P] What a converter is given and what it returns. */
import { NAME_CHARS_MAX } from "../run/limits.ts";
import { nameProblem } from "../run/names.ts";
import type { SpecProblem } from "../spec/problems.ts";
import { placeOf } from "../spec/source-files.ts";
import type { SweepDraft } from "./sweep-writer.ts";
import { fieldOf, textOf } from "./yaml-fields.ts";
import type { YamlMap } from "./yaml-reader.ts";

/** A file to convert. */
export interface ForeignFile {
  /** As the user named it. */
  readonly path: string;
  readonly text: string;
  /** Absolute; its directory. */
  readonly directory: string;
  /** Absolute: where EXP's relative paths start, and what "~" is to it. */
  readonly workingDirectory: string;
  readonly home: string;
}

export interface Converted {
  /** The text of a sweep file. */
  readonly text: string;
  /** What it does not have any more, a line each; the text ends with them too. */
  readonly left: readonly string[];
}

export type Conversion = Converted | { readonly problem: SpecProblem };

export function convertProblem(file: ForeignFile, message: string, start = 0, hint?: string): { problem: SpecProblem } {
  const place = placeOf([{ ...file, origin: 0 }], { start, end: start });
  return {
    problem: { id: "convert", message, ...(place && { place }), ...(hint === undefined ? {} : { hint }) },
  };
}

/** A sweep's name from whatever something was called; the name of the file where it was called nothing. */
export function sweepNameOf(draft: SweepDraft, file: ForeignFile, wanted: string | undefined): string {
  const stem = file.path.slice(file.path.lastIndexOf("/") + 1).replace(/\.\w+$/, "");
  const name = (wanted ?? stem)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, NAME_CHARS_MAX)
    .replace(/-+$/, "");
  if (wanted !== undefined && nameProblem(wanted) !== undefined) {
    draft.leave(`the name ${JSON.stringify(wanted)}: names here are letters, digits, ".", "_" and "-"`);
  }
  return name === "" ? "sweep" : name;
}

/** Name, project and description of a file that calls them so, too. */
export function addNames(draft: SweepDraft, file: ForeignFile, root: YamlMap): void {
  draft.top.set("name", sweepNameOf(draft, file, textOf(fieldOf(root, "name"))));
  for (const key of ["project", "description"]) {
    const text = textOf(fieldOf(root, key));
    if (text !== undefined) draft.top.set(key, text);
  }
}
