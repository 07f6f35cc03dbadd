/**
 * Code of runs: contents are fetched once and kept by their hash in `<dir>/ab/abcd…`; each run gets a copy of its own, so
 * that what it does to its files stays with it. Copies share blocks with the cache where the file system can do that; hard
 * links would let a run write into the cache. A content is there when it is whole and verified. The cache is bounded: what
 * was not used for longest goes.
 */
import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { CODE_BYTES_MAX } from "../../shared/run/limits.ts";
import { parseSnapshot, type SnapshotEntry, type SnapshotFile } from "../../shared/run/snapshot.ts";
import type { ContentPart } from "../session/contents.ts";

export interface CodeCacheOptions {
  /** Made where it is not there. Of this cache alone. */
  readonly dir: string;
  readonly get: (hashes: readonly string[]) => AsyncIterable<ContentPart>;
  readonly bytesMax?: number;
}

export interface CodeCache {
  /**
   * Lays out a snapshot in a directory that is not there yet. Throws AppError: "unavailable" while the coordinator is away,
   * "invalid" where it cannot be had at all.
   */
  checkout(snapshot: string, directory: string): Promise<void>;
}

const BYTES_MAX = 8 * CODE_BYTES_MAX;
/** After clearing, this part of the bound is left. */
const LEFT_PART = 0.8;
const HASHES_PER_CALL = 1_000;
const COPIERS = 8;

