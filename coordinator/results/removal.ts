/**
 * Removing results directories so that a kill at any moment leaves no half of one in its place: a directory is first moved
 * aside as a whole, then emptied there.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunId } from "../../shared/kernel/ids.ts";

/** In the results root; sweeps cannot be called so. */
const ASIDE = ".removed";

/** Sum of the sizes of its files; undefined where there is no such directory. */
export async function directoryBytes(path: string): Promise<number | undefined> {
  if (!existsSync(path)) return undefined;
  let sum = 0;
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) sum += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}

/** Moves the directory out of its place; nothing where it is not there. Synchronous, so that nobody writes in between. */
export function moveAside(root: string, directory: string, run: RunId): void {
  if (!existsSync(directory)) return;
  mkdirSync(join(root, ASIDE), { recursive: true });
  renameSync(directory, join(root, ASIDE, run));
}

/** Removes what was moved aside. */
export async function removeAside(root: string, run: RunId): Promise<void> {
  await rm(join(root, ASIDE, run), { recursive: true, force: true });
}
