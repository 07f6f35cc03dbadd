/** [P] What ztxexp (1.0.3, schema 2) reads in a run's directory: run.json, meta.json, metrics.jsonl and events.jsonl. */
import { describeOutcome, isTerminal, type Outcome, type RunState } from "../../shared/run/states.ts";
import type { Params } from "../../shared/spec/types.ts";
import type { ResultAttempt, ResultRecord } from "../store/run-record.ts";
import type { MetricPoint } from "./metric-points.ts";
import { jsonNumber, type PythonValue } from "./python-text.ts";
import { environmentOf } from "./reproducibility.ts";
import { directoryName } from "./run-directory.ts";
import { utcTime } from "./timestamps.ts";

type ZtxexpStatus = "running" | "succeeded" | "failed" | "skipped";

/** How a run ended, in ztxexp's words. */
export interface Ending {
  readonly status: ZtxexpStatus;
  readonly errorType: string | null;
  readonly errorMessage: string | null;
}

/** `reason`: why it is in its state, in one line. `shown`: the attempt whose output stands for the run. */
export function endingOf(record: ResultRecord, shown: ResultAttempt | undefined, reason: string): Ending {
  const status = ztxexpStatus(record.state);
  if (status === "running" || status === "succeeded") return { status, errorType: null, errorMessage: null };
  if (status === "skipped") return { status, errorType: "SkipRun", errorMessage: reason };
  const type = record.state === "cancelled" ? "Cancelled" : errorTypeOf(shown?.outcome);
  const message = reason || (shown?.outcome ? describeOutcome(shown.outcome) : record.state);
  return { status, errorType: type, errorMessage: message };
}

/** The content of run.json: these keys in this order. `runId` is the name of the directory. */
export function runOf(record: ResultRecord, runId: string, ending: Ending): PythonValue {
  const startedAt = startOf(record);
  const finishedAt = isTerminal(record.state) ? (record.finishedAt ?? startedAt) : undefined;
  return {
    schema_version: 2,
    run_id: runId,
    status: ending.status,
    started_at: utcTime(startedAt),
    finished_at: finishedAt === undefined ? null : utcTime(finishedAt),
    duration_sec: finishedAt === undefined ? null : Math.max(0, finishedAt - startedAt) / 1000,
    error_type: ending.errorType,
    error_message: ending.errorMessage,
    experiment_name: record.sweepName,
    group: record.sweepRef,
    parent_run_id: parentOf(record),
    tags: record.tags,
    ...countsOf(record),
  };
}

/** The content of meta.json: ztxexp's keys in its order; what only we know is in `extras`. */
export function metaOf(
  record: ResultRecord,
  shown: ResultAttempt | undefined,
  notes: readonly string[] = [],
): { readonly [key: string]: PythonValue } {
  return {
    experiment_name: record.sweepName,
    group: record.sweepRef,
    tags: record.tags,
    parent_run_id: parentOf(record),
    attempt: countsOf(record).attempt,
    git_commit: record.provenance?.code?.git?.commit ?? null,
    python_version: environmentOf(record, shown)?.python?.version ?? null,
    platform: shown?.platform || null,
    hostname: shown?.hostname || null,
    started_cmd: record.command,
    dataset_version: datasetVersion(record.params),
    seed: seedOf(record.params),
    extras: {
      id: record.runId,
      ref: record.runRef,
      index: record.index,
      state: record.state,
      reason: record.reason,
      ...(record.provenance?.repeats ? { repeats: record.provenance.repeats } : {}),
      ...(record.reusedFrom === undefined ? {} : { reused_from: record.reusedFrom }),
      ...(record.note === "" ? {} : { note: record.note }),
      ...(record.remedied === undefined ? {} : { remedied: record.remedied }),
      ...(notes.length === 0 ? {} : { notes }),
      attempts: record.attempts.map(attemptExtras),
    },
  };
}

/** One line of metrics.jsonl, its newline included. Put together by hand: a run may have a million of them. */
export function metricLineOf(point: MetricPoint): string {
  let metrics = "";
  for (const [key, value] of point.values) {
    metrics += `${metrics === "" ? "" : ", "}${JSON.stringify(key)}: ${jsonNumber(value)}`;
  }
  const where = `"split": ${JSON.stringify(point.split)}, "phase": ${JSON.stringify(point.phase)}`;
  return `{"step": ${jsonNumber(point.step)}, "timestamp": "${utcTime(point.at)}", "metrics": {${metrics}}, ${where}}\n`;
}

