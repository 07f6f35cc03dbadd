/** What is the same for all runs of a sweep: the keys at the top, `[limits]`, `[retry]`, `[objective]`, `[identity]` and the rest. */

import { parseDuration } from "../kernel/duration.ts";
import { CAUSES_MAX, causeProblem } from "../run/causes.ts";
import { DURATION_MS_MAX } from "../run/limits.ts";
import { nameProblem } from "../run/names.ts";
import { channelName, MESSAGE_KINDS, type NotifyEvent, type NotifySettings } from "../run/notify.ts";
import type { RetryPolicy } from "../run/retry.ts";
import { computedPlaces, withComputed } from "./computed-values.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { parameterNameProblem } from "./param-value.ts";
import { readRemedies } from "./remedy-section.ts";
import { addFinding, excerpt, keySpan, type Report, readText, wrongType, wrongValue } from "./report.ts";
import { readStop } from "./stop-section.ts";
import { OWN_LIMIT_KEYS, OWN_LIMITS, SECTION_KEYS, type SWEEP_KEYS } from "./sweep-keys.ts";
import { readTable, type TableOf } from "./table-reader.ts";
import {
  IDENTITY_PARTS,
  type Identity,
  type IdentityPart,
  type Objective,
  type RunLimits,
  type SweepSettings,
} from "./types.ts";

const STOP_GRACE_MS = 30_000;
const HOUR_MS = 3_600_000;
/** Patterns of `identity.ignore`. */
const IGNORE_MAX = 1000;

type TopKeys = TableOf<typeof SWEEP_KEYS>;

export function readSettings(report: Report, root: SpecNode, top: TopKeys): SweepSettings {
  const bounds = childOf(root, "limits");
  // Those of a run may be computed for each point, and are read with its shape.
  const own = bounds && withComputed(bounds, computedPlaces(bounds, "limits", OWN_LIMIT_KEYS));
  const limits = readTable(report, own, "limits", SECTION_KEYS.limits);
  const notify = readNotify(report, childOf(root, "notify"));
  const objective = readObjective(report, childOf(root, "objective"));
  const stop = readStop(report, childOf(root, "stop"), objective);
  return {
    name: readName(report, root, top),
    project: top.project ?? "",
    description: top.description ?? "",
    note: top.note ?? "",
    tags: top.tags ?? [],
    priority: top.priority ?? 0,
    hold: top.hold ?? false,
    after: top.after ?? [],
    parallel: limits.parallel ?? 0,
    failures: limits.failures ?? 0,
    gpuMs: readGpuHours(report, bounds, limits.gpu_hours),
    deadline: (top.deadline && readDate(report, top.deadline, "deadline")) ?? 0,
    runsMax: limits.runs ?? 0,
    objective,
    rerun: top.rerun ?? "missing",
    identity: readIdentity(report, childOf(root, "identity")),
    ...(notify && { notify }),
    ...(stop && { stop }),
  };
}

/** Bounds of one run. A variant's own table may hold nothing else. */
export function readRunLimits(report: Report, node: SpecNode | undefined, label: string): RunLimits {
  const table = readTable(report, node, label, label === "limits" ? SECTION_KEYS.limits : OWN_LIMIT_KEYS);
  return { timeMs: table.time ?? 0, idleMs: table.idle ?? 0, stopGraceMs: table.stop_grace ?? STOP_GRACE_MS };
}

/** Refuses what counts for a whole sweep in the `[limits]` of a variant or a run. */
export function checkOwnLimits(report: Report, node: SpecNode | undefined, label: string): void {
  if (!node || kindOf(node.raw) !== "table") return;
  const own: readonly string[] = OWN_LIMITS;
  for (const [key, child] of entriesOf(node)) {
    if (own.includes(key) || !Object.hasOwn(SECTION_KEYS.limits, key)) continue;
    const message = `${label}.${key} cannot be set here: it counts for the whole sweep`;
    addFinding(report, { id: "spec.unknown-key", message, span: keySpan(child), hint: "it belongs into [limits]" });
  }
}

