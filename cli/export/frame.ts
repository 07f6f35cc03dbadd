/** [P] Runs and their metric points as columns of one kind each, as files of tables want them. */
import { type RunRecord, viewParams } from "../../shared/run/records.ts";
import type { JsonValue } from "../../shared/run/views.ts";

export type CellKind = "text" | "number" | "integer" | "boolean" | "time";

/** Undefined: no value. Times are Unix milliseconds. */
export type CellValue = string | number | boolean | undefined;

export interface FrameColumn {
  readonly name: string;
  readonly kind: CellKind;
  /** One for each row. */
  readonly values: readonly CellValue[];
}

export interface Frame {
  readonly rows: number;
  readonly columns: readonly FrameColumn[];
}

export interface MetricPoint {
  readonly ref: string;
  readonly key: string;
  readonly step: number;
  readonly value: number;
  /** Unix milliseconds; undefined where the program did not say. */
  readonly at: number | undefined;
}

/** A row for each run: facts, then parameters and last metrics under the names by which expressions call them. */
export function frameOfRuns(runs: readonly RunRecord[]): Frame {
  const params = runs.map((run) => viewParams(run.paramsJson));
  const fact = (name: string, kind: CellKind, read: (run: RunRecord) => CellValue): FrameColumn => ({
    ...{ name, kind },
    values: runs.map(read),
  });
  const columns: FrameColumn[] = [
    fact("ref", "text", ({ ref }) => ref),
    fact("sweep", "text", ({ sweep }) => sweep),
    fact("index", "integer", ({ index }) => index),
    fact("state", "text", ({ state }) => state),
    fact("reason", "text", ({ reason }) => reason || undefined),
    fact("attempt", "integer", ({ attempt }) => attempt),
    fact("node", "text", ({ node }) => node),
    fact("exit_code", "integer", ({ exitCode }) => exitCode),
    fact("created_at", "time", ({ createdAt }) => createdAt),
    fact("started_at", "time", ({ startedAt }) => startedAt),
    fact("finished_at", "time", ({ finishedAt }) => finishedAt),
    fact("seconds", "number", ({ startedAt, finishedAt }) =>
      startedAt === undefined || finishedAt === undefined ? undefined : Math.max(0, finishedAt - startedAt) / 1000,
    ),
    fact("reused_from", "text", ({ reusedFrom }) => reusedFrom || undefined),
    fact("id", "text", ({ id }) => id),
  ];
  for (const key of namesIn(params)) {
    const values = params.map((each) => (Object.hasOwn(each, key) ? each[key] : undefined));
    columns.push({ name: `params.${key}`, ...cellsOf(values) });
  }
  const metrics = runs.map((run) => run.metrics);
  for (const key of [...namesIn(metrics)].sort()) {
    const values = metrics.map((each) => (Object.hasOwn(each, key) ? each[key] : undefined));
    columns.push({ name: `metrics.${key}`, kind: "number", values });
  }
  return { rows: runs.length, columns };
}

export function frameOfPoints(points: readonly MetricPoint[]): Frame {
  return {
    rows: points.length,
    columns: [
      { name: "ref", kind: "text", values: points.map(({ ref }) => ref) },
      { name: "key", kind: "text", values: points.map(({ key }) => key) },
      { name: "step", kind: "number", values: points.map(({ step }) => step) },
      { name: "value", kind: "number", values: points.map(({ value }) => value) },
      { name: "at", kind: "time", values: points.map(({ at }) => at) },
    ],
  };
}

/** As text files have it: times as ISO 8601 in UTC. Empty where there is no value. */
export function cellText(kind: CellKind, value: CellValue): string {
  if (value === undefined) return "";
  return kind === "time" ? new Date(Number(value)).toISOString() : String(value);
}

/** In the order in which they first come. */
function namesIn(objects: readonly { readonly [key: string]: unknown }[]): Set<string> {
  return new Set(objects.flatMap((each) => Object.keys(each)));
}

/** Numbers and booleans where all values are such; else everything as text, and lists and tables as JSON. */
function cellsOf(values: readonly (JsonValue | undefined)[]): Pick<FrameColumn, "kind" | "values"> {
  const known = values.filter((value) => value !== undefined && value !== null);
  for (const kind of ["number", "boolean"] as const) {
    if (known.length === 0 || !known.every((value) => typeof value === kind)) continue;
    return { kind, values: values.map((value) => (value ?? undefined) as CellValue) };
  }
  return { kind: "text", values: values.map(textOf) };
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