/** The lines of events.jsonl. Metrics are in metrics.jsonl only. */
export function eventsOf(record: ResultRecord, runId: string, ending: Ending, meta: PythonValue): PythonValue[] {
  const at = utcTime(startOf(record));
  const events: PythonValue[] = [
    { event: "run_start", run_id: runId, timestamp: at, meta },
    { event: "start", run_id: runId, timestamp: at },
  ];
  for (const [i, attempt] of record.attempts.slice(0, -1).entries()) {
    const retriedAt = attempt.finishedAt ?? record.attempts[i + 1]?.assignedAt ?? attempt.assignedAt;
    events.push({
      event: "retry",
      run_id: runId,
      attempt: attempt.number,
      timestamp: utcTime(retriedAt),
      error_type: errorTypeOf(attempt.outcome),
      error_message: attempt.outcome ? describeOutcome(attempt.outcome) : "",
    });
  }
  if (ending.status === "running") return events;
  const timestamp = utcTime(record.finishedAt ?? startOf(record));
  const { attempt, retry_count } = countsOf(record);
  const error = { error_type: ending.errorType, error_message: ending.errorMessage };
  if (ending.status === "failed") events.push({ event: "error", run_id: runId, attempt, timestamp, ...error });
  if (ending.status === "skipped") {
    events.push({ event: "skip", run_id: runId, attempt, timestamp, reason: ending.errorMessage });
  }
  const summary = { run_id: runId, status: ending.status, ...error, retry_count, attempt };
  events.push({ event: "end", run_id: runId, timestamp, summary });
  events.push({ event: "run_end", run_id: runId, timestamp, summary });
  return events;
}

function ztxexpStatus(state: RunState): ZtxexpStatus {
  if (!isTerminal(state)) return "running";
  return state === "cancelled" ? "failed" : state;
}

/** A word for the way an attempt ended, where ztxexp has the name of an exception. */
function errorTypeOf(outcome: Outcome | undefined): string {
  return outcome === undefined ? "Failed" : ERROR_TYPES[outcome.kind];
}

const ERROR_TYPES: Record<Outcome["kind"], string> = {
  succeeded: "Failed",
  failed: "ExitCode",
  signalled: "Signalled",
  oom: "OutOfMemory",
  timeout: "TimeLimit",
  idle: "IdleLimit",
  cancelled: "Cancelled",
  skipped: "SkipRun",
  lost: "HostLost",
  rejected: "Rejected",
  superseded: "Superseded",
};

function startOf(record: ResultRecord): number {
  const first = record.attempts.find((attempt) => attempt.startedAt !== undefined);
  return first?.startedAt ?? record.firstAssignedAt;
}

function countsOf(record: ResultRecord): { readonly attempt: number; readonly retry_count: number } {
  const attempt = Math.max(1, record.attempts.at(-1)?.number ?? 1);
  return { attempt, retry_count: attempt - 1 };
}

/** The run that it repeats, by the name of its directory. */
function parentOf({ provenance }: ResultRecord): string | null {
  const { repeats = null, repeatsAssignedAt = null } = provenance ?? {};
  return repeats === null || repeatsAssignedAt === null ? null : directoryName(repeats, repeatsAssignedAt);
}

function datasetVersion(params: Params): string | null {
  const value = params.get("dataset_version") ?? params.get("data_version");
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function seedOf(params: Params): number | null {
  const seed = params.get("seed");
  return typeof seed === "number" ? seed : null;
}

function attemptExtras(attempt: ResultAttempt): PythonValue {
  return {
    number: attempt.number,
    fence: attempt.fence,
    node: attempt.node,
    devices: attempt.devices.map((device) => device.uuid),
    outcome: attempt.outcome ? describeOutcome(attempt.outcome) : null,
    assigned_at: utcTime(attempt.assignedAt),
    started_at: attempt.startedAt === undefined ? null : utcTime(attempt.startedAt),
    finished_at: attempt.finishedAt === undefined ? null : utcTime(attempt.finishedAt),
  };
}
