/** [P] A run as a row: what it is, its parameters and its last metrics, each in a column of its own. */
import { numericCells } from "../../../shared/run/client-event.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { paramsFromJson, paramsToPlain } from "../../../shared/spec/params-json.ts";
import type { Row, RowValue } from "./fields.ts";

/** The column by which a run's row is found again. */
export const RUN_COLUMN = "run";
/** Columns of one row; a table holds a few hundred. */
const COLUMNS_MAX = 200;

export function rowOfRun(run: RunRecord, project: string): Row {
  const row = new Map<string, RowValue>();
  const add = (name: string, value: RowValue | undefined) => {
    if (value !== undefined && value !== "" && row.size < COLUMNS_MAX) row.set(name, value);
  };
  add(RUN_COLUMN, run.ref);
  add("sweep", run.sweep);
  add("project", project);
  add("state", run.state);
  // An empty reason takes the place of the one before.
  row.set("reason", run.reason);
  add("attempt", run.attempt);
  add("node", run.node);
  add("devices", run.devices.length);
  add("exit code", run.exitCode);
  add("started", dateOf(run.startedAt));
  add("finished", dateOf(run.finishedAt));
  if (run.startedAt !== undefined && run.finishedAt !== undefined) {
    add("seconds", (run.finishedAt - run.startedAt) / 1000);
  }
  for (const [name, value] of Object.entries(paramsToPlain(paramsFromJson(run.paramsJson)))) {
    add(row.has(name) ? `params.${name}` : name, plainValue(value));
  }
  for (const [name, value] of Object.entries(run.metrics)) {
    if (Number.isFinite(value)) add(row.has(name) ? `metrics.${name}` : name, value);
  }
  return row;
}

/** A row that a program saved: its cells alone, as in EXP. Texts that are numbers become numbers. */
export function rowOfCells(cells: readonly (readonly [string, string])[]): Row {
  const numbers = numericCells({ kind: "row", at: undefined, cells: new Map(cells) });
  return new Map(
    cells.slice(0, COLUMNS_MAX).map(([name, text]) => {
      const number = numbers.get(name);
      return [name, number !== undefined && Number.isFinite(number) ? number : text];
    }),
  );
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

function plainValue(value: unknown): RowValue | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return JSON.stringify(value);
}
