/**
 * What the agent has promised, on disk: which attempts it accepted, how they stand, which fences it is done with. Written
 * before anything is done or said, in one transaction per turn of the event loop. What a killed process must find again
 * is written; what must also survive a power cut is synced to disk, before it is said. After a power cut nothing runs any
 * more, so only promises need that: what was accepted, what was refused, that something is to be stopped.
 */

import { randomUUID } from "node:crypto";
import { closeSync, fdatasync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { unreachable } from "../shared/kernel/assert.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { type Fence, fence as makeFence } from "../shared/kernel/ids.ts";
import type { AgentChange } from "./core/events.ts";
import type { AgentAttempt, AgentState } from "./core/state.ts";

/** Fences that are done with are remembered this long. */
const TOMBSTONE_DAYS = 30;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS attempts (fence INTEGER PRIMARY KEY, attempt_json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS tombstones (fence INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS artifacts (fence INTEGER NOT NULL, seq INTEGER NOT NULL, row_json TEXT NOT NULL,
    PRIMARY KEY (fence, seq)) STRICT, WITHOUT ROWID;
`;
const SCHEMA_VERSION = 1;

export interface Journal {
  /** The state as it was last written; +1 on the incarnation, durable. Sessions and devices start empty. */
  open(bootId: string, wallMs: number): { state: AgentState; incarnation: number };
  /**
   * Writes changes in one transaction. True where one of them is a promise: nothing of it may be said before a `sync` that
   * was asked for later has resolved. A failure is final: the process must end.
   */
  write(changes: readonly AgentChange[], wallMs: number): boolean;
  /** What attempts keep of their files and that is not done with, by attempt and number. */
  readonly artifacts: ArtifactJournal;
  /** Resolves when all that was written so far survives a power cut. Calls share the wait. A rejection is final. */
  sync(): Promise<void>;
  close(): void;
}

/** A row names itself by attempt and number; the rest is of no interest here. */
export interface ArtifactJournal {
  load(): unknown[];
  save(rows: readonly { readonly fence: Fence; readonly seq: number }[]): void;
  remove(fence: Fence): void;
}

/** Opens `path`, made when it is not there. Throws AppError where it cannot be used. */
export function openJournal(path: string): Journal {
  const db = openDatabase(path);
  const sql = {
    save: db.prepare(
      "INSERT INTO attempts (fence, attempt_json) VALUES (?, ?) ON CONFLICT DO UPDATE SET attempt_json = excluded.attempt_json",
    ),
    remove: db.prepare("DELETE FROM attempts WHERE fence = ?"),
    bury: db.prepare("INSERT INTO tombstones (fence, at) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    put: db.prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"),
    get: db.prepare("SELECT value FROM meta WHERE key = ?"),
  };
  const wal = createSync(`${path}-wal`);
  const read = (key: string): string | undefined => (sql.get.get(key) as { value: string } | undefined)?.value;

  function writeOne(change: AgentChange, wallMs: number): void {
    switch (change.kind) {
      case "attempt-saved":
        sql.save.run(change.fence, JSON.stringify(change.attempt));
        return;
      case "attempt-removed":
      case "refused":
        sql.remove.run(change.fence);
        sql.bury.run(change.fence, wallMs);
        return;
      case "coordinator-known":
        sql.put.run("store_id", change.storeId);
        sql.put.run("term", String(change.term));
        return;
      case "draining":
        sql.put.run("draining", change.draining ? "1" : "0");
        return;
      case "lease-renewed":
      case "looked":
      case "waits":
        return;
      default:
        unreachable(change);
    }
  }

  return {
    open: (bootId, wallMs) => {
      const incarnation = Number(read("incarnation") ?? 0) + 1;
      db.exec("PRAGMA synchronous = FULL");
      inTransaction(db, () => {
        if (read("agent_id") === undefined) sql.put.run("agent_id", randomUUID());
        sql.put.run("incarnation", String(incarnation));
        // The highest stays: by it a coordinator learns that its store was set back.
        db.prepare("DELETE FROM tombstones WHERE at < ? AND fence < (SELECT max(fence) FROM tombstones)").run(
          wallMs - TOMBSTONE_DAYS * 86_400_000,
        );
      });
      // From here on a commit hands its pages to the kernel, and `sync` waits for the disk without holding up anything.
      db.exec("PRAGMA synchronous = NORMAL");
      const attempts = loadAttempts(db);
      const tombstones = loadTombstones(db);
      const state: AgentState = {
        agentId: read("agent_id") ?? "",
        bootId,
        storeId: read("store_id") ?? "",
        term: Number(read("term") ?? 0),
        maxFenceSeen: Math.max(0, ...attempts.keys(), ...tombstones),
        draining: read("draining") === "1",
        attempts,
        tombstones,
        waiting: new Map(),
        leaving: false,
        session: undefined,
        heartbeatSeq: 0,
        heartbeatsSent: new Map(),
        exchangeSentMs: 0,
        devices: [],
      };
      return { state, incarnation };
    },
    write: (changes, wallMs) => {
      if (changes.every(isVolatile)) return false;
      inTransaction(db, () => {
        for (const change of changes) writeOne(change, wallMs);
      });
      return changes.some(isPromise);
    },
    artifacts: artifactRows(db),
    sync: () => wal.sync(),
    close: () => {
      wal.close();
      db.close();
    },
  };
}

function artifactRows(db: DatabaseSync): ArtifactJournal {
  const save = db.prepare(`INSERT INTO artifacts (fence, seq, row_json) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET row_json = excluded.row_json`);
  const remove = db.prepare("DELETE FROM artifacts WHERE fence = ?");
  const all = db.prepare("SELECT row_json FROM artifacts ORDER BY fence, seq");
  return {
    load: () => all.all().map((row) => JSON.parse(String(row.row_json)) as unknown),
    save: (rows) =>
      inTransaction(db, () => {
        for (const row of rows) save.run(row.fence, row.seq, JSON.stringify(row));
      }),
    remove: (fence) => void remove.run(fence),
  };
}

function isVolatile({ kind }: AgentChange): boolean {
  return kind === "lease-renewed" || kind === "looked";
}

function isPromise(change: AgentChange): boolean {
  switch (change.kind) {
    case "attempt-saved":
      return (
        change.attempt.phase === "accepted" || (change.attempt.phase === "running" && change.attempt.stop !== undefined)
      );
    case "refused":
    case "coordinator-known":
    case "draining":
      return true;
    case "attempt-removed":
    case "lease-renewed":
    case "looked":
    case "waits":
      return false;
    default:
      return unreachable(change);
  }
}

/**
 * Syncs a file that somebody else writes, one sync at a time: those who ask while one is on its way share the next. Of
 * the database this may be the log only, on which SQLite holds no locks: closing any descriptor of a file drops them.
 */
function createSync(path: string): { sync(): Promise<void>; close(): void } {
  let file: number | undefined;
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const syncOnce = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      file ??= openSync(path, "r+");
      fdatasync(file, (error) => (error ? reject(error) : resolve()));
    });
  const start = (): Promise<void> => {
    const started = syncOnce().finally(() => {
      if (current === started) current = undefined;
    });
    current = started;
    return started;
  };
  return {
    sync: () => {
      if (!current) return start();
      next ??= current
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return start();
        });
      return next;
    },
    close: () => {
      const closeFile = () => {
        if (file !== undefined) closeSync(file);
        file = undefined;
      };
      // Never under a sync that is on its way: its number could be somebody else's by then.
      if (current) void current.then(closeFile, closeFile);
      else closeFile();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    const db = new DatabaseSync(path);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;");
    const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > SCHEMA_VERSION) {
      throw new AppError("conflict", `the journal ${path} was written by a newer version`, {
        id: "agent.newer-journal",
      });
    }
    db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
    return db;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("unavailable", `cannot open the journal ${path}: ${errorMessage(error)}`, {
      id: "agent.journal",
      hint: "check that --workdir exists and is writable",
      cause: error,
    });
  }
}

function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    work();
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function loadAttempts(db: DatabaseSync): Map<Fence, AgentAttempt> {
  const rows = db.prepare("SELECT fence, attempt_json FROM attempts ORDER BY fence").all();
  return new Map(
    rows.map((row) => [makeFence(Number(row.fence)), JSON.parse(String(row.attempt_json)) as AgentAttempt]),
  );
}

function loadTombstones(db: DatabaseSync): Set<Fence> {
  return new Set(
    db
      .prepare("SELECT fence FROM tombstones")
      .all()
      .map((row) => makeFence(Number(row.fence))),
  );
}