export function readRetry(report: Report, node: SpecNode | undefined): RetryPolicy {
  const table = readTable(report, node, "retry", SECTION_KEYS.retry);
  const on = table.on && readCauses(report, node, "on", table.on);
  const never = table.never && readCauses(report, node, "never", table.never);
  const backoff = table.backoff && readBackoff(report, table.backoff);
  const remedies = table.remedy && readRemedies(report, table.remedy);
  return {
    max: table.max ?? 0,
    ...(on && { on }),
    ...(never && { never }),
    ...(backoff && { backoff }),
    ...(table.avoid_node !== undefined && { avoidNode: table.avoid_node }),
    ...(table.resume !== undefined && { resume: table.resume }),
    ...(remedies && remedies.length > 0 && { remedies }),
  };
}

function readName(report: Report, root: SpecNode, top: TopKeys): string {
  const node = childOf(root, "name");
  if (!node) {
    const span = { start: root.at.start, end: root.at.start };
    const hint = 'add name = "my-sweep" as the first line';
    addFinding(report, { id: "spec.missing", message: "the sweep file has no name", span, hint });
    return "";
  }
  const { name } = top;
  if (name === undefined) return "";
  const problem = nameProblem(name);
  if (problem !== undefined) wrongValue(report, node, `the name of the sweep ${problem}`);
  return name;
}

function readObjective(report: Report, node: SpecNode | undefined): Objective | undefined {
  if (!node) return undefined;
  const { metric, goal, reduce, target } = readTable(report, node, "objective", SECTION_KEYS.objective);
  if (kindOf(node.raw) !== "table") return undefined;
  for (const [key, hint] of [
    ["metric", 'add metric = "val/acc"'],
    ["goal", 'add goal = "maximize" or goal = "minimize"'],
  ] as const) {
    if (childOf(node, key)) continue;
    addFinding(report, { id: "spec.missing", message: `[objective] has no ${key}`, span: keySpan(node), hint });
  }
  if (metric === undefined || goal === undefined) return undefined;
  return { metric, goal, ...(reduce && { reduce }), ...(target !== undefined && { target }) };
}

function readIdentity(report: Report, node: SpecNode | undefined): Identity {
  const table = readTable(report, node, "identity", SECTION_KEYS.identity);
  const ignored = node && childOf(node, "ignore");
  for (const item of ignored ? itemsOf(ignored) : []) {
    if (typeof item.raw !== "string" || item.raw === "") continue;
    const problem = parameterNameProblem(item.raw.replaceAll("*", "x"));
    if (problem) addFinding(report, { ...problem, span: { start: item.at.start, end: item.at.end } });
  }
  if (ignored && (table.ignore?.length ?? 0) > IGNORE_MAX) {
    wrongValue(report, ignored, `identity.ignore has more than ${IGNORE_MAX} entries`);
  }
  return { ignore: table.ignore ?? [], ...readIncluded(report, node && childOf(node, "include"), table.include) };
}

/** `"code"`, `"env:uv.lock"`, `"data:data/train.csv"`: a part, and for two of them the files that stand for it. */
function readIncluded(
  report: Report,
  node: SpecNode | undefined,
  entries: readonly string[] = ["command"],
): Omit<Identity, "ignore"> {
  const files: { [part in IdentityPart]: string[] } = { command: [], code: [], env: [], data: [] };
  const include = new Set<IdentityPart>();
  for (const [i, entry] of entries.entries()) {
    const colon = entry.indexOf(":");
    const part = IDENTITY_PARTS.find((each) => each === (colon < 0 ? entry : entry.slice(0, colon)));
    const path = colon < 0 ? undefined : entry.slice(colon + 1);
    const item = (node && itemsOf(node)[i]) ?? node;
    const takesFile = part === "env" || part === "data";
    const isKnown = part && path !== "" && (path === undefined ? part !== "data" : takesFile);
    if (isKnown) {
      include.add(part);
      if (path !== undefined) files[part].push(path);
    } else if (item) {
      wrongValue(report, item, `identity.include[${i}] must be ${INCLUDED}, not ${excerpt(entry)}`);
    }
  }
  return {
    include: [...include],
    ...(files.env.length > 0 && { envFiles: files.env }),
    ...(files.data.length > 0 && { dataFiles: files.data }),
  };
}

const INCLUDED = '"command", "code", "env", "env:PATH" or "data:PATH"';

