/** [P] One directory that EXP made for an experiment, from the texts of its files. */
import { type ClientEvent, numericCells, stepOfCells } from "../run/client-event.ts";
import { METRIC_KEYS_MAX, PARAMS_BYTES_MAX } from "../run/limits.ts";
import { csvRecords } from "../sampling/csv.ts";
import { isObject, pythonJsonText, readPythonJson } from "./imported-config.ts";
import { damaged, type FoundRun, type ImportedMetric, MetricLasts, timeOf } from "./imported-run.ts";

/** What metadata.json says, before the metrics are read. */
export interface ExpMetadata {
  readonly found: FoundRun;
  /** Name of the CSV with the metrics of the last run in the directory. */
  readonly metricsFile: string | undefined;
}

/** `changedAt`: when metadata.json was last written (Unix ms), which EXP does at the end of a run; it notes no end itself. */
export function readExpMetadata(directory: string, text: string, changedAt: number): ExpMetadata {
  const none = (found: FoundRun): ExpMetadata => ({ found, metricsFile: undefined });
  const read = readPythonJson(text);
  if ("problem" in read) return none(damaged(`metadata.json is not valid JSON: ${read.problem}`));
  if (!isObject(read.value)) return none(damaged("metadata.json is no object"));
  const { name, command, tags, timestamp, status, description, current_run_id: runId } = read.value;
  if (typeof name !== "string" || typeof command !== "string" || typeof status !== "string") {
    return none(damaged("metadata.json lacks a name, a command or a status"));
  }
  if (status !== "finished") return none({ kind: "not-completed", status });
  const startedAt = timeOf(timestamp, "+08:00");
  if (startedAt === undefined) return none(damaged("metadata.json has no time that can be read"));
  const configJson = pythonJsonText({ name, ...(typeof description === "string" ? { description } : {}) });
  if (Buffer.byteLength(configJson) + Buffer.byteLength(command) > PARAMS_BYTES_MAX) {
    return none(damaged(`name, command and description have more than ${PARAMS_BYTES_MAX / 1024} KiB`));
  }
  return {
    found: {
      kind: "completed",
      run: {
        directory,
        configJson,
        command,
        startedAt,
        finishedAt: Math.max(startedAt, Math.round(changedAt)),
        metrics: [],
        tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
      },
    },
    metricsFile: typeof runId === "string" && /^[\w.-]+$/.test(runId) ? `${runId}.csv` : undefined,
  };
}

/** Last number in each column of a metrics CSV; the part before the first thing that is no CSV. */
export function readExpMetrics(text: string): ImportedMetric[] {
  const lasts = new MetricLasts(METRIC_KEYS_MAX);
  let columns: readonly string[] | undefined;
  for (const record of csvRecords(text)) {
    if (!Array.isArray(record)) break;
    const texts = record.map((field) => field.text);
    if (!columns) {
      columns = texts;
      continue;
    }
    const names = columns;
    const cells = new Map(texts.map((cell, i) => [names[i] ?? "", cell]));
    const event: Extract<ClientEvent, { kind: "row" }> = { kind: "row", cells, at: undefined };
    const numbers = numericCells(event);
    const step = stepOfCells(numbers);
    for (const [key, value] of numbers) lasts.add(key, value, step);
  }
  return lasts.all();
}
