/** Runs that are shown elsewhere as they go on: which channel wants which, and when it is told again. */
import type { RunId } from "../../shared/kernel/ids.ts";
import { type Fence, runId } from "../../shared/kernel/ids.ts";
import type { TableName } from "../../shared/run/notify.ts";
import type { RunRecord } from "../../shared/run/records.ts";
import type { Database } from "../store/database.ts";
import type { Outbox, OutboxEntry } from "../store/outbox.ts";
import type { RunNews } from "../store/run-news.ts";
import { createSavedRows, type SavedRow } from "../store/saved-rows.ts";

/** A channel that takes runs. Empty lists: whatever the project, whatever the sweep. */
export interface RunTarget {
  /** As `kind:name`. */
  readonly name: string;
  readonly projects: readonly string[];
  /** Names of sweeps; `*` stands for any text. */
  readonly sweeps: readonly string[];
  /** The table that it fills; runs that name it are taken whatever the lists say. */
  readonly table?: TableName;
  /** Of a table: rows of runs, rows that programs save for it, or both. Absent: of runs. */
  readonly rows?: "runs" | "saved" | "both";
  /** Time between two updates of a run that goes on; absent: half a minute. */
  readonly updateMs?: number;
}

export interface TrackedRun {
  readonly record: RunRecord;
  readonly project: string;
}

export interface TrackedRuns {
  get(id: RunId): TrackedRun | undefined;
  /** What the receiver calls the run of the entry. */
  remoteId(channel: string, entry: Pick<OutboxEntry, "subject">): string | undefined;
  setRemoteId(channel: string, entry: Pick<OutboxEntry, "subject">, remote: string | undefined): void;
}

export function createTrackedRuns(
  db: Database,
  outbox: Outbox,
  get: (id: RunId) => RunRecord | undefined,
): TrackedRuns {
  const project = db.prepare(
    "SELECT w.project FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id WHERE r.run_id = ?",
  );
  return {
    get(id) {
      const record = get(id);
      const row = project.get(id) as { project: string } | undefined;
      return record && row && { record, project: row.project };
    },
    remoteId: (channel, { subject }) => outbox.remoteId(channel, subject),
    setRemoteId: (channel, { subject }, remote) => outbox.setRemoteId(channel, subject, remote),
  };
}

/** What a program saved, of an entry of the outbox; undefined: the entry is about a run. */
export function savedRowOf({ subject, body }: OutboxEntry): Pick<SavedRow, "cells"> | undefined {
  return subject.startsWith(SAVED_PREFIX) ? (JSON.parse(body) as SavedRow) : undefined;
}

export interface RunTeller {
  /** Puts the runs into the outbox. Within a transaction. */
  tell(news: readonly RunNews[], grown: ReadonlySet<Fence>): void;
}

/** Begins the subject of an entry that is a saved row. */
const SAVED_PREFIX = "row_";
/** Saved rows of one look. */
const SAVED_PER_TURN = 1_000;
/** What changes within this time is told at once. */
const GATHER_MS = 2_000;
/** Time between two updates of a run that goes on. */
const UPDATE_MS = 30_000;

export interface RunTellerOptions {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly targets: readonly RunTarget[];
  readonly newId: () => string;
  readonly wallMs: () => number;
  readonly gatherMs?: number;
}

export function createRunTeller(options: RunTellerOptions): RunTeller {
  const { db, outbox, targets, newId, wallMs, gatherMs = GATHER_MS } = options;
  const sweepOf = db.prepare(`SELECT w.name, w.project, h.template_json ->> '$.table.appToken' AS appToken,
      h.template_json ->> '$.table.tableId' AS tableId
    FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape WHERE r.run_id = ?`);
  const hasBegun = db.prepare("SELECT 1 FROM attempts WHERE run_id = ? LIMIT 1");
  const runOf = db.prepare("SELECT run_id FROM attempts WHERE fence = ?");
  const savedRows = createSavedRows(db);

  /** To the table that it names, by itself or by its file, else to those that take its run. */
  function tellSaved({ seq, runId: id, cells, table }: SavedRow): void {
    const sweep = sweepOf.get(id) as unknown as Wanting | undefined;
    if (!sweep) return;
    const named: Wanting = {
      ...sweep,
      appToken: table.appToken ?? sweep.appToken,
      tableId: table.tableId ?? sweep.tableId,
    };
    const takers = targets.filter(({ rows }) => rows === "saved" || rows === "both");
    const exact = takers.filter((target) => isTable(target, named));
    const isElsewhere = table.appToken !== undefined || table.tableId !== undefined;
    const found = exact.length > 0 || isElsewhere ? exact : takers.filter((each) => wants(each, sweep));
    const now = wallMs();
    if (found.length === 0) savedRows.leave({ runId: id }, now);
    for (const target of found) {
      const body = JSON.stringify({ cells });
      outbox.put({
        id: newId(),
        channel: target.name,
        subject: `${SAVED_PREFIX}${seq}`,
        body,
        createdAt: now,
        dueAt: now,
        merge: (old) => old,
      });
    }
  }

  return {
    tell(news, grown) {
      if (targets.length === 0) return;
      for (const row of savedRows.take(SAVED_PER_TURN)) tellSaved(row);
      const runs = new Map<RunId, "changed" | "grown">();
      for (const fence of grown) {
        const row = runOf.get(fence) as { run_id: string } | undefined;
        if (row) runs.set(runId(row.run_id), "grown");
      }
      // A run that waits is no row yet.
      for (const { runId: id, what } of news) {
        if (id === undefined || what === "queued") continue;
        if (what !== "edited" || hasBegun.get(id) !== undefined) runs.set(id, "changed");
      }
      for (const [id, why] of runs) {
        const row = sweepOf.get(id) as unknown as Wanting | undefined;
        for (const target of row ? targets : []) {
          if (!row || target.rows === "saved" || !wants(target, row)) continue;
          put(target.name, id, why === "changed" ? gatherMs : (target.updateMs ?? UPDATE_MS));
        }
      }
    },
  };

  function put(channel: string, id: RunId, restMs: number): void {
    const now = wallMs();
    const dueAt = Math.max(now + gatherMs, outbox.lastSent(channel, id) + restMs);
    outbox.put({ id: newId(), channel, subject: id, body: "{}", createdAt: now, dueAt, merge: (old) => old });
  }
}

/** What decides who takes a run: its sweep, and the table that its file names; null: none. */
export interface Wanting {
  readonly name: string;
  readonly project: string;
  readonly appToken: string | null;
  readonly tableId: string | null;
}

/** Whether the channel takes the run. */
export function wants(target: RunTarget, sweep: Wanting): boolean {
  const { projects, sweeps } = target;
  if (isTable(target, sweep)) return true;
  if (projects.length > 0 && !projects.includes(sweep.project)) return false;
  return sweeps.length === 0 || sweeps.some((pattern) => patternOf(pattern).test(sweep.name));
}

function isTable({ table }: RunTarget, { appToken, tableId }: Wanting): boolean {
  return table !== undefined && table.appToken === appToken && table.tableId === tableId;
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
