/** Imported runs in the store: written whole and terminal, and found again by what they did. */
import { type Fence, fence, type RunId, runId, type SweepId, sweepId } from "../../shared/kernel/ids.ts";
import { requestToJson } from "../../shared/run/devices.ts";
import { templateToJson } from "../../shared/spec/template-json.ts";
import { IMPORTED_NODE, type ImportedChange, type ImportedRunRow } from "../core/imported.ts";
import type { Database } from "./database.ts";

/** A sweep that holds the runs of one imported root. */
export interface ImportedSweep {
  readonly id: SweepId;
  readonly name: string;
  readonly number: number;
  readonly total: number;
  /** Its shapes by number, as stored. */
  readonly shapes: readonly { readonly templateJson: string; readonly tagsJson: string }[];
}

export interface Imports {
  /** The sweep of an earlier import of the same root. */
  sweepOf(submitId: string): ImportedSweep | undefined;
  /** Those of the origins that are there already. */
  known(origins: readonly string[]): Set<string>;
  /** The nth run of a key by the time it ended, from 1. */
  find(key: string, nth: number): RunId | undefined;
  /** Whether anything was ever imported. */
  isEmpty(): boolean;
  /** Every run whose configuration can be compared, the oldest first. */
  configs(): Iterable<{ readonly id: RunId; readonly comparedText: string }>;
  /** Where the run lies, on the host from which it was imported. Undefined for a run of our own. */
  directory(id: RunId): string | undefined;
  /** How far the points of these runs are stored. */
  points(origins: readonly string[]): ImportedPoints[];
  /** As `points`; undefined for a run of our own. */
  pointsOf(id: RunId): ImportedPoints | undefined;
  /** No more points come. */
  complete(id: RunId): void;
}

export interface ImportedPoints {
  readonly id: RunId;
  readonly origin: string;
  readonly fence: Fence;
  /** Bytes. */
  readonly stored: number;
  readonly complete: boolean;
}

export function createImports(db: Database): Imports {
  const sweep = db.prepare("SELECT sweep_id, name, number, total FROM sweeps WHERE submit_id = ?");
  const shapes = db.prepare(`SELECT template_json AS templateJson, tags_json AS tagsJson FROM sweep_shapes
    WHERE sweep_id = ? ORDER BY number`);
  const known = db.prepare("SELECT origin FROM imported_runs WHERE origin IN (SELECT value FROM json_each(?))");
  const find = db.prepare(`SELECT i.run_id FROM imported_runs i JOIN run_states s ON s.run_id = i.run_id
    WHERE i.key = ? ORDER BY s.finished_at, i.run_id LIMIT 1 OFFSET ?`);
  const some = db.prepare("SELECT 1 FROM imported_runs LIMIT 1");
  const configs = db.prepare(`SELECT run_id, compared_text FROM imported_runs
    WHERE key IS NOT NULL AND compared_text <> '' ORDER BY run_id`);
  const directory = db.prepare("SELECT directory FROM imported_runs WHERE run_id = ?");
  const points = `SELECT i.run_id, i.origin, i.points_complete, s.fence, coalesce(o.committed, 0) AS stored
    FROM imported_runs i JOIN run_states s ON s.run_id = i.run_id
    LEFT JOIN outputs o ON o.fence = s.fence AND o.stream = 'client'`;
  const manyPoints = db.prepare(`${points} WHERE i.origin IN (SELECT value FROM json_each(?))`);
  const onePoints = db.prepare(`${points} WHERE i.run_id = ?`);
  const complete = db.prepare("UPDATE imported_runs SET points_complete = 1 WHERE run_id = ?");
  return {
    sweepOf(submitId) {
      const row = sweep.get(submitId) as { sweep_id: string; name: string; number: number; total: number } | undefined;
      if (!row) return undefined;
      const { name, number, total } = row;
      const known = shapes.all(row.sweep_id) as unknown as ImportedSweep["shapes"];
      return { id: sweepId(row.sweep_id), name, number, total, shapes: known };
    },
    known: (origins) =>
      new Set((known.all(JSON.stringify(origins)) as unknown as { origin: string }[]).map(({ origin }) => origin)),
    find(key, nth) {
      const row = find.get(key, nth - 1) as { run_id: string } | undefined;
      return row && runId(row.run_id);
    },
    isEmpty: () => some.get() === undefined,
    *configs() {
      for (const row of configs.iterate() as Iterable<{ run_id: string; compared_text: string }>) {
        yield { id: runId(row.run_id), comparedText: row.compared_text };
      }
    },
    directory: (id) => (directory.get(id) as { directory: string } | undefined)?.directory,
    points: (origins) => (manyPoints.all(JSON.stringify(origins)) as unknown as PointsRow[]).map(pointsOf),
    pointsOf(id) {
      const row = onePoints.get(id) as unknown as PointsRow | undefined;
      return row && pointsOf(row);
    },
    complete: (id) => {
      complete.run(id);
    },
  };
}

