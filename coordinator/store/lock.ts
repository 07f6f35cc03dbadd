/**
 * One coordinator for one data directory. The lock is SQLite's own lock on a small file: the kernel gives it back however
 * the holder ends.
 */
import { DatabaseSync } from "node:sqlite";
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";

/** Takes the lock, or throws AppError that names the holder. Returns how it is given back. */
export function lockDirectory(path: string, pid: number): () => void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Journal in memory: the lock must not depend on a journal file that a killed holder leaves.
    db.exec("PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 200; PRAGMA locking_mode = EXCLUSIVE;");
    db.exec(`BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS holder (pid INTEGER); DELETE FROM holder;
      INSERT INTO holder VALUES (${pid}); COMMIT;`);
  } catch (error) {
    db?.close();
    const busy = errorMessage(error).includes("locked");
    throw new AppError(
      busy ? "conflict" : "unavailable",
      busy
        ? `another coordinator uses this data directory (${path} is locked)`
        : `cannot lock ${path}: ${errorMessage(error)}`,
      {
        id: busy ? "store.locked" : "store.lock",
        hint: busy ? "stop it first, or choose another --data" : "check that the directory is writable",
        cause: error,
      },
    );
  }
  const held = db;
  return () => held.close();
}
