/** `[capture]`: what of a run's output and files becomes metrics without its program's help. */
import { type CaptureChoices, CSV_GLOBS_MAX, ENV_NAMES_MAX, PATTERNS_MAX } from "../capture/options.ts";
import { compilePattern } from "../capture/pattern.ts";
import { ARTIFACT_GLOBS_MAX } from "../run/artifacts.ts";
import { looksSecret } from "../run/host-variables.ts";
import { childOf, itemsOf, type SpecNode } from "./node.ts";
import { excerpt, type Report, wrongValue } from "./report.ts";
import { SECTION_KEYS } from "./sweep-keys.ts";
import { readTable } from "./table-reader.ts";

/** What the table says; undefined where it says nothing. */
export function readCapture(
  report: Report,
  node: SpecNode | undefined,
  hasObjective: boolean,
): CaptureChoices | undefined {
  const table = readTable(report, node, "capture", SECTION_KEYS.capture);
  checkPatterns(report, node && childOf(node, "patterns"));
  checkPaths(report, node && childOf(node, "csv"), "csv", CSV_GLOBS_MAX);
  checkPaths(report, node && childOf(node, "tensorboard_dirs"), "tensorboard_dirs", CSV_GLOBS_MAX);
  checkPaths(report, node && childOf(node, "artifacts"), "artifacts", ARTIFACT_GLOBS_MAX);
  checkVariables(report, node && childOf(node, "env_allow"));
  const best = node && childOf(node, "keep_best");
  if (best && !hasObjective)
    wrongValue(
      report,
      best,
      "capture.keep_best needs an [objective] to tell the best by",
      "add [objective] with metric and goal",
    );
  const choices: CaptureChoices = {
    ...(table.stdout && { stdout: table.stdout }),
    ...(table.patterns && { patterns: table.patterns }),
    ...(table.tensorboard !== undefined && { tensorboard: table.tensorboard }),
    ...(table.tensorboard_dirs && { tensorboardDirs: table.tensorboard_dirs }),
    ...(table.csv && { csv: table.csv }),
    ...(table.system !== undefined && { system: table.system }),
    ...(table.system_every !== undefined && { systemEveryMs: table.system_every }),
    ...(table.artifacts && { artifacts: table.artifacts }),
    ...(table.keep_last !== undefined && { keepLast: table.keep_last }),
    ...(table.keep_best !== undefined && { keepBest: table.keep_best }),
    ...(table.hook !== undefined && { hook: table.hook }),
    ...(table.env_allow && { envAllow: table.env_allow }),
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

function checkVariables(report: Report, node: SpecNode | undefined): void {
  const items = node ? itemsOf(node) : [];
  if (node && items.length > ENV_NAMES_MAX)
    wrongValue(report, node, `capture.env_allow has more than ${ENV_NAMES_MAX} entries`);
  for (const item of items) {
    if (typeof item.raw !== "string") continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(item.raw)) {
      wrongValue(report, item, `${excerpt(item.raw)} is no name of a variable`, 'such as "DATA_VERSION"');
    } else if (looksSecret(item.raw)) {
      const hint = "what looks like a credential is never recorded: no TOKEN, SECRET, KEY, PASS, AUTH or CREDENTIAL";
      wrongValue(report, item, `capture.env_allow does not record ${excerpt(item.raw)}`, hint);
    }
  }
}

function checkPaths(report: Report, node: SpecNode | undefined, key: string, countMax: number): void {
  const items = node ? itemsOf(node) : [];
  if (node && items.length > countMax) wrongValue(report, node, `capture.${key} has more than ${countMax} entries`);
  for (const item of items) {
    if (typeof item.raw !== "string" || !item.raw.split("/").includes("..")) continue;
    wrongValue(report, item, `capture.${key} looks below run.cwd only: ${excerpt(item.raw)}`, "leave out the ..");
  }
}