function readCauses(
  report: Report,
  node: SpecNode | undefined,
  key: "on" | "never",
  causes: readonly string[],
): readonly string[] | undefined {
  const list = node && childOf(node, key);
  if (!list) return undefined;
  if (causes.length > CAUSES_MAX) return wrongValue(report, list, `retry.${key} has more than ${CAUSES_MAX} entries`);
  for (const [i, cause] of causes.entries()) {
    const problem = causeProblem(cause);
    const item = itemsOf(list)[i] ?? list;
    if (problem !== undefined) return wrongValue(report, item, `retry.${key}[${i}], ${excerpt(cause)}, ${problem}`);
  }
  return causes;
}

/** "30s..10m", or one time for all. */
function readBackoff(report: Report, node: SpecNode): { minMs: number; maxMs: number } | undefined {
  const hint = 'write it like "30s" or "30s..10m"';
  const text = readText(report, node, "retry.backoff", hint);
  if (text === undefined) return undefined;
  const parts = text.split("..").map((part) => parseDuration(part.trim()));
  const [minMs, maxMs = minMs] = parts;
  if (parts.length > 2 || minMs === undefined || maxMs === undefined) {
    return wrongValue(report, node, `retry.backoff is no time or range of times: ${excerpt(text)}`, hint);
  }
  if (minMs > maxMs) return wrongValue(report, node, `retry.backoff goes from the longer to the shorter time`, hint);
  if (maxMs > DURATION_MS_MAX) return wrongValue(report, node, "retry.backoff must be at most 366 days");
  return { minMs, maxMs };
}

/** Undefined where nobody is to be told. */
function readNotify(report: Report, node: SpecNode | undefined): NotifySettings | undefined {
  if (!node) return undefined;
  const table = readTable(report, node, "notify", SECTION_KEYS.notify);
  if (kindOf(node.raw) !== "table") return undefined;
  for (const key of ["on", "to"]) {
    if (childOf(node, key)) continue;
    addFinding(report, { id: "spec.missing", message: `[notify] has no ${key}`, span: keySpan(node) });
  }
  const list = childOf(node, "to");
  const to = (table.to ?? []).flatMap((text, i) => {
    const name = channelName(text);
    if (name !== undefined || !list) return name ?? [];
    const message = `notify.to[${i}] is no channel: ${excerpt(text)}`;
    wrongValue(
      report,
      itemsOf(list)[i] ?? list,
      message,
      `write it like "slack:ml"; kinds: ${MESSAGE_KINDS.join(", ")}`,
    );
    return [];
  });
  const on = (table.on ?? []) as readonly NotifyEvent[];
  return on.length > 0 && to.length > 0 ? { on, to: [...new Set(to)] } : undefined;
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;
const DAY_MS = 86_400_000;

/** A date of TOML, or the same as text, as JSON has none: Unix ms. A day alone is its end; without a zone it is UTC. */
function readDate(report: Report, node: SpecNode, label: string): number | undefined {
  const { raw } = node;
  const hint = "write it like 2027-01-31 or 2027-01-31T18:00:00Z";
  const text = kindOf(raw) === "date" ? (raw as Date).toISOString() : raw;
  if (typeof text !== "string") return wrongType(report, node, label, "a date", hint);
  const [, day = "", time, zone = "Z"] = DATE.exec(text) ?? [];
  const at = Date.parse(`${day}T${time ?? "00:00"}${zone.toUpperCase()}`);
  // A day that the month does not have rolls over.
  const dayAt = Date.parse(`${day}T00:00Z`);
  const isDay = Number.isFinite(dayAt) && new Date(dayAt).toISOString().startsWith(day);
  if (!Number.isFinite(at) || !isDay) return wrongValue(report, node, `${label} is no date: ${excerpt(text)}`, hint);
  return time === undefined ? at + DAY_MS : at;
}

function readGpuHours(report: Report, limits: SpecNode | undefined, hours: number | undefined): number {
  if (hours === undefined) return 0;
  const node = limits && childOf(limits, "gpu_hours");
  if (node && hours * HOUR_MS < 1) wrongValue(report, node, "limits.gpu_hours must be more than 0");
  return Math.round(hours * HOUR_MS);
}