export function createCodeCache({ dir, get, bytesMax = BYTES_MAX }: CodeCacheOptions): CodeCache {
  const incoming = join(dir, "incoming");
  const fetching = new Map<string, Promise<readonly SnapshotEntry[]>>();
  /** Checkouts at work: nothing is cleared meanwhile. */
  let working = 0;
  let bytesKept: Promise<number> | undefined;
  const pathOf = (hash: string) => join(dir, hash.slice(0, 2), hash);

  /** What a killed agent left half done, and how much there is. */
  async function begin(): Promise<number> {
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    return (await kept()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async function kept(): Promise<{ path: string; bytes: number; usedMs: number }[]> {
    const found = [];
    for (const folder of await readdir(dir)) {
      if (folder.length !== 2) continue;
      for (const name of await readdir(join(dir, folder))) {
        const path = join(dir, folder, name);
        const { size, mtimeMs } = await stat(path);
        found.push({ path, bytes: size, usedMs: mtimeMs });
      }
    }
    return found;
  }

  async function clear(): Promise<void> {
    const files = (await kept()).sort((a, b) => a.usedMs - b.usedMs);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files) {
      if (bytes <= bytesMax * LEFT_PART || working > 0) break;
      await rm(file.path, { force: true });
      bytes -= file.bytes;
    }
    bytesKept = Promise.resolve(bytes);
  }

  /** Fetched once for all attempts that want it at the same time. */
  function fetched(snapshot: string): Promise<readonly SnapshotEntry[]> {
    const known = fetching.get(snapshot);
    if (known) return known;
    const made = fetchAll(snapshot).finally(() => fetching.delete(snapshot));
    fetching.set(snapshot, made);
    return made;
  }

  async function fetchAll(snapshot: string): Promise<readonly SnapshotEntry[]> {
    bytesKept ??= begin();
    await bytesKept;
    await fetchMissing([{ sha256: snapshot, bytes: undefined }]);
    const entries = parseSnapshot(await readFile(pathOf(snapshot), "utf8"));
    if ("problem" in entries) throw new AppError("invalid", `the code of this run cannot be used: ${entries.problem}`);
    await fetchMissing(entries.filter((entry) => entry.kind === "file"));
    return entries;
  }

  async function fetchMissing(wanted: readonly { readonly sha256: string; readonly bytes: number | undefined }[]) {
    const missing = new Set<string>();
    const now = new Date();
    for (const { sha256, bytes } of wanted) {
      const size = await sizeOf(pathOf(sha256));
      if (size === undefined || (bytes !== undefined && size !== bytes)) missing.add(sha256);
      else await utimes(pathOf(sha256), now, now);
    }
    const hashes = [...missing];
    for (let from = 0; from < hashes.length; from += HASHES_PER_CALL) {
      await receive(hashes.slice(from, from + HASHES_PER_CALL));
    }
  }

  async function receive(hashes: readonly string[]): Promise<void> {
    let current: Arriving | undefined;
    try {
      for await (const { hash, size, data } of get(hashes)) {
        if (current && current.hash !== hash) throw broken(`${current.hash} ended early`);
        current ??= await arriving(hash, size);
        const { part } = current;
        if (!(await current.add(data))) continue;
        current = undefined;
        await mkdir(join(dir, hash.slice(0, 2)), { recursive: true, mode: 0o700 });
        await rename(part, pathOf(hash));
        bytesKept = Promise.resolve(((await bytesKept) ?? 0) + size);
      }
      if (current) throw broken(`${current.hash} ended early`);
    } catch (error) {
      throw translated(error);
    } finally {
      await current?.close();
    }
    for (const hash of hashes) {
      if ((await sizeOf(pathOf(hash))) === undefined) throw broken(`${hash} did not come`);
    }
  }

  async function arriving(hash: string, size: number): Promise<Arriving> {
    const part = join(incoming, `${hash}.${randomUUID()}`);
    return { part, ...receiveFile(await open(part, "wx", 0o400), hash, size) };
  }

  return {
    async checkout(snapshot, directory) {
      working += 1;
      try {
        const entries = await fetched(snapshot);
        await layOut(entries, directory, pathOf);
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw new AppError("unavailable", `cannot lay out the code of this run: ${errorMessage(error)}`, {
          cause: error,
        });
      } finally {
        working -= 1;
      }
      if (working === 0 && ((await bytesKept) ?? 0) > bytesMax) await clear();
    },
  };
}

interface Arriving {
  readonly hash: string;
  /** Where it lies until it is whole. */
  readonly part: string;
  /** True when the content is whole, verified and on disk. */
  add(data: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

function receiveFile(file: FileHandle, hash: string, size: number): Omit<Arriving, "part"> {
  const sum = createHash("sha256");
  let length = 0;
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    hash,
    async add(data) {
      await file.appendFile(data);
      sum.update(data);
      length += data.length;
      if (length < size) return false;
      if (length > size || sum.digest("hex") !== hash) throw broken(`${hash} was damaged on its way`);
      await file.datasync();
      await close();
      return true;
    },
    close,
  };
}

/** Checked before: no path leads outside, and nothing lies below a link. */
async function layOut(
  entries: readonly SnapshotEntry[],
  directory: string,
  pathOf: (hash: string) => string,
): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  const folders = new Set(entries.map(({ path }) => dirname(path)).filter((folder) => folder !== "."));
  for (const folder of [...folders].sort()) await mkdir(join(directory, folder), { recursive: true, mode: 0o700 });
  const files = entries.filter((entry) => entry.kind === "file");
  let next = 0;
  const copier = async (): Promise<void> => {
    for (let file = files[next++]; file; file = files[next++]) await copyOut(file, join(directory, file.path), pathOf);
  };
  await Promise.all(Array.from({ length: COPIERS }, copier));
  for (const entry of entries) {
    if (entry.kind === "link") await symlink(entry.target, join(directory, entry.path));
  }
}

async function copyOut(file: SnapshotFile, path: string, pathOf: (hash: string) => string): Promise<void> {
  await copyFile(pathOf(file.sha256), path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // The cache's own files cannot be written.
  await chmod(path, file.executable ? 0o755 : 0o644);
}

function translated(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== "not_found") return error;
  return new AppError("invalid", `the code of this run is not whole any more: ${error.message}`, { cause: error });
}

function broken(what: string): AppError {
  return new AppError("unavailable", `the code of this run did not arrive whole: ${what}`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
