/** `[run]`, `[resources]`, `[limits]`, `[retry]` and `[objective]`: one reader each. What is wrong goes into the report. */
import { posix } from "node:path";
import type { ResourceRequest } from "../run/devices.ts";
import {
  COMMAND_WORDS_MAX,
  CPU_SLOTS_MAX,
  DEVICES_PER_RUN_MAX,
  RETRIES_MAX,
  RUNS_PER_SWEEP_MAX,
} from "../run/limits.ts";
import { grouped } from "./document.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { escapeTemplate } from "./placeholders.ts";
import {
  addFinding,
  excerpt,
  hasKind,
  isReservedKey,
  keySpan,
  type Report,
  readDuration,
  readInteger,
  readText,
  readWord,
  valueSpan,
  wrongType,
  wrongValue,
} from "./report.ts";
import { fileAt, textAt } from "./source-files.ts";
import { type TextRole, templateIssues } from "./template.ts";
import { FloatParam, type Objective, type RunLimits, type RunTemplate } from "./types.ts";
import { valueText } from "./value-text.ts";

/** Keys of each table. A list, so that messages name them in this order. */
export const SECTION_KEYS = {
  run: ["command", "args", "cwd", "env"],
  resources: ["gpus", "cpus"],
  limits: ["time", "parallel", "stop_grace"],
  retry: ["max"],
  objective: ["metric", "goal"],
} as const;

const STOP_GRACE_MS = 30_000;

const COMMAND_HINT = 'add [run] command = ["python", "train.py", "${args}"]';

/** `names`: every parameter of the sweep. `root` stands in for a missing `[run]`. */
export function readRun(
  report: Report,
  root: SpecNode,
  run: SpecNode | undefined,
  names: ReadonlySet<string>,
): RunTemplate {
  const at = (key: (typeof SECTION_KEYS.run)[number]) => run && childOf(run, key);
  const commandNode = at("command");
  const cwdNode = at("cwd");
  const envNode = at("env");
  const argsNode = at("args");
  if (!commandNode) {
    const span = run ? keySpan(run) : { start: root.at.start, end: root.at.start };
    const message = "the sweep file has no command to run";
    addFinding(report, { id: "spec.missing", message, span, hint: COMMAND_HINT });
  }
  return {
    command: commandNode ? readCommand(report, commandNode, names) : "",
    args: (argsNode && readWord(report, argsNode, "run.args", ["flags"])) ?? "flags",
    cwd: readCwd(report, cwdNode, names),
    env: envNode ? readEnv(report, envNode, names) : {},
  };
}

export function readResources(report: Report, node: SpecNode | undefined): ResourceRequest {
  const gpus = node && childOf(node, "gpus");
  const cpus = node && childOf(node, "cpus");
  return {
    gpus: gpus && readInteger(report, gpus, "resources.gpus", 0, DEVICES_PER_RUN_MAX),
    cpus: cpus && readInteger(report, cpus, "resources.cpus", 1, CPU_SLOTS_MAX),
  };
}

/** Bounds of a run, and of the sweep. */
export interface Limits {
  readonly run: RunLimits;
  readonly parallel: number;
}

export function readLimits(report: Report, node: SpecNode | undefined): Limits {
  const time = node && childOf(node, "time");
  const parallel = node && childOf(node, "parallel");
  const grace = node && childOf(node, "stop_grace");
  return {
    run: {
      timeMs: (time && readDuration(report, time, "limits.time", 1)) ?? 0,
      idleMs: 0,
      stopGraceMs: (grace && readDuration(report, grace, "limits.stop_grace", 0)) ?? STOP_GRACE_MS,
    },
    parallel: (parallel && readInteger(report, parallel, "limits.parallel", 1, RUNS_PER_SWEEP_MAX)) ?? 0,
  };
}

export function readRetryMax(report: Report, node: SpecNode | undefined): number {
  const max = node && childOf(node, "max");
  return (max && readInteger(report, max, "retry.max", 0, RETRIES_MAX)) ?? 0;
}

export function readObjective(report: Report, node: SpecNode | undefined): Objective | undefined {
  if (!node) return undefined;
  const metricNode = childOf(node, "metric");
  const goalNode = childOf(node, "goal");
  for (const [key, child] of [
    ["metric", metricNode],
    ["goal", goalNode],
  ] as const) {
    if (child) continue;
    const hint = key === "metric" ? 'add metric = "val/acc"' : 'add goal = "maximize" or goal = "minimize"';
    addFinding(report, { id: "spec.missing", message: `[objective] has no ${key}`, span: keySpan(node), hint });
  }
  const metric = metricNode && readText(report, metricNode, "objective.metric");
  if (metricNode && metric === "") wrongValue(report, metricNode, "objective.metric is empty");
  const goal = goalNode && readWord(report, goalNode, "objective.goal", ["maximize", "minimize"]);
  return metric === undefined || goal === undefined ? undefined : { metric, goal };
}

