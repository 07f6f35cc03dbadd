/**
 * Attempt directories, made while nobody waits: between two runs of a device only a rename is left to do. They lie
 * beside `runs/`, so that nothing takes one for an attempt.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../shared/kernel/errors.ts";
import { makeEmptyAttemptDir } from "./attempt-dir.ts";

/** As many as may start at once without waiting; after a burst they are made again. */
const SPARES = 4;
const REFILL_MS = 2;

export interface SpareDirs {
  /** Puts a spare directory at `dir`; false where there is none, or where it cannot be moved there. */
  moveTo(dir: string): boolean;
  close(): void;
}

export function createSpareDirs(workdir: string): SpareDirs {
  const folder = join(workdir, "spare");
  const spares: string[] = [];
  let lastNumber = 0;
  let timer: NodeJS.Timeout | undefined;
  rmSync(folder, { recursive: true, force: true });
  refillLater();

  function refillLater(): void {
    timer ??= setTimeout(refill, REFILL_MS);
  }

  function refill(): void {
    timer = undefined;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      while (spares.length < SPARES) {
        const spare = join(folder, String(++lastNumber));
        makeEmptyAttemptDir(spare);
        spares.push(spare);
      }
    } catch {
      // A full disk, say: the attempt that finds no spare makes its own directory, and reports what is wrong.
    }
  }

  return {
    moveTo: (dir) => {
      const spare = spares.pop();
      refillLater();
      if (spare === undefined) return false;
      try {
        renameSync(spare, dir);
        return true;
      } catch (error) {
        // The folder of all attempts is not there yet, or the attempt has a directory: whoever makes one tells.
        const code = systemCode(error);
        spares.push(spare);
        if (code === "ENOENT" || code === "ENOTEMPTY" || code === "EEXIST") return false;
        throw error;
      }
    },
    close: () => clearTimeout(timer),
  };
}
