/**
 * Looks for files of metrics below some folders, at a slow pace and with bounds: the newest folders first, no links, so
 * many of each. Runs that share a folder share the look.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface FoundFile {
  readonly path: string;
  /** Unix ms; of its making where the file system knows that, else of its last change. */
  readonly bornMs: number;
  readonly changedMs: number;
  readonly bytes: number;
}

const DEPTH_MAX = 6;
const FOLDERS_MAX = 200;
const ENTRIES_MAX = 5_000;
const FILES_MAX = 500;
const CACHE_MAX = 500;

export class FileFinder {
  readonly #looks = new Map<string, { atMs: number; files: readonly FoundFile[] }>();

  /** Files below `root` whose names match, as of not more than `ageMs` ago. Nothing where there is no such folder. */
  find(root: string, name: RegExp, depth: number, ageMs: number, nowMs: number): readonly FoundFile[] {
    const key = `${root}\0${name.source}\0${depth}`;
    const known = this.#looks.get(key);
    if (known && nowMs - known.atMs < ageMs) return known.files;
    const files = walk(root, name, Math.min(depth, DEPTH_MAX));
    this.#looks.delete(key);
    this.#looks.set(key, { atMs: nowMs, files });
    const oldest = this.#looks.keys().next().value;
    if (this.#looks.size > CACHE_MAX && oldest !== undefined) this.#looks.delete(oldest);
    return files;
  }
}

function walk(root: string, name: RegExp, depthMax: number): FoundFile[] {
  const found: FoundFile[] = [];
  // Most folders that are looked for are not there; an error for each would cost more than the rest of the look.
  if (!statQuietly(root)) return found;
  let entries = 0;
  let level: { path: string; changedMs: number }[] = [{ path: root, changedMs: 0 }];
  let folders = 0;
  for (let depth = 0; depth <= depthMax && level.length > 0; depth++) {
    const below: { path: string; changedMs: number }[] = [];
    level.sort((a, b) => b.changedMs - a.changedMs);
    for (const { path } of level) {
      if (++folders > FOLDERS_MAX || entries > ENTRIES_MAX) return found;
      for (const entry of list(path)) {
        if (++entries > ENTRIES_MAX) break;
        const full = join(path, entry.name);
        const isFile = entry.isFile() && name.test(entry.name);
        if (!isFile && !(entry.isDirectory() && depth < depthMax && !entry.name.startsWith("."))) continue;
        const status = statQuietly(full);
        if (!status) continue;
        if (!isFile) below.push({ path: full, changedMs: status.mtimeMs });
        else if (found.length < FILES_MAX) {
          const bornMs = status.birthtimeMs > 0 ? status.birthtimeMs : status.mtimeMs;
          found.push({ path: full, bornMs, changedMs: status.mtimeMs, bytes: status.size });
        }
      }
    }
    level = below;
  }
  return found;
}

/** What a program makes and removes meanwhile, or keeps from us, is not there. */
function list(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

function statQuietly(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
