/**
 * What happened to runs since somebody last looked: written with the change itself, so that a kill loses none of it. Kept
 * only where a coordinator has channels to tell it to.
 */
import { type Fence, type RunId, runId, type SweepId, sweepId } from "../../shared/kernel/ids.ts";
import type { NotifySettings } from "../../shared/run/notify.ts";
import type { RunState } from "../../shared/run/states.ts";
import type { Database } from "./database.ts";

export interface RunNews {
  readonly seq: number;
  readonly sweepId: SweepId;
  /** Undefined: the sweep as a whole. */
  readonly runId: RunId | undefined;
  /** "sealed": all its output is stored; "edited": people wrote on it, or an artifact came. Undefined for a sweep. */
  readonly what: RunState | "sealed" | "edited" | undefined;
}

/** A sweep that wants to be told about. */
export interface SweepNotice extends NotifySettings {
  readonly sweepId: SweepId;
  /** Its start was told. */
  readonly started: boolean;
  /** Its end was told, or it had ended before. */
  readonly finished: boolean;
  /** The best value told of; undefined: none yet. */
  readonly best: number | undefined;
}

export interface RunNewsReader {
  read(limit: number): RunNews[];
  /** Forgets those up to `seq`. */
  forget(seq: number): void;
  notice(id: SweepId): SweepNotice | undefined;
  /** Those whose end was not told yet. */
  openNotices(): SweepNotice[];
  setNotice(notice: Pick<SweepNotice, "sweepId" | "started" | "finished" | "best">): void;
}

/** Within the transaction of the change. `isWanted`: there are channels. */
export interface RunNewsWriter {
  run(sweep: SweepId, run: RunId, state: RunState): void;
  sweep(sweep: SweepId): void;
  sealed(fence: Fence): void;
  /** Replaces what the sweep said before; undefined: it wants to hear nothing. */
  settings(sweep: SweepId, notify: NotifySettings | undefined): void;
}

export function createRunNewsWriter(db: Database, isWanted: boolean): RunNewsWriter {
  const insert = db.prepare("INSERT INTO run_news (sweep_id, run_id, what) VALUES (?, ?, ?)");
  const seal = db.prepare(`INSERT INTO run_news (sweep_id, run_id, what)
    SELECT r.sweep_id, r.run_id, 'sealed' FROM attempts a JOIN runs r ON r.run_id = a.run_id WHERE a.fence = ?`);
  const save =
    db.prepare(`INSERT INTO sweep_notices (sweep_id, on_json, to_json, started, finished) VALUES (?, ?, ?, 0, 0)
    ON CONFLICT DO UPDATE SET on_json = excluded.on_json, to_json = excluded.to_json`);
  const drop = db.prepare("DELETE FROM sweep_notices WHERE sweep_id = ?");
  return {
    run: (sweep, run, state) => void (isWanted && insert.run(sweep, run, state)),
    sweep: (sweep) => void (isWanted && insert.run(sweep, null, null)),
    sealed: (fence) => void (isWanted && seal.run(fence)),
    settings(sweep, notify) {
      if (notify) save.run(sweep, JSON.stringify(notify.on), JSON.stringify(notify.to));
      else drop.run(sweep);
    },
  };
}

export function createRunNewsReader(db: Database): RunNewsReader {
  const read = db.prepare("SELECT seq, sweep_id, run_id, what FROM run_news ORDER BY seq LIMIT ?");
  const forget = db.prepare("DELETE FROM run_news WHERE seq <= ?");
  const columns = "SELECT sweep_id, on_json, to_json, started, finished, best FROM sweep_notices";
  const one = db.prepare(`${columns} WHERE sweep_id = ?`);
  const open = db.prepare(`${columns} WHERE finished = 0`);
  const set = db.prepare("UPDATE sweep_notices SET started = ?, finished = ?, best = ? WHERE sweep_id = ?");
  return {
    read: (limit) =>
      read.all(limit).map((row) => ({
        seq: Number(row.seq),
        sweepId: sweepId(String(row.sweep_id)),
        runId: row.run_id === null ? undefined : runId(String(row.run_id)),
        what: row.what === null ? undefined : (String(row.what) as RunNews["what"]),
      })),
    forget: (seq) => void forget.run(seq),
    notice(id) {
      const row = one.get(id) as unknown as NoticeRow | undefined;
      return row && noticeOf(row);
    },
    openNotices: () => (open.all() as unknown as NoticeRow[]).map(noticeOf),
    setNotice({ sweepId: id, started, finished, best }) {
      set.run(started ? 1 : 0, finished ? 1 : 0, best ?? null, id);
    },
  };
}

interface NoticeRow {
  readonly sweep_id: string;
  readonly on_json: string;
  readonly to_json: string;
  readonly started: number;
  readonly finished: number;
  readonly best: number | null;
}

function noticeOf(row: NoticeRow): SweepNotice {
  return {
    sweepId: sweepId(row.sweep_id),
    on: JSON.parse(row.on_json) as SweepNotice["on"],
    to: JSON.parse(row.to_json) as string[],
    started: row.started === 1,
    finished: row.finished === 1,
    best: row.best ?? undefined,
  };
}
