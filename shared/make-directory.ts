/** Making a directory that a user named, with those above it. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemCode } from "./kernel/errors.ts";

/**
 * Does nothing where it is there. `mode` is that of each directory made. Throws the error of the system. mkdir's own
 * `recursive` never returns where a directory that is there refuses with ENOENT, as /proc does.
 */
export function makeDirectory(path: string, mode?: number): void {
  const missing: string[] = [];
  let at = resolve(path);
  while (!isThere(at)) {
    missing.push(at);
    at = dirname(at);
  }
  for (const directory of missing.reverse()) {
    try {
      mkdirSync(directory, mode);
    } catch (error) {
      // Made by somebody else meanwhile; a link to nothing is there as well, and is none.
      if (systemCode(error) !== "EEXIST" || !isThere(directory)) throw error;
    }
  }
}

/** Throws ENOTDIR where it is something else. */
function isThere(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts && !facts.isDirectory()) {
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: "ENOTDIR" });
  }
  return facts !== undefined;
}
