/** [P] One run or one sweep in full. */
import { isSystemMetric } from "../../shared/capture/options.ts";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import type { ArtifactView } from "../../shared/run/artifacts.ts";
import type { CodeOrigin, CodeSnapshot, RunEnvironment } from "../../shared/run/provenance.ts";
import type { RunView, SweepView } from "../../shared/run/views.ts";
import { codeText, imageText, pythonText, snapshotText } from "./record.ts";
import { paramText } from "./run-fields.ts";
import { countsText } from "./runs.ts";
import { escapeControl, shortNumber } from "./text.ts";
import { clockText, spanText } from "./time.ts";
import { whatOf } from "./what.ts";

const ARTIFACTS_SHOWN_MAX = 20;

export interface AttemptLine {
  readonly number: number;
  readonly fence: number;
  /** Among the nodes of its run, from 0. */
  readonly rank: number;
  readonly nodes: number;
  readonly node: string;
  readonly devices: readonly string[];
  readonly state: string;
  readonly assignedAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Its output is stored whole. */
  readonly sealed: boolean;
}

export interface HistoryLine {
  readonly at: string;
  readonly kind: string;
  readonly text: string;
  readonly by: string | null;
}

export interface RunDetails extends RunView, RunOrigin {
  readonly resultsDir: string;
  /** Handle of the run that this one stands for; empty where it ran itself. */
  readonly reusedFrom: string;
  readonly sealed: boolean;
  readonly resources: unknown;
  readonly template: unknown;
  /** As typed in a shell, with its parameters filled in. */
  readonly command: string;
  /** Container image that it runs in; null: none. */
  readonly image: string | null;
  readonly attempts: readonly AttemptLine[];
  readonly events: readonly HistoryLine[];
  /** What it keeps of its files. */
  readonly artifacts: readonly ArtifactView[];
}

/** Where a sweep came from. */
export interface SweepOrigin {
  readonly code: CodeOrigin | null;
  readonly snapshot: CodeSnapshot | null;
  /** Path of its file, as it was typed. */
  readonly source: string | null;
}

/** The same of a run, and what people wrote on it. */
export interface RunOrigin extends SweepOrigin {
  readonly repeats: string | null;
  readonly repeatedBy: readonly string[];
  readonly environments: readonly { readonly attempt: number; readonly environment: RunEnvironment }[];
  readonly tags: readonly string[];
  readonly note: string;
  readonly favourite: boolean;
}

export interface SweepDetails extends SweepView, SweepOrigin {
  readonly objective: { readonly metric: string; readonly goal: string } | null;
}

export function runLines(run: RunDetails, nowMs: number): string[] {
  const lines = [`${run.ref}  ${run.state}${run.reason === "" ? "" : `  ${escapeControl(run.reason)}`}`];
  const field = (name: string, value: string) => {
    if (value !== "") lines.push(`  ${name.padEnd(9)} ${escapeControl(value)}`);
  };
  field("id", run.id);
  field("reused", run.reusedFrom);
  field("params", entriesText(run.params, paramText));
  field("command", run.command);
  field("image", imageText(run.image, run.environments.at(-1)?.environment));
  const metrics = Object.entries(run.metrics);
  field("metrics", metricsText(metrics.filter(([key]) => !isSystemMetric(key))));
  field("host", metricsText(metrics.filter(([key]) => isSystemMetric(key))));
  field("where", [run.node ?? "", ...run.devices].filter((word) => word !== "").join(" "));
  field("exit", run.exitCode === null ? "" : String(run.exitCode));
  field("created", clockText(run.createdAt));
  field("took", spanText(run.startedAt, run.finishedAt, nowMs));
  field("results", run.resultsDir);
  field("code", run.code === null ? "" : codeText(run.code));
  field("snapshot", run.snapshot === null ? "" : snapshotText(run.snapshot));
  const last = run.environments.at(-1);
  field("python", last ? pythonText(last.environment) : "");
  field("repeats", run.repeats ?? "");
  field("repeated", run.repeatedBy.join(" "));
  field("tags", [run.favourite ? "\u2605" : "", ...run.tags].filter((tag) => tag !== "").join(" "));
  field("note", run.note);
  const warnings = run.events.filter(({ kind }) => kind === "warning");
  field("warnings", warnings.length === 0 ? "" : `${warnings.length}, the last one: ${warnings.at(-1)?.text ?? ""}`);
  if (run.attempts.length > 0) lines.push("attempts");
  for (const attempt of run.attempts) {
    const took = spanText(attempt.startedAt, attempt.finishedAt, nowMs);
    const rest = [took, attempt.sealed || attempt.finishedAt === null ? "" : "output still coming"];
    const rank = attempt.nodes > 1 ? `rank ${attempt.rank} of ${attempt.nodes}` : "";
    const words = [`${attempt.number}`, rank, attempt.state, attempt.node, ...rest].filter((word) => word !== "");
    lines.push(`  ${escapeControl(words.join("  "))}`);
  }
  lines.push(...artifactLines(run.artifacts));
  if (run.events.length > 0) lines.push("history");
  for (const event of run.events)
    lines.push(`  ${clockText(event.at)}  ${escapeControl(`${event.kind}  ${whatOf(event)}`.trim())}`);
  return lines;
}

/** What was let go is left out; what is not there says why. */
function artifactLines(all: readonly ArtifactView[]): string[] {
  const shown = all.filter(({ state }) => state !== "removed");
  const [first] = shown;
  if (!first) return [];
  const pending = shown.filter(({ state }) => state === "pending").length;
  const heading = pending === 0 ? "artifacts" : `artifacts (${pending} of ${shown.length} still on the way)`;
  const rows = shown.slice(-ARTIFACTS_SHOWN_MAX).map((one) => {
    const { attempt, kind, name, step, sizeBytes, state, node, reason } = one;
    const standing = state === "pending" ? `on its way from ${node}` : state === "failed" ? "failed" : "";
    const words = [
      `${attempt}`,
      kind,
      name,
      step === null ? "" : `step ${step}`,
      formatBytes(sizeBytes),
      standing,
      reason,
    ];
    return `  ${escapeControl(words.filter((word) => word !== "").join("  "))}`;
  });
  const left = shown.length - rows.length;
  const more = left > 0 ? [`  and ${left} earlier ones`] : [];
  return [heading, ...more, ...rows, `  exp pull ${first.run}`];
}

export function sweepLines(sweep: SweepDetails): string[] {
  const lines = [`${sweep.ref}  ${sweep.state}`, `  runs      ${sweep.total}: ${countsText(sweep.counts)}`];
  if (sweep.reused > 0) lines.push(`  reused    ${sweep.reused}`);
  if (sweep.objective) lines.push(`  objective ${escapeControl(`${sweep.objective.goal} ${sweep.objective.metric}`)}`);
  lines.push(`  created   ${clockText(sweep.createdAt)}`);
  if (sweep.source !== null) lines.push(`  source    ${escapeControl(sweep.source)}`);
  if (sweep.code !== null) lines.push(`  code      ${escapeControl(codeText(sweep.code))}`);
  if (sweep.snapshot !== null) lines.push(`  snapshot  ${escapeControl(snapshotText(sweep.snapshot))}`);
  return lines;
}

function metricsText(metrics: readonly (readonly [string, number | string])[]): string {
  return entriesText(Object.fromEntries(metrics), (value) => shortNumber(value));
}

function entriesText<T>(entries: { readonly [key: string]: T }, text: (value: T) => string): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${text(value)}`)
    .join(" ");
}
