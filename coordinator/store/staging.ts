/**
 * Runs of a large sweep are written in slices before the sweep itself, so that no transaction is long. They count for
 * nothing until the sweep is there: readers come to runs by their sweep. What a killed coordinator left behind goes at the
 * next start.
 */
import type { SQLInputValue, StatementSync } from "node:sqlite";
import type { RunId, SweepId } from "../../shared/kernel/ids.ts";
import { firstState, type RunRow } from "../core/changes.ts";
import { type Database, transaction } from "./database.ts";

/** What all runs of a sweep share when they are written. */
export interface StagedSweep {
  readonly id: SweepId;
  readonly createdAt: number;
  readonly priority: number;
  /** Its runs are held from the start. */
  readonly hold: boolean;
}

export interface Staging {
  begin(sweep: SweepId): void;
  /** Writes some runs, which follow each other by index. Durable with the sweep itself: until then they are nothing. */
  add(sweep: StagedSweep, rows: readonly RunRow[]): void;
  /** Removes at most `limit` runs of a sweep that comes to nothing; false when none is left. */
  drop(sweep: SweepId, limit: number): boolean;
}

const DROP_AT_START = 10_000;
/** Runs that one statement writes: a third less work than one by one. */
const ROWS_AT_ONCE = 50;

export function createStaging(db: Database): Staging {
  const mark = db.prepare("INSERT INTO staged_sweeps (sweep_id) VALUES (?)");
  const unmark = db.prepare("DELETE FROM staged_sweeps WHERE sweep_id = ?");
  const runs = createRunInsert(db);
  const some = db.prepare("SELECT run_id FROM runs WHERE sweep_id = ? ORDER BY idx LIMIT ?");
  const dropState = db.prepare("DELETE FROM run_states WHERE run_id = ?");
  const dropRun = db.prepare("DELETE FROM runs WHERE run_id = ?");
  return {
    begin: (sweep) => void mark.run(sweep),
    add: (sweep, rows) => beforeTheirSweep(db, () => runs(sweep, rows)),
    drop(sweep, limit) {
      return transaction(db, () => {
        const found = some.all(sweep, limit) as { run_id: RunId }[];
        for (const { run_id: id } of found) {
          dropState.run(id);
          dropRun.run(id);
        }
        if (found.length < limit) unmark.run(sweep);
        return found.length === limit;
      });
    },
  };
}

/** Writes runs with their first state. */
export function createRunInsert(db: Database): (sweep: StagedSweep, rows: readonly RunRow[]) => void {
  const prepared = new Map<number, StatementSync>();
  const insertOf = (count: number): StatementSync => {
    const known = prepared.get(count) ?? db.prepare(insertRuns(count));
    prepared.set(count, known);
    return known;
  };
  // Within SQLite, twice as fast as row by row.
  const states =
    db.prepare(`INSERT INTO run_states (run_id, sweep_id, state, reason, priority, attempt, fence, failures,
      crashes, given_up, cancel_requested, paused, not_before, finished_at)
    SELECT run_id, sweep_id, iif(reused_from IS NULL, ?1, 'succeeded'), iif(reused_from IS NULL, ?2, ''), ?3, 0, NULL, 0,
      0, 0, 0, iif(reused_from IS NULL, ?4, 0), 0, iif(reused_from IS NULL, NULL, created_at)
    FROM runs WHERE sweep_id = ?5 AND idx BETWEEN ?6 AND ?7 ORDER BY idx`);
  const own = db.prepare("UPDATE run_states SET priority = ?, waits_for = ? WHERE run_id = ?");
  return (sweep, rows) => {
    for (let at = 0; at < rows.length; ) {
      const count = rows.length - at >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
      const values: SQLInputValue[] = [sweep.id, sweep.createdAt];
      for (const end = at + count; at < end; at++) {
        const { id, index, shape, fingerprint, paramsJson, reusedFrom } = rows[at] as RunRow;
        values.push(id, index, shape, fingerprint, paramsJson, reusedFrom ?? null);
      }
      insertOf(count).run(...values);
    }
    const [first, last] = [rows[0]?.index ?? 1, rows.at(-1)?.index ?? 0];
    const { state, reason, paused } = firstState(sweep);
    states.run(state, reason, sweep.priority, paused ? 1 : 0, sweep.id, first, last);
    for (const row of rows) {
      if (row.priority === undefined && row.waitsFor === undefined) continue;
      own.run(row.priority ?? sweep.priority, row.waitsFor ?? null, row.id);
    }
  };
}

function insertRuns(count: number): string {
  const row = "(?, ?1, ?, ?, ?, ?, ?2, ?)";
  // A plain ? is the parameter after the highest one so far: the first of them the third.
  const rows = Array.from({ length: count }, (_, i) => (i === 0 ? row.replace("?,", "?3,") : row));
  return `INSERT INTO runs (run_id, sweep_id, idx, shape, fingerprint, params_json, created_at, reused_from)
    VALUES ${rows.join(", ")}`;
}

/** Removes what a killed coordinator had staged. Called before anything is loaded. */
export function dropStaged(db: Database): void {
  const staging = createStaging(db);
  for (const { sweep_id: sweep } of db.prepare("SELECT sweep_id FROM staged_sweeps").all()) {
    while (staging.drop(sweep as SweepId, DROP_AT_START));
  }
}

/**
 * A transaction of rows whose sweep is not there yet: the one place that writes without looking at references, and without a
 * sync to disk. The commit of the sweep itself syncs the log with all that stands before it.
 */
function beforeTheirSweep(db: Database, work: () => void): void {
  db.exec("PRAGMA foreign_keys = OFF; PRAGMA synchronous = NORMAL");
  try {
    transaction(db, work);
  } finally {
    db.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  }
}
