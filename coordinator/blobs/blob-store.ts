/**
 * Contents by their SHA-256, one file each: `<dir>/ab/abcd…`. A content is there once it is whole, verified and on disk;
 * what was received of one that is not whole lies in `<dir>/incoming/` and counts for nothing, but the rest may follow later.
 */
import { createHash, hash as hashOf } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { CONTENT_BYTES_MAX, CONTENT_FRAME_BYTES } from "../../shared/run/limits.ts";
import { isContentHash } from "../../shared/run/snapshot.ts";

export interface ContentFrame {
  readonly hash: string;
  /** Of the whole content, in bytes. */
  readonly size: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface BlobStore {
  /** Undefined where it is not there, or not whole. */
  size(hash: string): Promise<number | undefined>;
  /** Bytes of an upload that was broken off; 0: none. */
  received(hash: string): Promise<number>;
  /**
   * Takes contents, one after the other; gives how many are whole now. A content that is there already is passed over.
   * Throws AppError for a frame out of its place, and for a content that is not what its name says; nothing of it stays then.
   */
  receive(frames: AsyncIterable<ContentFrame>): Promise<number>;
  /** The whole content in frames. Throws AppError "not_found". */
  frames(hash: string): AsyncIterable<ContentFrame>;
  /** A small content at once. Throws AppError "not_found". */
  read(hash: string): Promise<Buffer>;
}

/** Uploads that nobody went on with are forgotten after this. */
const INCOMING_DAYS = 7;

/** `dir` is made where it is not there. */
export async function openBlobStore(dir: string): Promise<BlobStore> {
  const incoming = join(dir, "incoming");
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await forgetOldUploads(incoming);
  /** Contents that a call is writing at this moment. */
  const busy = new Set<string>();

  const pathOf = (hash: string): string => {
    if (!isContentHash(hash))
      throw new AppError("invalid", "the name of a content is 64 hex digits", { id: "blob.name" });
    return join(dir, hash.slice(0, 2), hash);
  };
  const size = (hash: string) => sizeOf(pathOf(hash));

  async function* frames(hash: string): AsyncGenerator<ContentFrame> {
    const file = await openContent(hash);
    try {
      const whole = (await file.stat()).size;
      let offset = 0;
      do {
        const { buffer, bytesRead } = await file.read(
          Buffer.allocUnsafe(CONTENT_FRAME_BYTES),
          0,
          CONTENT_FRAME_BYTES,
          offset,
        );
        if (bytesRead === 0 && offset < whole) throw new Error(`${hash} became shorter while it was read`);
        yield { hash, size: whole, offset, data: buffer.subarray(0, bytesRead) };
        offset += bytesRead;
      } while (offset < whole);
    } finally {
      await file.close();
    }
  }

  async function openContent(hash: string): Promise<FileHandle> {
    try {
      return await open(pathOf(hash), "r");
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
      throw new AppError("not_found", `the coordinator has no content ${hash}`, { id: "blob.missing" });
    }
  }

  /** Puts a verified file in its place, durably. */
  async function keep(hash: string, part: string): Promise<void> {
    const path = pathOf(hash);
    const folder = join(dir, hash.slice(0, 2));
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(part, path);
    await syncFolder(folder);
    if (made !== undefined) await syncFolder(dir);
  }

  return {
    size,
    received: async (hash) => {
      pathOf(hash);
      return (await sizeOf(join(incoming, hash))) ?? 0;
    },
    async receive(given) {
      let stored = 0;
      let current: Upload | undefined;
      try {
        for await (const frame of given) {
          checkFrame(frame);
          if (current?.hash !== frame.hash) {
            await current?.interrupt();
            current = undefined;
            if ((await size(frame.hash)) !== undefined) continue;
            if (busy.has(frame.hash)) {
              throw new AppError("conflict", "another upload of the same content is on its way", { id: "blob.busy" });
            }
            current = await startUpload(frame.hash, join(incoming, frame.hash), busy);
          }
          if (await current.add(frame)) {
            await keep(frame.hash, join(incoming, frame.hash));
            current = undefined;
            stored += 1;
          }
        }
        return stored;
      } finally {
        await current?.interrupt();
      }
    },
    frames,
    async read(hash) {
      const parts: Uint8Array[] = [];
      for await (const { data } of frames(hash)) parts.push(data);
      return Buffer.concat(parts);
    },
  };
}

interface Upload {
  readonly hash: string;
  /** True when the content is whole, verified and synced. */
  add(frame: ContentFrame): Promise<boolean>;
  /** Keeps what there is for another call. */
  interrupt(): Promise<void>;
}

async function startUpload(hash: string, path: string, busy: Set<string>): Promise<Upload> {
  busy.add(hash);
  const file = await open(path, "a+", 0o600).catch((error: unknown) => {
    busy.delete(hash);
    throw error;
  });
  let length = (await file.stat()).size;
  const sum = createHash("sha256");
  let isOpen = true;

  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
    busy.delete(hash);
  };
  const discard = async (message: string): Promise<never> => {
    await close();
    await rm(path, { force: true });
    throw new AppError("conflict", message, { id: "blob.damaged", hint: "send it again" });
  };

  // What an earlier call left is part of the hash.
  for (let at = 0; at < length; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CONTENT_FRAME_BYTES), 0, CONTENT_FRAME_BYTES, at);
    if (bytesRead === 0) break;
    sum.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return {
    hash,
    async add({ size, offset, data }) {
      if (offset !== length) {
        throw new AppError("conflict", `a frame begins at ${offset}, and ${length} bytes are there`, {
          id: "blob.offset",
        });
      }
      if (length + data.length > size) await discard("a content is longer than its size");
      await file.appendFile(data);
      sum.update(data);
      length += data.length;
      if (length < size) return false;
      if (sum.digest("hex") !== hash) await discard("a content is not what its name says: it changed on its way");
      await file.datasync();
      await close();
      return true;
    },
    interrupt: close,
  };
}

function checkFrame({ hash, size, offset, data }: ContentFrame): void {
  if (!isContentHash(hash))
    throw new AppError("invalid", "the name of a content is 64 hex digits", { id: "blob.name" });
  const fits = size >= 0 && size <= CONTENT_BYTES_MAX && offset >= 0 && data.length <= 4 * CONTENT_FRAME_BYTES;
  if (!fits) throw new AppError("exhausted", `a content is at most ${CONTENT_BYTES_MAX} bytes`, { id: "blob.size" });
  if (size === 0 && hash !== hashOf("sha256", "", "hex")) {
    throw new AppError("conflict", "a content without bytes has another name", { id: "blob.damaged" });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function forgetOldUploads(incoming: string): Promise<void> {
  const oldest = Date.now() - INCOMING_DAYS * 86_400_000;
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    if ((await stat(path)).mtimeMs < oldest) await rm(path, { force: true });
  }
}
