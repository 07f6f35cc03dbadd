/** [P] What EXP (xpriment 0.0.2) reads in a run's directory: metadata.json and the metrics CSV. */
import type { RunState } from "../../shared/run/states.ts";
import type { ResultAttempt, ResultRecord } from "../store/run-record.ts";
import type { PythonValue } from "./python-text.ts";
import { attemptName } from "./run-directory.ts";
import { shanghaiTime } from "./timestamps.ts";

/** EXP loads no other words. */
type ExpStatus = "pending" | "running" | "finished" | "error";

/** The content of metadata.json: these keys in this order. `shown` is the attempt whose output stands for the run. */
export function metadataOf(record: ResultRecord, shown: ResultAttempt | undefined, reason: string): PythonValue {
  const gpus = (shown?.devices ?? []).filter((device) => device.kind === "gpu");
  return {
    name: record.expEntry?.name ?? record.runRef,
    command: record.command,
    tags: record.tags,
    timestamp: shanghaiTime(record.firstAssignedAt),
    status: expStatus(record.state),
    pid: null,
    gpu_ids: gpus.flatMap((device) => device.index ?? []),
    current_run_id: shown ? attemptName(shown.number) : null,
    cwd: record.cwd,
    description: descriptionOf(record, reason),
    lark_config: null,
  };
}

/** What EXP shows beside a run: why it went wrong; then what its file says of it, or else what people wrote on it. */
function descriptionOf({ state, expEntry, note }: ResultRecord, reason: string): string | null {
  const said = expEntry?.description || note || null;
  if (state === "succeeded" || reason === "") return said;
  return [`${state}: ${reason}`, said].filter((part) => part !== null).join("; ");
}

function expStatus(state: RunState): ExpStatus {
  switch (state) {
    case "queued":
    case "held":
      return "pending";
    case "assigned":
    case "running":
    case "unknown":
      return "running";
    case "succeeded":
    case "skipped":
      return "finished";
    default:
      return "error";
  }
}

/** Columns in the order EXP gives them: by code point. */
export function sortColumns(names: Iterable<string>): string[] {
  return Array.from(names, (name) => ({ name, key: Buffer.from(name) }))
    .sort((a, b) => a.key.compare(b.key))
    .map(({ name }) => name);
}

/** One line of a CSV in the dialect of Python's `csv` module, its line end included. */
export function csvLine(cells: readonly string[]): string {
  // A lone empty cell is quoted: an empty line would be no row.
  if (cells.length === 1 && cells[0] === "") return '""\r\n';
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