interface PointsRow {
  readonly run_id: string;
  readonly origin: string;
  readonly points_complete: number;
  readonly fence: number;
  readonly stored: number;
}

function pointsOf(row: PointsRow): ImportedPoints {
  const { origin, stored } = row;
  return { id: runId(row.run_id), origin, fence: fence(row.fence), stored, complete: row.points_complete === 1 };
}

/** The writer of `runs-imported`, but for the row of a new sweep, which is written as any other. */
export function createImportWriter(db: Database): (change: ImportedChange) => void {
  const shape = db.prepare(`INSERT INTO sweep_shapes (sweep_id, number, template_json, resources_json, limits_json,
    retry_json, tags_json) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const grow = db.prepare(
    "UPDATE sweeps SET total = (SELECT max(idx) FROM runs WHERE sweep_id = ?1) WHERE sweep_id = ?1",
  );
  const run = db.prepare(`INSERT INTO runs (run_id, sweep_id, idx, shape, fingerprint, params_json,
    created_at, reused_from) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)`);
  const state = db.prepare(`INSERT INTO run_states (run_id, sweep_id, state, reason, priority, attempt, fence, failures,
    crashes, given_up, cancel_requested, not_before, finished_at) VALUES (?, ?, 'succeeded', '', 0, 1, ?, 0, 0, 0, 0, 0, ?)`);
  const attempt = db.prepare(`INSERT INTO attempts (fence, run_id, number, node, devices_json, phase, stopping,
    assigned_at, started_at, finished_at, outcome_json, final_sizes_json, sealed)
    VALUES (?, ?, 1, ?, '[]', 'ended', '', ?, ?, ?, '{"kind":"succeeded"}', NULL, 1)`);
  const metric = db.prepare(`INSERT INTO metric_lasts (fence, key, value, text, step, at, count)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const imported =
    db.prepare(`INSERT INTO imported_runs (run_id, key, compared_text, origin, directory, points_complete)
    VALUES (?, ?, ?, ?, ?, ?)`);

  function writeRun(id: SweepId, row: ImportedRunRow): void {
    run.run(row.id, id, row.index, row.shape, row.fingerprint, row.paramsJson, row.startedAt);
    state.run(row.id, id, row.fence, row.finishedAt);
    attempt.run(row.fence, row.id, IMPORTED_NODE, row.startedAt, row.startedAt, row.finishedAt);
    for (const { key, value, step, count } of row.metrics) {
      const [number, text] = Number.isFinite(value) ? [value, null] : [null, String(value)];
      metric.run(row.fence, key, number, text, step ?? null, null, count);
    }
    const complete = row.pointsFollow === true ? 0 : 1;
    imported.run(row.id, row.key ?? null, row.comparedText, row.origin, row.directory, complete);
  }

  return (change) => {
    for (const { number, shape: made } of change.shapes) {
      const [limits, retry, tags] = [made.limits, made.retry, made.tags].map((part) => JSON.stringify(part));
      shape.run(
        change.sweepId,
        number,
        templateToJson(made.template),
        requestToJson(made.resources),
        limits ?? "",
        retry ?? "",
        tags ?? "",
      );
    }
    for (const row of change.runs) writeRun(change.sweepId, row);
    grow.run(change.sweepId);
  };
}