function readCommand(report: Report, node: SpecNode, names: ReadonlySet<string>): RunTemplate["command"] {
  const kind = kindOf(node.raw);
  if (kind === "string") {
    const text = readText(report, node, "run.command") ?? "";
    if (text.trim() === "") wrongValue(report, node, "run.command is empty", COMMAND_HINT);
    checkTemplate(report, node, text, "shell", names);
    return text;
  }
  if (kind !== "list") {
    wrongType(report, node, "run.command", "a list of strings or a string", COMMAND_HINT);
    return "";
  }
  const items = itemsOf(node).slice(0, COMMAND_WORDS_MAX + 1);
  if (items.length > COMMAND_WORDS_MAX) {
    wrongValue(report, node, `run.command has more than ${grouped(COMMAND_WORDS_MAX)} words`);
    return "";
  }
  if (items.length === 0) wrongValue(report, node, "run.command is empty", COMMAND_HINT);
  return items.map((item, i) => {
    const text = readText(report, item, `run.command[${i}]`, "put it in quotes") ?? "";
    if (i === 0 && item.raw === "") wrongValue(report, item, "run.command[0], the program, is empty");
    checkTemplate(report, item, text, "word", names);
    return text;
  });
}

/** Absolute, but for `${…}`: a relative directory starts from that of the sweep file. */
function readCwd(report: Report, node: SpecNode | undefined, names: ReadonlySet<string>): string {
  const home = escapeTemplate(fileAt(report.files, node?.at.start ?? 0).directory);
  const text = node && readText(report, node, "run.cwd");
  if (!node || text === undefined) return home;
  if (text === "") wrongValue(report, node, "run.cwd is empty", "leave it out for the directory of the sweep file");
  if (text.startsWith("~")) wrongValue(report, node, 'run.cwd starts with "~", which is not expanded', "write it out");
  checkTemplate(report, node, text, "plain", names);
  return text.startsWith("/") || text.startsWith("${run.dir}") ? text : posix.join(home, text);
}

function readEnv(report: Report, node: SpecNode, names: ReadonlySet<string>): { [name: string]: string } {
  const env: { [name: string]: string } = {};
  if (!hasKind(report, node, "run.env", "table")) return env;
  for (const [name, child] of entriesOf(node)) {
    if (isReservedKey(name) || name.startsWith("EXP_")) {
      const hint = name.startsWith("EXP_") ? "names that begin with EXP_ are set by ExpFleet" : undefined;
      const message = `run.env cannot set ${excerpt(name)}`;
      addFinding(report, { id: "spec.reserved", message, span: keySpan(child), ...(hint !== undefined && { hint }) });
    } else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const message = `${excerpt(name)} is no name of an environment variable`;
      const hint = 'letters, digits and "_", not a digit first';
      addFinding(report, { id: "spec.name", message, span: keySpan(child), hint });
    } else {
      env[name] = readEnvText(report, child, `run.env.${name}`, names);
    }
  }
  return env;
}

function readEnvText(report: Report, node: SpecNode, label: string, names: ReadonlySet<string>): string {
  const { raw } = node;
  if (typeof raw === "boolean" || typeof raw === "bigint") return String(raw);
  if (typeof raw === "number" && Number.isFinite(raw)) return valueText(new FloatParam(raw));
  if (typeof raw === "number") return String(raw);
  if (typeof raw !== "string") {
    wrongType(report, node, label, "a string, number or boolean");
    return "";
  }
  const text = readText(report, node, label) ?? "";
  checkTemplate(report, node, text, "plain", names);
  return text;
}

/** Reports placeholders that will not render, each at its own place where the file has it as written. */
function checkTemplate(report: Report, node: SpecNode, text: string, role: TextRole, names: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const { raw, message, hint } of templateIssues(text, role, names)) {
    if (seen.has(raw)) continue;
    seen.add(raw);
    const whole = valueSpan(node);
    const found = textAt(report.files, whole).indexOf(raw);
    const start = whole.start + found;
    const span = found < 0 ? whole : { start, end: start + raw.length };
    addFinding(report, { id: "spec.template", message, span, hint });
  }
}
