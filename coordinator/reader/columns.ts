/** Columns of a table of runs: what each is, what a run has in it, and what a table of given runs can show. */
import { AppError } from "../../shared/kernel/errors.ts";
import { nearest } from "../../shared/kernel/nearest.ts";
import { type Cell, type Column, type ColumnsAnswer, FACT_COLUMNS } from "../../shared/run/dashboard.ts";
import { jsonNumber } from "../../shared/run/records.ts";
import { cellOf } from "./param-cell.ts";
import { type CachedRun, DISTINCT_MAX, type ParamColumn, type RunCache } from "./run-cache.ts";

/** Null where the run has no value. NaN and infinities are texts. */
export type ReadCell = (run: CachedRun) => Cell;

type Fact = keyof typeof FACT_COLUMNS;

const isFact = (key: string): key is Fact => Object.hasOwn(FACT_COLUMNS, key);

/** How the cells of a column are read. Throws AppError for a key that is none. */
export function cellReader(
  cache: RunCache,
  key: string,
  nowMs: number,
  reasons?: ReadonlyMap<string, string>,
): ReadCell {
  if (isFact(key)) return factReader(cache, key, nowMs, reasons);
  const name = key.slice(key.indexOf(":") + 1);
  if (key.startsWith("param:")) {
    return ({ params }) => {
      const value = params.get(name);
      return value === undefined ? null : cellOf(value);
    };
  }
  if (key.startsWith("metric:")) {
    return ({ record: { metrics } }) => {
      const value = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
      return value === undefined ? null : jsonNumber(value);
    };
  }
  const close = nearest(key, Object.keys(FACT_COLUMNS), 3);
  const hint = close.length > 0 ? `did you mean ${close.join(", ")}?` : "param:NAME and metric:NAME are columns too";
  throw new AppError("invalid", `there is no column ${JSON.stringify(key.slice(0, 100))}`, {
    id: "table.column",
    hint,
  });
}

function factReader(
  cache: RunCache,
  fact: Fact,
  nowMs: number,
  reasons: ReadonlyMap<string, string> | undefined,
): ReadCell {
  switch (fact) {
    case "ref":
    case "sweep":
    case "index":
    case "state":
    case "attempt":
    case "priority":
      return ({ record }) => record[fact];
    case "reason":
      return ({ record }) => reasons?.get(record.id) ?? (record.reason || null);
    case "node":
      return ({ record }) => record.node ?? null;
    case "gpus":
      return ({ record }) => record.devices.length;
    case "exit_code":
      return ({ record }) => record.exitCode ?? null;
    case "reused":
      return ({ record }) => record.reusedFrom || null;
    case "created":
      return ({ record }) => record.createdAt;
    case "started":
      return ({ record }) => record.startedAt ?? null;
    case "finished":
      return ({ record }) => record.finishedAt ?? null;
    case "duration":
      return ({ record: { startedAt, finishedAt } }) =>
        startedAt === undefined ? null : Math.max(0, (finishedAt ?? nowMs) - startedAt);
    case "tag":
      return ({ record, sweep }) => {
        const own = cache.annotation(record.id)?.tags ?? [];
        return [...new Set([...sweep.tags, ...own])].join(", ") || null;
      };
    case "note":
      return ({ record }) => cache.annotation(record.id)?.note || null;
  }
}

/** The column with its kind, which for a parameter follows from its values in the sweeps of these runs. */
export function columnOf(key: string, runs: readonly CachedRun[]): Column {
  if (isFact(key)) return { key, kind: FACT_COLUMNS[key] };
  if (key.startsWith("metric:")) return { key, kind: "number" };
  const name = key.slice("param:".length);
  let sweep: CachedRun["sweep"] | undefined;
  for (const run of runs) {
    if (run.sweep === sweep) continue;
    sweep = run.sweep;
    if (sweep.columns.get(name)?.isNumber === false) return { key, kind: "text" };
  }
  return { key, kind: "number" };
}

/** Throws AppError for a reference that fails. */
export function readColumns(cache: RunCache, ref: string | undefined, nowMs: number): ColumnsAnswer {
  const selections = cache.select(ref);
  cache.assertFit(selections);
  const runs = selections.flatMap((selection) => cache.runsOf(selection));
  const facts = Object.keys(FACT_COLUMNS).map((key) => counted(runs, key, cellReader(cache, key, nowMs)));
  const params = new Map<string, ParamColumn>();
  const metrics = new Map<string, { runs: number; values: Set<number> }>();
  /** Names that tell points apart in one of the sweeps. */
  const points = new Set<string>();
  for (const sweep of new Set(runs.map((run) => run.sweep))) {
    for (const [key, column] of sweep.columns) {
      add(params, key, column);
      if (!sweep.replicates.has(key)) points.add(key);
    }
  }
  for (const { record } of runs) {
    for (const [key, value] of Object.entries(record.metrics)) {
      let known = metrics.get(key);
      if (!known) {
        known = { runs: 0, values: new Set() };
        metrics.set(key, known);
      }
      known.runs += 1;
      if (known.values.size < DISTINCT_MAX) known.values.add(value);
    }
  }
  return {
    columns: [
      ...facts,
      ...[...params].map(([name, { runs, isNumber, values }]) => {
        const kind = isNumber ? ("number" as const) : ("text" as const);
        const replicate = !points.has(name);
        return { key: `param:${name}`, kind, runs, distinct: values.size, ...(replicate && { replicate }) };
      }),
      ...[...metrics].sort(byName).map(([name, { runs, values }]) => {
        return { key: `metric:${name}`, kind: "number" as const, runs, distinct: values.size };
      }),
    ],
  };
}

function counted(runs: readonly CachedRun[], key: string, read: ReadCell): ColumnsAnswer["columns"][number] {
  const values = new Set<Cell>();
  let count = 0;
  for (const run of runs) {
    const cell = read(run);
    if (cell === null) continue;
    count += 1;
    if (values.size < DISTINCT_MAX) values.add(cell);
  }
  return { key, kind: FACT_COLUMNS[key as Fact], runs: count, distinct: values.size };
}

/** Adds the column of one sweep to that of all. The first is shared until a second one comes. */
function add(params: Map<string, ParamColumn>, key: string, column: ParamColumn): void {
  const known = params.get(key);
  if (!known) {
    params.set(key, { ...column, values: new Map(column.values) });
    return;
  }
  known.runs += column.runs;
  known.isNumber &&= column.isNumber;
  for (const [text, value] of column.values) {
    if (known.values.size >= DISTINCT_MAX) break;
    known.values.set(text, value);
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
