/**
 * Writes byte ranges into the files of output streams, and makes them durable before it says so. Keeps a bounded number of
 * files open. A failed write is an error of that file and may be tried again; a failed sync is a `SyncFailure`: the kernel
 * may have dropped the pages and call the file clean, so the only safe answer is to end the process and read again.
 */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";

const OPEN_FILES_MAX = 256;
/** Buffers of one writev on Linux, at most. */
const PARTS_MAX = 1_024;

export class SyncFailure extends Error {
  constructor(path: string, cause: unknown) {
    super(`cannot make ${path} durable: ${errorMessage(cause)}`, { cause });
    this.name = "SyncFailure";
  }
}

export class OpenFiles {
  readonly #openMax: number;
  /** In the order of their last use. */
  readonly #handles = new Map<string, FileHandle>();

  constructor(openMax: number = OPEN_FILES_MAX) {
    this.#openMax = openMax;
  }

  /** Writes `parts` one after the other from `offset` on and syncs the file. One call at a time for each path. */
  async write(path: string, offset: number, parts: readonly Uint8Array[]): Promise<void> {
    const handle = await this.#use(path);
    let position = offset;
    for (let i = 0; i < parts.length; i += PARTS_MAX) {
      position += await writeAll(handle, position, parts.slice(i, i + PARTS_MAX), path);
    }
    try {
      await handle.datasync();
    } catch (error) {
      throw new SyncFailure(path, error);
    }
  }

  /** Bytes [`from`, `to`) of a file, fewer where it is shorter. */
  async read(path: string, from: number, to: number): Promise<Buffer> {
    const handle = await this.#use(path);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.subarray(0, bytesRead);
  }

  /** Closes those that were not used for longest. Not to be called while a write is going on. */
  async trim(): Promise<void> {
    for (const path of [...this.#handles.keys()].slice(0, Math.max(0, this.#handles.size - this.#openMax))) {
      await this.close(path);
    }
  }

  async close(path: string): Promise<void> {
    const handle = this.#handles.get(path);
    this.#handles.delete(path);
    await handle?.close();
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.#handles.keys()]) await this.close(path);
  }

  async #use(path: string): Promise<FileHandle> {
    const known = this.#handles.get(path);
    if (known) this.#handles.delete(path);
    const handle = known ?? (await openOrCreate(path));
    this.#handles.set(path, handle);
    return handle;
  }
}

async function writeAll(handle: FileHandle, offset: number, parts: Uint8Array[], path: string): Promise<number> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await handle.writev(parts, offset);
  if (bytesWritten === total) return total;
  // A short write says that the next one will fail; what was written is written again at the same place.
  let position = offset;
  for (const part of parts) {
    for (let done = 0; done < part.length; ) {
      const { bytesWritten: count } = await handle.write(part, done, part.length - done, position + done);
      if (count === 0) throw new AppError("exhausted", `cannot write to ${path}`);
      done += count;
    }
    position += part.length;
  }
  return total;
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  const directory = dirname(path);
  const firstMade = await mkdir(directory, { recursive: true });
  const handle = await open(path, "wx+");
  try {
    // The names must survive a power cut as well as the bytes.
    await syncDirectory(directory);
    for (let made = directory; firstMade !== undefined && made.length >= firstMade.length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    throw new SyncFailure(path, error);
  } finally {
    await handle.close();
  }
}
