/**
 * Opens the coordinator's SQLite file and vouches for it: one writer, WAL, synchronous=FULL (NORMAL loses committed
 * transactions in a power cut), a SQLite without the WAL-reset bug, and a schema this version knows.
 */
import { DatabaseSync } from "node:sqlite";
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import { migrate } from "./migrations.ts";

/** First SQLite release with the fix of the WAL-reset corruption bug. */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;
/**
 * Pages in the WAL before a checkpoint, 8 MB: from then on the file is written over, which needs half the time of making it
 * longer. With more than that, large submits are slower too, and a checkpoint takes long.
 */
const WAL_AUTOCHECKPOINT_PAGES = 2_000;

export type Database = DatabaseSync;

/** Opens `path` (":memory:" in tests) and brings its schema up to date. Throws AppError where the file is not usable. */
export function openDatabase(path: string): Database {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path);
  } catch (error) {
    throw new AppError("unavailable", `cannot open the store ${path}: ${errorMessage(error)}`, {
      id: "store.open",
      hint: "check that the directory exists and is writable",
      cause: error,
    });
  }
  try {
    assertVersion(db);
    db.exec(`PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA busy_timeout = 5000;
      PRAGMA wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES};`);
    assertSettings(db, path);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A further connection that only reads, for a thread of its own. The store must be there, and up to date. */
export function openToRead(path: string): Database {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536;");
  return db;
}

/** Runs `work` in one transaction; a throw rolls it back. */
export function transaction<T>(db: Database, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function assertVersion(db: Database): void {
  const row = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  const parts = row.version.split(".").map(Number);
  for (const [i, minimum] of SQLITE_VERSION_MIN.entries()) {
    const part = parts[i] ?? 0;
    if (part > minimum) return;
    if (part < minimum) {
      throw new AppError("unavailable", `SQLite ${row.version} can corrupt this store`, {
        id: "store.sqlite-version",
        hint: `run with a Node.js whose SQLite is ${SQLITE_VERSION_MIN.join(".")} or later (Node 26)`,
      });
    }
  }
}

function assertSettings(db: Database, path: string): void {
  const synchronous = db.prepare("PRAGMA synchronous").get() as { synchronous: number };
  const journal = db.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  const walExpected = path !== ":memory:";
  if (synchronous.synchronous !== 2 || (walExpected && journal.journal_mode !== "wal")) {
    throw new AppError("internal", `the store ${path} refused its durability settings`, {
      id: "store.settings",
      hint: "the file system must support WAL; put the data directory on a local disk",
    });
  }
}
