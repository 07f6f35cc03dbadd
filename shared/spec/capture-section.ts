/** `[capture]`: what of a run's output and files becomes metrics without its program's help. */
import { type CaptureChoices, CSV_GLOBS_MAX, PATTERNS_MAX } from "../capture/options.ts";
import { compilePattern } from "../capture/pattern.ts";
import { childOf, itemsOf, type SpecNode } from "./node.ts";
import { excerpt, type Report, wrongValue } from "./report.ts";
import { SECTION_KEYS } from "./sweep-keys.ts";
import { readTable } from "./table-reader.ts";

/** What the table says; undefined where it says nothing. */
export function readCapture(report: Report, node: SpecNode | undefined): CaptureChoices | undefined {
  const table = readTable(report, node, "capture", SECTION_KEYS.capture);
  checkPatterns(report, node && childOf(node, "patterns"));
  for (const key of ["csv", "tensorboard_dirs"]) checkPaths(report, node && childOf(node, key), key);
  const choices: CaptureChoices = {
    ...(table.stdout && { stdout: table.stdout }),
    ...(table.patterns && { patterns: table.patterns }),
    ...(table.tensorboard !== undefined && { tensorboard: table.tensorboard }),
    ...(table.tensorboard_dirs && { tensorboardDirs: table.tensorboard_dirs }),
    ...(table.csv && { csv: table.csv }),
    ...(table.system !== undefined && { system: table.system }),
    ...(table.system_every !== undefined && { systemEveryMs: table.system_every }),
  };
  return Object.keys(choices).length > 0 ? choices : undefined;
}

function checkPatterns(report: Report, node: SpecNode | undefined): void {
  const items = node ? itemsOf(node) : [];
  if (node && items.length > PATTERNS_MAX)
    wrongValue(report, node, `capture.patterns has more than ${PATTERNS_MAX} entries`);
  for (const item of items.slice(0, PATTERNS_MAX)) {
    if (typeof item.raw !== "string") continue;
    const compiled = compilePattern(item.raw);
    if (!("problem" in compiled)) continue;
    const hint = "such as 'loss (?P<loss>\\value) at step (?P<step>\\step)', in single quotes";
    wrongValue(report, item, `the pattern ${excerpt(item.raw)} ${compiled.problem}`, hint);
  }
}

function checkPaths(report: Report, node: SpecNode | undefined, key: string): void {
  const items = node ? itemsOf(node) : [];
  if (node && items.length > CSV_GLOBS_MAX)
    wrongValue(report, node, `capture.${key} has more than ${CSV_GLOBS_MAX} entries`);
  for (const item of items) {
    if (typeof item.raw !== "string" || !item.raw.split("/").includes("..")) continue;
    wrongValue(report, item, `capture.${key} looks below run.cwd only: ${excerpt(item.raw)}`, "leave out the ..");
  }
}
