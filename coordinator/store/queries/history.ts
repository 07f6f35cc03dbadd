/** What happened, newest first, and what ran where and for how long: for people, never for decisions. */
import { type RunId, runId, type SweepId } from "../../../shared/kernel/ids.ts";
import type { HistoryView } from "../../../shared/run/dashboard.ts";
import { GPU_WHOLE_MILLI, isCpuSlot } from "../../../shared/run/devices.ts";
import { runRef, sweepRef } from "../../../shared/run/names.ts";
import type { Database } from "../database.ts";
import { type AttemptRecord, type AttemptRow, attemptRecordOf } from "./attempts.ts";

export interface EventFilter {
  /** Only events before this one. */
  readonly before: number | undefined;
  readonly limit: number;
  readonly run?: RunId | undefined;
  readonly sweep?: SweepId | undefined;
  readonly node?: string | undefined;
  /** Empty: any. */
  readonly kinds: readonly string[];
}

/** An attempt with the run that it belongs to. */
export interface PlacedAttempt extends AttemptRecord {
  readonly ref: string;
  readonly runId: RunId;
}

/** Time that one sweep had devices on one day. */
export interface Usage {
  readonly sweep: string;
  /** Unix days (UTC). */
  readonly day: number;
  readonly gpuMs: number;
  readonly cpuMs: number;
}

export interface HistoryQueries {
  /** The newest first. */
  events(filter: EventFilter): HistoryView[];
  /** The last attempts that ended on a node, the newest first. */
  endedOn(node: string, limit: number): PlacedAttempt[];
  /** Those that are assigned to it or run there, the newest first. */
  openOn(node: string): PlacedAttempt[];
  /** Device time since `sinceMs`, up to `nowMs` for what still runs. Reads every attempt: for a thread of its own. */
  usage(sinceMs: number, nowMs: number): Usage[];
}

const DAY_MS = 86_400_000;

export function createHistoryQueries(db: Database): HistoryQueries {
  const events = (where: string) =>
    db.prepare(`SELECT e.seq, e.at, e.kind, e.node, e.text, e.token, w.name, w.number, r.idx FROM events e
      LEFT JOIN runs r ON r.run_id = e.run_id LEFT JOIN sweeps w ON w.sweep_id = r.sweep_id
      WHERE e.seq < :before AND (:node IS NULL OR e.node = :node)
        AND (:kinds = '[]' OR e.kind IN (SELECT value FROM json_each(:kinds))) ${where} ORDER BY e.seq DESC LIMIT :limit`);
  const statements = {
    all: events(""),
    run: events("AND e.run_id = :id"),
    sweep: events("AND e.run_id IN (SELECT run_id FROM runs WHERE sweep_id = :id)"),
  };
  const attempts = (where: string) =>
    db.prepare(`SELECT a.fence, a.number, a.node, a.devices_json, a.phase, a.outcome_json, a.assigned_at, a.started_at,
        a.finished_at, a.sealed, a.final_sizes_json, a.run_id, w.name, w.number AS sweep_number, r.idx
      FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id
      WHERE ${where} AND a.node = ? ORDER BY a.fence DESC LIMIT ?`);
  const ended = attempts("a.phase = 'ended'");
  // The condition repeats that of the partial index attempts_open, so that only open attempts are read.
  const open = attempts("(a.phase <> 'ended' OR a.sealed = 0) AND a.phase <> 'ended'");
  const used = db.prepare(`SELECT w.name, w.number, a.started_at, a.finished_at, a.devices_json,
      a.reserved_json ->> 'gpuMilli'
    FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id
    WHERE a.started_at IS NOT NULL AND (a.finished_at IS NULL OR a.finished_at > ?)`);
  used.setReturnArrays(true);

  return {
    events({ before = Number.MAX_SAFE_INTEGER, limit, run, sweep, node = null, kinds }) {
      const values = { before, limit, node, kinds: JSON.stringify(kinds) };
      const rows =
        run !== undefined
          ? statements.run.all({ ...values, id: run })
          : sweep !== undefined
            ? statements.sweep.all({ ...values, id: sweep })
            : statements.all.all(values);
      return (rows as unknown as EventRow[]).map(eventOf);
    },
    endedOn: (node, limit) => (ended.all(node, limit) as unknown as PlacedRow[]).map(placedOf),
    openOn: (node) => (open.all(node, -1) as unknown as PlacedRow[]).map(placedOf),
    usage(sinceMs, nowMs) {
      const sums = new Map<string, { sweep: string; day: number; gpuMs: number; cpuMs: number }>();
      for (const row of used.iterate(sinceMs) as Iterable<unknown>) {
        const [name, number, startedAt, finishedAt, devicesJson, gpuMilli] = row as [
          string,
          number,
          number,
          number | null,
          string,
          number | null,
        ];
        const sweep = sweepRef(name, number);
        const devices = JSON.parse(devicesJson) as string[];
        const slots = devices.filter(isCpuSlot).length;
        const end = Math.min(finishedAt ?? nowMs, nowMs);
        for (let from = Math.max(startedAt, sinceMs); from < end; ) {
          const day = Math.floor(from / DAY_MS);
          const to = Math.min(end, (day + 1) * DAY_MS);
          const key = `${day} ${sweep}`;
          const sum = sums.get(key) ?? { sweep, day, gpuMs: 0, cpuMs: 0 };
          // A part of a GPU counts as that part of its time.
          sum.gpuMs += ((to - from) * (devices.length - slots) * (gpuMilli ?? GPU_WHOLE_MILLI)) / GPU_WHOLE_MILLI;
          sum.cpuMs += (to - from) * slots;
          sums.set(key, sum);
          from = to;
        }
      }
      return [...sums.values()];
    },
  };
}

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly node: string | null;
  readonly text: string;
  readonly token: string | null;
  readonly name: string | null;
  readonly number: number | null;
  readonly idx: number | null;
}

function eventOf({ seq, at, kind, node, text, token, name, number, idx }: EventRow): HistoryView {
  const run = name === null || number === null || idx === null ? null : runRef(sweepRef(name, number), idx);
  return { seq, at, kind, run, node, text, by: token };
}

interface PlacedRow extends AttemptRow {
  readonly run_id: string;
  readonly name: string;
  readonly sweep_number: number;
  readonly idx: number;
}

function placedOf(row: PlacedRow): PlacedAttempt {
  return {
    ...attemptRecordOf(row),
    runId: runId(row.run_id),
    ref: runRef(sweepRef(row.name, row.sweep_number), row.idx),
  };
}
