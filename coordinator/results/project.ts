/**
 * Writes the results directory of a run from its record and its stored streams: at once what EXP and what ztxexp read. It is a
 * projection: made again at any time from the same record it is the same, and the store and the streams remain the truth.
 * Synchronous, so that two projections of one run never mix.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import { systemCode } from "../../shared/kernel/errors.ts";
import { nestParams } from "../../shared/spec/params-json.ts";
import type { ResultAttempt, ResultRecord } from "../store/run-record.ts";
import { metadataOf } from "./exp-layout.ts";
import { type AttemptMetrics, NO_METRICS, projectMetrics } from "./project-metrics.ts";
import { jsonDocument, jsonLine, type PythonValue } from "./python-text.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import { streamPath, terminalLog } from "./run-directory.ts";
import { linkWhole, removeStale, writeWhole } from "./whole-file.ts";
import { type Ending, endingOf, eventsOf, metaOf, runOf } from "./ztxexp-layout.ts";

/** How much of the output an error.log shows. */
const ERROR_LINES = 100;
const ERROR_BYTES = 64 * 1024;

/** Brings the directory of a run up to date. Throws the system's error where it cannot be written. */
export function projectRun(record: ResultRecord, directory: string): void {
  const shown = shownAttempt(record);
  makeFolders(record, directory);
  const metrics = projectAllMetrics(record, shown, directory);
  const { finals, traceback } = metrics;

  const put = (name: string, value: PythonValue) => writeWhole(join(directory, name), jsonDocument(value));
  put("config.json", nestParams(record.params));
  if (finals.size > 0) put("metrics.json", finals);
  else removeStale(join(directory, "metrics.json"));
  if (shown) linkWhole(terminalLog(shown.number), join(directory, "run.log"));
  const reason = (record.state === "skipped" && metrics.skipReason) || record.reason;
  projectError(endingOf(record, shown, reason), shown, traceback, directory);
  mkdirSync(join(directory, ".exp"), { recursive: true });
  putReproducibility(record, directory);
  putStanding(record, shown, { reason, notes: metrics.notes }, directory);
}

function putReproducibility(record: ResultRecord, directory: string): void {
  const text = JSON.stringify(reproducibilityOf(record), null, 2);
  writeWhole(join(directory, ".exp", "reproducibility.json"), `${text}\n`);
}

/**
 * Brings into the directory of a run that is over what people wrote on it, and what it ran on, and nothing else: its points are as they were. Where there
 * is no directory of it, there is none afterwards. Throws the system's error where it cannot be written.
 */
export function projectWords(record: ResultRecord, directory: string): void {
  const run = readDocument(join(directory, "run.json"));
  const meta = readDocument(join(directory, "meta.json"));
  if (!run || !meta) return;
  const { notes } = (meta.extras ?? {}) as { readonly notes?: readonly string[] };
  // The program's own reason is in its events only, which are not read for this.
  const said = record.state === "skipped" && typeof run.error_message === "string" ? run.error_message : "";
  putReproducibility(record, directory);
  putStanding(record, shownAttempt(record), { reason: said || record.reason, notes: notes ?? [] }, directory);
}

/** What the events of a run add to its record. */
interface Told {
  readonly reason: string;
  readonly notes: readonly string[];
}

/** The documents that say how the run stands, and what it is called. */
function putStanding(record: ResultRecord, shown: ResultAttempt | undefined, told: Told, directory: string): void {
  const ending = endingOf(record, shown, told.reason);
  const runId = basename(directory);
  const meta = metaOf(record, shown, told.notes);
  const put = (name: string, value: PythonValue) => writeWhole(join(directory, name), jsonDocument(value));
  put("meta.json", meta);
  const events = eventsOf(record, runId, ending, meta);
  writeWhole(join(directory, "events.jsonl"), events.map((event) => `${jsonLine(event)}\n`).join(""));
  put("metadata.json", metadataOf(record, shown, told.reason));
  // Last: who sees its status finds the rest in place.
  put("run.json", runOf(record, runId, ending));
}

/** Undefined where there is no such file, or it is no object. */
function readDocument(path: string): { readonly [key: string]: unknown } | undefined {
  try {
    const body: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof body === "object" && body !== null ? { ...body } : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR" || error instanceof SyntaxError)
      return undefined;
    throw error;
  }
}

/** The last attempt that ran, because its output is what came out; without one, the last. */
function shownAttempt(record: ResultRecord): ResultAttempt | undefined {
  return record.attempts.findLast((attempt) => attempt.startedAt !== undefined) ?? record.attempts.at(-1);
}

function makeFolders(record: ResultRecord, directory: string): void {
  for (const name of ["artifacts", "checkpoints", "terminal_logs"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  for (const attempt of record.attempts) {
    // EXP counts its runs by these files, so a silent attempt has one too.
    if (attempt.startedAt !== undefined) closeSync(openSync(streamPath(directory, attempt.number, "output"), "a"));
  }
}

function projectAllMetrics(record: ResultRecord, shown: ResultAttempt | undefined, directory: string): AttemptMetrics {
  let result = NO_METRICS;
  for (const attempt of record.attempts) {
    if (attempt === shown) result = projectMetrics(directory, attempt, { withCurves: true });
    else projectMetrics(directory, attempt, { withCurves: false });
  }
  return result;
}

function projectError(ending: Ending, shown: ResultAttempt | undefined, traceback: string, directory: string): void {
  const path = join(directory, "error.log");
  if (ending.status !== "failed") {
    removeStale(path);
    return;
  }
  const tail = shown ? lastLines(streamPath(directory, shown.number, "output")) : "";
  const heading = `${ending.errorType}: ${ending.errorMessage}\n`;
  // Most programs print it too; one whose stderr goes elsewhere does not.
  const recorded = traceback === "" || tail.includes(traceback) ? "" : `\n${traceback.trimEnd()}\n`;
  writeWhole(path, `${heading}${recorded}${tail === "" ? "" : `\nLast lines of the output:\n${tail}`}`);
}

/** The end of a file as text; bytes that are no UTF-8 are replaced. Empty where there is no file. */
function lastLines(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, ERROR_BYTES));
    const count = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString("utf8", 0, count).split("\n");
    if (lines.at(-1) === "") lines.pop();
    // The first line may lack its start.
    if (size > ERROR_BYTES && lines.length > 1) lines.shift();
    return lines.length === 0 ? "" : `${lines.slice(-ERROR_LINES).join("\n")}\n`;
  } finally {
    closeSync(file);
  }
}
