/** [P] A Guild batch file (CSV, one trial a row) as ours: the sweep file names it, as ours read the same file. */
import { posix } from "node:path";
import { readTrials } from "../sampling/trials.ts";
import { type Conversion, convertProblem, type ForeignFile, sweepNameOf } from "./conversion.ts";
import { SweepDraft } from "./sweep-writer.ts";

/** Guild's functions of flags, which it expands within a row. */
const FLAG_FUNCTION = /^(?:range|linspace|logspace|uniform|loguniform|\w+)?\[[^\]]*:[^\]]*\]$/;

export function convertGuild(file: ForeignFile): Conversion {
  if (!/\.csv$/i.test(file.path)) {
    return convertProblem(file, "a sweep file reads a batch file by its name, which must end in .csv", 0, "rename it");
  }
  const read = readTrials(file, "csv");
  if ("problem" in read) return read;
  const draft = new SweepDraft();
  draft.top.set("name", sweepNameOf(draft, file, undefined));
  const run = draft.table("run");
  run.comment("A batch file names no program: say what Guild's operation runs.");
  run.set("command", ["python", "train.py", "${args}"]);
  const from = posix.basename(file.path);
  draft.run().set("from", from, `${read.trials.length} trials; the path starts from the directory of this file`);
  for (const { params, line } of read.trials) {
    for (const [name, value] of params) {
      if (typeof value !== "string" || !FLAG_FUNCTION.test(value)) continue;
      draft.leave(`line ${line}: ${name} is ${value}, a range to Guild and a text here; write it under [grid]`);
    }
  }
  return { text: draft.text(`Made by exp convert from a Guild batch file, ${file.path}.`), left: draft.left };
}
