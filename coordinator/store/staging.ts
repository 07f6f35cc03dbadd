/**
 * Runs of a large sweep are written in slices before the sweep itself, so that no transaction is long. They count for
 * nothing until the sweep is there: readers come to runs by their sweep. What a killed coordinator left behind goes at the
 * next start.
 */
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

/** A run on its way into the store. */
export interface StagedRow extends RunRow {
  readonly paramsJson: string;
}

export interface Staging {
  begin(sweep: SweepId): void;
  /** Writes some runs; durable when it returns. */
  add(sweep: StagedSweep, rows: readonly StagedRow[]): void;
  /** Removes at most `limit` runs of a sweep that comes to nothing; false when none is left. */
  drop(sweep: SweepId, limit: number): boolean;
}

const DROP_AT_START = 10_000;

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

/** Writes runs with their first state. The prepared statements belong to the caller's writer. */
export function createRunInsert(db: Database): (sweep: StagedSweep, rows: readonly RunRow[]) => void {
  const run = db.prepare(`INSERT INTO runs (run_id, sweep_id, idx, shape, point_group, fingerprint, params_json,
    created_at, reused_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const state = db.prepare(`INSERT INTO run_states (run_id, sweep_id, state, reason, priority, attempt, fence, failures,
    crashes, given_up, cancel_requested, paused, not_before, finished_at, waits_for)
    VALUES (?1, ?2, ?3, ?4, ?5, 0, NULL, 0, 0, 0, 0, ?6, 0, ?7, ?8)`);
  return (sweep, rows) => {
    for (const row of rows) {
      run.run(
        row.id,
        sweep.id,
        row.index,
        row.shape,
        row.group,
        row.fingerprint,
        row.paramsJson,
        sweep.createdAt,
        row.reusedFrom ?? null,
      );
    }
    const first = firstState(sweep);
    for (const row of rows) {
      const reused = row.reusedFrom !== undefined;
      state.run(
        row.id,
        sweep.id,
        reused ? "succeeded" : first.state,
        reused ? "" : first.reason,
        row.priority ?? sweep.priority,
        !reused && first.paused ? 1 : 0,
        reused ? sweep.createdAt : null,
        row.waitsFor ?? null,
      );
    }
  };
}

/** Removes what a killed coordinator had staged. Called before anything is loaded. */
export function dropStaged(db: Database): void {
  const staging = createStaging(db);
  for (const { sweep_id: sweep } of db.prepare("SELECT sweep_id FROM staged_sweeps").all()) {
    while (staging.drop(sweep as SweepId, DROP_AT_START));
  }
}

/** A transaction of rows whose sweep is not there yet: the one place that writes without looking at references. */
function beforeTheirSweep(db: Database, work: () => void): void {
  db.exec("PRAGMA foreign_keys = OFF");
  try {
    transaction(db, work);
  } finally {
    db.exec("PRAGMA foreign_keys = ON");
  }
}
