/** [P] EXP's own file in our form. It can be submitted as it is; this is for those who want to go on from there. */
import { type ExpEntry, isExpShape, readExpFile } from "../compat/exp-file.ts";
import { Notes } from "../compat/exp-notes.ts";
import { readDocument } from "../spec/document.ts";
import { escapeTemplate } from "../spec/placeholders.ts";
import { createReport, fileOf, problemsOf } from "../spec/report.ts";
import type { ParamValue } from "../spec/types.ts";
import { type Conversion, convertProblem, type ForeignFile, sweepNameOf } from "./conversion.ts";
import { SweepDraft } from "./sweep-writer.ts";

export function convertExp(file: ForeignFile): Conversion {
  const source = { path: file.path, text: file.text, format: "toml", directory: file.directory } as const;
  const root = readDocument(source);
  if ("message" in root) return { problem: root };
  if (!isExpShape(root)) {
    const hint = "it may be a sweep file already: exp plan FILE checks it";
    return convertProblem(file, "a TOML file without [scheduler] and [[experiments]] is none of EXP", 0, hint);
  }
  const report = createReport([fileOf(source)]);
  const notes = new Notes();
  const { entries, parallel } = readExpFile(report, notes, root, {
    configDirectory: file.directory,
    workingDirectory: file.workingDirectory,
    home: file.home,
  });
  const [problem] = problemsOf(report);
  if (problem) return { problem };
  const draft = new SweepDraft();
  draft.top.set("name", sweepNameOf(draft, file, undefined));
  draft.table("limits").set("parallel", parallel, "max_concurrent_experiments");
  const retries = new Set(entries.map((entry) => entry.retries));
  const most = Math.max(...retries);
  if (most > 0) draft.table("retry").set("max", most);
  if (retries.size > 1) draft.leave(`max_retries of each experiment: ${most} for all of them`);
  const repeated = new Set(entries.filter(({ repeat }) => repeat > 1).map(workOf));
  for (const entry of entries) addRun(draft, file, entry, repeated.has(workOf(entry)));
  const warnings = createReport([fileOf(source)]);
  notes.intoReport(warnings);
  for (const { message } of problemsOf(warnings)) draft.leave(message);
  return { text: draft.text(`Made by exp convert from an EXP file, ${file.path}; in EXP's order.`), left: draft.left };
}

function addRun(draft: SweepDraft, file: ForeignFile, entry: ExpEntry, isRepeated: boolean): void {
  const run = draft.run();
  const { description } = entry;
  run.set("params", {
    name: entry.name,
    ...(isRepeated && { repeat: entry.repeat }),
    ...(description !== undefined && { description }),
  });
  run.set("command", escapeTemplate(entry.command));
  if (entry.priority !== 0) run.set("priority", entry.priority);
  if (entry.tags.length > 0) run.set("tags", entry.tags);
  const own: { [key: string]: ParamValue } = {};
  if (entry.cwd !== file.directory) own.cwd = escapeTemplate(entry.cwd);
  const env = Object.entries(entry.environment).map(([key, value]) => [key, escapeTemplate(value)]);
  if (env.length > 0) own.env = Object.fromEntries(env);
  if (Object.keys(own).length > 0) run.set("run", own);
  if (entry.gpus !== undefined) run.set("resources", { gpus: entry.gpus });
}

function workOf({ name, command }: ExpEntry): string {
  return JSON.stringify([name, command]);
}
