/** Tables and curves of one attempt, made from its client stream with no more in memory than a few portions of it. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { METRIC_KEYS_MAX } from "../../shared/run/limits.ts";
import type { ResultAttempt } from "../store/run-record.ts";
import { visitClientEvents } from "./client-lines.ts";
import { MetricSummary, PointReader } from "./metric-points.ts";
import { attemptName, streamPath } from "./run-directory.ts";
import { type TableEnd, TableFile } from "./table-file.ts";
import { WholeFile } from "./whole-file.ts";
import { metricLineOf } from "./ztxexp-layout.ts";

export interface AttemptMetrics {
  /** Final values by name. */
  readonly finals: ReadonlyMap<string, number | string>;
  /** What the program said when it skipped; empty where it did not. */
  readonly skipReason: string;
  /** Of the exception that it died of, where the hook recorded one; else empty. */
  readonly traceback: string;
  /** What was left out, for people. */
  readonly notes: readonly string[];
}

export const NO_METRICS: AttemptMetrics = { finals: new Map(), skipReason: "", traceback: "", notes: [] };

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
  const name = `metrics/${attemptName(attempt.number)}.csv`;
  mkdirSync(join(directory, "metrics"), { recursive: true });
  const table = new TableFile(join(directory, name));
  const summary = new MetricSummary();
  try {
    const reader = new PointReader(attempt.startedAt ?? attempt.assignedAt);
    visitClientEvents(path, (event) => {
      const point = reader.read(event);
      if (!point) {
        summary.addOther(event);
        return;
      }
      summary.addPoint(point);
      table.add(point.cells);
      if (point.values.size > 0) curves?.write(metricLineOf(point));
    });
    curves?.commit();
    let end: TableEnd = table.end();
    if (end === "outgrown") end = writeAgain(join(directory, name), path, attempt, table.columns);
    const notes = end === "too-large" ? [`${name} is left out: it would be too large`] : [];
    const { skipReason, traceback, leftOut } = summary;
    if (leftOut > 0) {
      const names = METRIC_KEYS_MAX.toLocaleString("en");
      notes.push(
        `metrics.json and ${name} have the first ${names} names; ${leftOut} values of further ones are left out`,
      );
    }
    return { finals: summary.finals(), skipReason, traceback, notes };
  } finally {
    curves?.discard();
    table.discard();
  }
}

function writeAgain(tablePath: string, path: string, attempt: ResultAttempt, columns: ReadonlySet<string>): TableEnd {
  const table = new TableFile(tablePath, columns);
  try {
    const reader = new PointReader(attempt.startedAt ?? attempt.assignedAt);
    visitClientEvents(path, (event) => {
      const point = reader.read(event);
      if (point) table.add(point.cells);
    });
    return table.end();
  } finally {
    table.discard();
  }
}
