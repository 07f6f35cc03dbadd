/**
 * Tables and curves of one attempt, made from its client stream in two passes (a CSV needs its columns first), with no more in
 * memory than one portion of the stream and the names of the metrics.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ResultAttempt } from "../store/run-record.ts";
import { visitClientEvents } from "./client-lines.ts";
import { csvLine, sortColumns } from "./exp-layout.ts";
import { MetricSummary, PointReader } from "./metric-points.ts";
import { jsonLine } from "./python-text.ts";
import { attemptName, streamPath } from "./run-directory.ts";
import { WholeFile } from "./whole-file.ts";
import { metricLineOf } from "./ztxexp-layout.ts";

/** Cells of one CSV: many points of many different names would otherwise fill the disk with commas. */
export const CSV_CELLS_MAX = 20_000_000;

export interface AttemptMetrics {
  /** Final values by name. */
  readonly finals: ReadonlyMap<string, number | string>;
  /** What the program said when it skipped; empty where it did not. */
  readonly skipReason: string;
  /** What was left out, for people. */
  readonly notes: readonly string[];
}

export const NO_METRICS: AttemptMetrics = { finals: new Map(), skipReason: "", notes: [] };

/** Writes metrics/run_<n>.csv, and with `withCurves` metrics.jsonl; each only where there is a point. */
export function projectMetrics(
  directory: string,
  attempt: ResultAttempt,
  { withCurves }: { readonly withCurves: boolean },
): AttemptMetrics {
  const path = streamPath(directory, attempt.number, "client");
  const curves = withCurves ? new WholeFile(join(directory, "metrics.jsonl")) : undefined;
  if (!existsSync(path)) {
    curves?.commit();
    return NO_METRICS;
  }
  const startedAt = attempt.startedAt ?? attempt.assignedAt;
  const summary = new MetricSummary();
  try {
    const reader = new PointReader(startedAt);
    visitClientEvents(path, (event) => {
      const point = reader.read(event);
      if (!point) {
        summary.addOther(event);
        return;
      }
      summary.addPoint(point);
      if (point.values.size > 0) curves?.write(`${jsonLine(metricLineOf(point))}\n`);
    });
    curves?.commit();
  } finally {
    curves?.discard();
  }
  const cells = summary.points * summary.columns.size;
  const isTooLarge = cells > CSV_CELLS_MAX;
  if (cells > 0 && !isTooLarge) writeTable(directory, attempt, path, summary, startedAt);
  return {
    finals: summary.finals(),
    skipReason: summary.skipReason,
    notes: isTooLarge ? [`metrics/${attemptName(attempt.number)}.csv is left out: it would have ${cells} cells`] : [],
  };
}

function writeTable(
  directory: string,
  attempt: ResultAttempt,
  path: string,
  summary: MetricSummary,
  startedAt: number,
): void {
  const columns = sortColumns(summary.columns);
  const folder = join(directory, "metrics");
  mkdirSync(folder, { recursive: true });
  const table = new WholeFile(join(folder, `${attemptName(attempt.number)}.csv`));
  try {
    table.write(csvLine(columns));
    const reader = new PointReader(startedAt);
    visitClientEvents(path, (event) => {
      const point = reader.read(event);
      if (point) table.write(csvLine(columns.map((column) => point.cells.get(column) ?? "")));
    });
    table.commit();
  } finally {
    table.discard();
  }
}
