/** Rows that programs saved for a table elsewhere (EXP's `save_row(lark=True)`), until they are in the outbox. */
import { type RunId, runId } from "../../shared/kernel/ids.ts";
import type { TableName } from "../../shared/run/notify.ts";
import type { Database } from "./database.ts";

export interface SavedRow {
  /** Never given twice. */
  readonly seq: number;
  readonly runId: RunId;
  /** Cells as their program's CSV shows them, in its order. */
  readonly cells: readonly (readonly [string, string])[];
  /** What the program said of the table; the rest is as its file says. */
  readonly table: Partial<TableName>;
}

/** What is said, once of a run, where nobody sends its rows on. */
export const ROWS_STAY = "save_row(lark=True): no channel of the coordinator fills that table; rows stay with the run";

export interface SavedRows {
  /** Within a transaction. */
  add(row: Omit<SavedRow, "seq">): void;
  /** Reads the first ones and removes them. Within a transaction. */
  take(limit: number): SavedRow[];
  /** Notes with the run that nobody takes its row. Within a transaction. `nowMs`: Unix ms. */
  leave(row: Pick<SavedRow, "runId">, nowMs: number): void;
}

export function createSavedRows(db: Database): SavedRows {
  const insert = db.prepare("INSERT INTO saved_rows (run_id, cells_json, app_token, table_id) VALUES (?, ?, ?, ?)");
  const read = db.prepare("SELECT seq, run_id, cells_json, app_token, table_id FROM saved_rows ORDER BY seq LIMIT ?");
  const forget = db.prepare("DELETE FROM saved_rows WHERE seq <= ?");
  const warn = db.prepare(`INSERT INTO events (at, kind, run_id, text) SELECT ?1, 'warning', ?2, ?3
    WHERE NOT EXISTS (SELECT 1 FROM events WHERE run_id = ?2 AND kind = 'warning' AND text = ?3)`);
  return {
    leave: ({ runId: id }, nowMs) => void warn.run(nowMs, id, ROWS_STAY),
    add: ({ runId: id, cells, table }) =>
      void insert.run(id, JSON.stringify(cells), table.appToken ?? null, table.tableId ?? null),
    take(limit) {
      const rows = read.all(limit) as unknown as Row[];
      const last = rows.at(-1);
      if (last) forget.run(last.seq);
      return rows.map((row) => ({
        seq: row.seq,
        runId: runId(row.run_id),
        cells: JSON.parse(row.cells_json) as SavedRow["cells"],
        table: {
          ...(row.app_token !== null && { appToken: row.app_token }),
          ...(row.table_id !== null && { tableId: row.table_id }),
        },
      }));
    },
  };
}

interface Row {
  readonly seq: number;
  readonly run_id: string;
  readonly cells_json: string;
  readonly app_token: string | null;
  readonly table_id: string | null;
}
