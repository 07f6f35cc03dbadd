/**
 * [P] A metric over two lists of parameters, as pandas' pivot_table gives it (and ztxexp, which is built on that): keys in their
 * order, no row or column without a value, ranks down each column.
 */
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { meanOf, medianOf, ranksOf, summarise } from "../../shared/stats/sample.ts";
import { paramText } from "./run-fields.ts";
import type { Column } from "./table.ts";
import { shortNumber } from "./text.ts";

export const AGGREGATES = ["mean", "best", "median", "min", "max", "sd", "count"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

export interface PivotQuestion {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly value: string;
  readonly aggregate: Aggregate;
  readonly goal: "maximize" | "minimize";
}

export type Key = readonly JsonValue[];

export interface PivotCell {
  readonly value: number;
  /** Runs that it is made of. */
  readonly runs: number;
  /** From 1 down its column; equal values share the lowest of their ranks. */
  readonly rank: number;
}

export interface Pivot {
  readonly columns: readonly Key[];
  readonly rows: readonly { readonly key: Key; readonly cells: readonly (PivotCell | undefined)[] }[];
  /** Runs without the value, and without one of the keys. */
  readonly withoutValue: number;
  readonly withoutKey: number;
}

export function pivotOf(runs: readonly RunView[], question: PivotQuestion): Pivot {
  const rowKeys = new Map<string, Key>();
  const columnKeys = new Map<string, Key>();
  const samples = new Map<string, number[]>();
  let [withoutValue, withoutKey] = [0, 0];
  for (const run of runs) {
    const value = numberOf(fieldOf(run, question.value));
    const row = keyOf(run, question.rows);
    const column = keyOf(run, question.columns);
    if (value === undefined) withoutValue += 1;
    else if (!row || !column) withoutKey += 1;
    else {
      rowKeys.set(JSON.stringify(row), row);
      columnKeys.set(JSON.stringify(column), column);
      const place = JSON.stringify([row, column]);
      const sample = samples.get(place);
      if (sample) sample.push(value);
      else samples.set(place, [value]);
    }
  }
  const rows = [...rowKeys.values()].sort(compareKeys);
  const columns = [...columnKeys.values()].sort(compareKeys);
  const cells = rows.map((row) =>
    columns.map((column): Omit<PivotCell, "rank"> | undefined => {
      const sample = samples.get(JSON.stringify([row, column]));
      const value = sample && aggregate(sample, question);
      return sample === undefined || value === undefined ? undefined : { value, runs: sample.length };
    }),
  );
  const ranks = columns.map((_, c) => ranksOfColumn(cells, c, question.goal));
  return {
    columns,
    rows: rows.map((key, r) => ({
      key,
      cells: columns.map((_, c) => {
        const cell = cells[r]?.[c];
        return cell && { ...cell, rank: ranks[c]?.get(r) ?? 0 };
      }),
    })),
    withoutValue,
    withoutKey,
  };
}

/** A fact, else a parameter, else a metric; `params.X` and `metrics.X` say which. Undefined where the run has none. */
export function fieldOf(run: RunView, name: string): JsonValue | undefined {
  const { params, metrics } = run;
  const facts: { readonly [fact: string]: JsonValue } = { state: run.state, sweep: run.sweep, node: run.node };
  if (Object.hasOwn(facts, name)) return facts[name];
  if (Object.hasOwn(params, name)) return params[name];
  if (Object.hasOwn(metrics, name)) return metrics[name];
  const [table, rest] = [name.slice(0, name.indexOf(".") + 1), name.slice(name.indexOf(".") + 1)];
  if (table === "params." && Object.hasOwn(params, rest)) return params[rest];
  return table === "metrics." && Object.hasOwn(metrics, rest) ? metrics[rest] : undefined;
}

type PivotRow = Pivot["rows"][number];

/** With ranks, values have four digits after the point and the first three are marked: "0.9120 (1st)". */
export function pivotColumns(pivot: Pivot, question: PivotQuestion, withRanks: boolean): Column<PivotRow>[] {
  return [
    ...question.rows.map((title, i): Column<PivotRow> => ({ title, cell: ({ key }) => paramText(key[i]) })),
    ...pivot.columns.map(
      (column, i): Column<PivotRow> => ({
        title: question.columns.map((name, k) => `${name}=${paramText(column[k])}`).join(" "),
        cell: ({ cells }) => cellText(cells[i], withRanks),
        align: "right",
        colour: ({ cells }) => (withRanks && cells[i]?.rank === 1 ? "good" : undefined),
      }),
    ),
  ];
}

function cellText(cell: PivotCell | undefined, withRanks: boolean): string {
  if (!cell) return "";
  if (!withRanks) return shortNumber(Number.isFinite(cell.value) ? cell.value : String(cell.value));
  return `${fixedText(cell.value)}${LABELS[cell.rank] ?? ""}`;
}

const LABELS: { readonly [rank: number]: string } = { 1: " (1st)", 2: " (2nd)", 3: " (3rd)" };

function fixedText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  // toFixed changes to powers of ten up there.
  return Math.abs(value) < 1e21 ? value.toFixed(4) : `${BigInt(value)}.0000`;
}

/** What is no number is no value. */
function numberOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === "number") return value;
  return value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;
}

function keyOf(run: RunView, names: readonly string[]): Key | undefined {
  const key = names.map((name) => fieldOf(run, name));
  return key.every((value) => value !== undefined && value !== null) ? (key as JsonValue[]) : undefined;
}

/** Undefined where the numbers have no such value, as one number has no deviation. */
function aggregate(sample: readonly number[], { aggregate, goal }: PivotQuestion): number | undefined {
  switch (aggregate) {
    case "mean":
      return meanOf(sample);
    case "median":
      return medianOf(sample);
    case "min":
      return Math.min(...sample);
    case "max":
      return Math.max(...sample);
    case "best":
      return goal === "maximize" ? Math.max(...sample) : Math.min(...sample);
    case "sd":
      return summarise(sample).deviation;
    case "count":
      return sample.length;
  }
}

function ranksOfColumn(
  cells: readonly (readonly ({ readonly value: number } | undefined)[])[],
  column: number,
  goal: PivotQuestion["goal"],
): Map<number, number> {
  const filled = cells.flatMap((row, r) => {
    const cell = row[column];
    return cell && !Number.isNaN(cell.value) ? [{ r, value: cell.value }] : [];
  });
  const ranks = ranksOf(
    filled.map(({ value }) => value),
    goal === "maximize" ? "highest first" : "lowest first",
  );
  return new Map(filled.map(({ r }, i) => [r, ranks[i] ?? 0]));
}

/** Numbers and booleans by value, before texts by code point. */
function compareKeys(a: Key, b: Key): number {
  for (const [i, left] of a.entries()) {
    const order = compareValues(left, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: JsonValue, b: JsonValue): number {
  const isNumber = (value: JsonValue) => typeof value === "number" || typeof value === "boolean";
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return Buffer.compare(Buffer.from(paramText(a)), Buffer.from(paramText(b)));
}
