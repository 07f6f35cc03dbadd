/**
 * Writes byte ranges into the files of output streams, and makes them and their names durable, many at a time: first all
 * are written, then all are synced, so that what one sync puts on the disk is already there for the next. Keeps a bounded
 * number of files open. A failed write is an error of that file and may be tried again; a failed sync is a `SyncFailure`:
 * the kernel may have dropped the pages and call the file clean, so the only safe answer is to end the process and read again.
 *
 * What takes microseconds (opening what exists, a small write, closing) is done on the spot: handing it to the thread pool
 * costs more. Making directories and files, large writes and syncs take longer and must not hold up everything else.
 */
import {
  closeSync,
  fdatasync as fdatasyncCallback,
  fsync as fsyncCallback,
  mkdir as mkdirCallback,
  open as openCallback,
  openSync,
  read as readCallback,
  write as writeCallback,
  writev as writevCallback,
  writevSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";

const OPEN_FILES_MAX = 256;
/** Buffers of one writev on Linux, at most. */
const PARTS_MAX = 1_024;
/** Up to here a write is done on the spot. */
const SMALL_WRITE_BYTES = 64 * 1024;
/** Syncs that go on at once share their journal commits and flushes; this many keep the thread pool busy. */
const SYNCS_AT_ONCE = 8;

const fdatasync = promisify(fdatasyncCallback);
const fsync = promisify(fsyncCallback);
const mkdir = promisify(mkdirCallback);
const open = promisify(openCallback);
const readAt = promisify(readCallback);
const writeAt = promisify(writeCallback);
const writevAt = promisify(writevCallback);

export class SyncFailure extends Error {
  constructor(path: string, cause: unknown) {
    super(`cannot make ${path} durable: ${errorMessage(cause)}`, { cause });
    this.name = "SyncFailure";
  }
}

export class OpenFiles {
  readonly #openMax: number;
  /** Descriptors, in the order of their last use. */
  readonly #open = new Map<string, number>();
  /** Descriptors of the files with bytes that are not synced. */
  readonly #written = new Map<string, number>();
  /** Directories with new names that are not synced. A failed write leaves its own here for the next sync. */
  readonly #named = new Set<string>();

  constructor(openMax: number = OPEN_FILES_MAX) {
    this.#openMax = openMax;
  }

  /** Writes `parts` one after the other from `offset` on; durable after `sync`. One call at a time for each path. */
  async write(path: string, offset: number, parts: readonly Uint8Array[]): Promise<void> {
    const file = await this.#use(path);
    let position = offset;
    for (let i = 0; i < parts.length; i += PARTS_MAX) {
      position += await writeAll(file, position, parts.slice(i, i + PARTS_MAX), path);
    }
    this.#written.set(path, file);
  }

  /** Makes all durable that was written, names included. Rejects with SyncFailure. */
  async sync(): Promise<void> {
    // Files first, as they came: the commit of one carries what was made for all, and leaves little for the directories.
    const contents = [...this.#written].map((file) => () => syncFile(...file));
    const names = [...this.#named].map((path) => () => syncDirectory(path));
    const syncs = [...contents, ...names].values();
    const lane = async (): Promise<void> => {
      for (const sync of syncs) await sync();
    };
    await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, lane));
    this.#written.clear();
    this.#named.clear();
  }

  /** Bytes [`from`, `to`) of a file, fewer where it is shorter. */
  async read(path: string, from: number, to: number): Promise<Buffer> {
    const file = await this.#use(path);
    const { buffer, bytesRead } = await readAt(file, Buffer.alloc(to - from), 0, to - from, from);
    return buffer.subarray(0, bytesRead);
  }

  /** Closes those that were not used for longest. Not to be called between a write and its sync. */
  trim(): void {
    for (const path of this.#open.keys()) {
      if (this.#open.size <= this.#openMax) return;
      this.close(path);
    }
  }

  /** Not to be called between a write and its sync. */
  close(path: string): void {
    const file = this.#open.get(path);
    if (file === undefined) return;
    this.#open.delete(path);
    closeSync(file);
  }

  closeAll(): void {
    for (const path of this.#open.keys()) this.close(path);
  }

  async #use(path: string): Promise<number> {
    const known = this.#open.get(path);
    if (known !== undefined) this.#open.delete(path);
    const file = known ?? (await this.#openOrCreate(path));
    this.#open.set(path, file);
    return file;
  }

  async #openOrCreate(path: string): Promise<number> {
    try {
      return openSync(path, "r+");
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
    const directory = dirname(path);
    const firstMade = await mkdir(directory, { recursive: true });
    // The names must survive a power cut as well as the bytes.
    this.#named.add(directory);
    for (let made = directory; firstMade !== undefined && made.length >= firstMade.length; made = dirname(made)) {
      this.#named.add(dirname(made));
    }
    return await open(path, "wx+");
  }
}

async function writeAll(file: number, offset: number, parts: Uint8Array[], path: string): Promise<number> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const written =
    total <= SMALL_WRITE_BYTES ? writevSync(file, parts, offset) : (await writevAt(file, parts, offset)).bytesWritten;
  if (written === total) return total;
  // A short write says that the next one will fail; what was written is written again at the same place.
  let position = offset;
  for (const part of parts) {
    for (let done = 0; done < part.length; ) {
      const { bytesWritten: count } = await writeAt(file, part, done, part.length - done, position + done);
      if (count === 0) throw new AppError("exhausted", `cannot write to ${path}`);
      done += count;
    }
    position += part.length;
  }
  return total;
}

async function syncFile(path: string, file: number): Promise<void> {
  try {
    await fdatasync(file);
  } catch (error) {
    throw new SyncFailure(path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = openSync(path, "r");
    try {
      await fsync(directory);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    throw new SyncFailure(path, error);
  }
}
