/**
 * Contents by their SHA-256, one file each: `<dir>/ab/abcd…`. A content is there once it is whole, verified and on disk;
 * what was received of one that is not whole lies in `<dir>/incoming/` and counts for nothing, but the rest may follow later.
 * A file's times say when somebody last asked for it to stay: what nobody needs goes some time after that.
 */
import { hash as hashOf } from "node:crypto";
import { statSync, unlinkSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { ARTIFACT_BYTES_MAX } from "../../shared/run/artifacts.ts";
import { CONTENT_BYTES_MAX, CONTENT_FRAME_BYTES } from "../../shared/run/limits.ts";
import { isContentHash } from "../../shared/run/snapshot.ts";
import { createUploads, type Upload } from "./upload.ts";

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
  /** As `size`, and it stays for a while even if nothing refers to it. */
  reserve(hash: string): Promise<number | undefined>;
  /** Bytes of an upload that was broken off; 0: none. */
  received(hash: string): Promise<number>;
  /**
   * Takes contents, one after the other; gives how many are whole now. A content that is there already is passed over.
   * Throws AppError for a frame out of its place, and for a content that is not what its name says; nothing of it stays then.
   */
  receive(frames: AsyncIterable<ContentFrame>): Promise<number>;
  /**
   * Takes a part of one content; gives how many bytes of it are there now. Throws AppError as `receive` does, "exhausted"
   * where the disk is nearly full.
   */
  append(frame: ContentFrame): Promise<number>;
  /** The content in frames, from a byte on. Throws AppError "not_found". */
  frames(hash: string, from?: number): AsyncIterable<ContentFrame>;
  /** A small content at once. Throws AppError "not_found". */
  read(hash: string): Promise<Buffer>;
  /** Its file, which must not be written to. */
  path(hash: string): string;
  /** Every content that was not asked for since `unixMs`. */
  unused(unixMs: number): AsyncIterable<string>;
  /** Removes it, unless it was asked for since `unixMs`; its bytes, 0 where it stays. */
  remove(hash: string, unixMs: number): number;
  /** Removes what came of uploads that nobody went on with. */
  forgetOldUploads(): Promise<void>;
  close(): Promise<void>;
}

/** Uploads that nobody went on with are forgotten after this. */
const INCOMING_DAYS = 7;
/** Left free on the disk, whatever comes. */
const RESERVE_BYTES = 512 * 1024 * 1024;
/** A content that was asked for so lately need not be marked again. */
const MARK_EVERY_MS = 60_000;

/** `dir` is made where it is not there. */
export async function openBlobStore(dir: string, reserveBytes = RESERVE_BYTES): Promise<BlobStore> {
  const incoming = join(dir, "incoming");
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await forgetOldUploads(incoming);
  const uploads = createUploads((hash) => join(incoming, hash));

  const pathOf = (hash: string): string => {
    if (!isContentHash(hash)) throw badName();
    return join(dir, hash.slice(0, 2), hash);
  };
  const size = (hash: string) => sizeOf(pathOf(hash));

  async function* frames(hash: string, from = 0): AsyncGenerator<ContentFrame> {
    const file = await openContent(hash);
    try {
      const whole = (await file.stat()).size;
      let offset = Math.min(from, whole);
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
  async function keep(hash: string): Promise<void> {
    const path = pathOf(hash);
    const folder = join(dir, hash.slice(0, 2));
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(join(incoming, hash), path);
    await syncFolder(folder);
    if (made !== undefined) await syncFolder(dir);
  }

  async function reserve(hash: string): Promise<number | undefined> {
    const path = pathOf(hash);
    try {
      const { size: bytes, mtimeMs } = await stat(path);
      const now = Date.now();
      if (now - mtimeMs > MARK_EVERY_MS) await utimes(path, now / 1000, now / 1000);
      return bytes;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async function addTo(upload: Upload, { hash, size: whole, offset, data }: ContentFrame): Promise<boolean> {
    const isWhole = await upload.add(offset, whole, data);
    if (isWhole) await keep(hash);
    return isWhole;
  }

  return {
    size,
    reserve,
    received: async (hash) => {
      pathOf(hash);
      return uploads.received(hash) ?? (await sizeOf(join(incoming, hash))) ?? 0;
    },
    async receive(given) {
      let stored = 0;
      const frames = given[Symbol.asyncIterator]();
      let next = await frames.next();
      try {
        while (!next.done) {
          const { hash } = checked(next.value, CONTENT_BYTES_MAX);
          if ((await reserve(hash)) !== undefined) {
            next = await frames.next();
            continue;
          }
          await uploads.use(hash, async (upload) => {
            try {
              for (; upload.isOpen && !next.done && next.value.hash === hash; next = await frames.next()) {
                if (await addTo(upload, checked(next.value, CONTENT_BYTES_MAX))) stored += 1;
              }
            } finally {
              await upload.close();
            }
          });
        }
        return stored;
      } finally {
        await frames.return?.();
      }
    },
    async append(frame) {
      checked(frame, ARTIFACT_BYTES_MAX);
      const there = await reserve(frame.hash);
      if (there !== undefined) return there;
      await checkRoom(dir, frame.size - frame.offset, reserveBytes);
      return uploads.use(frame.hash, async (upload) => {
        await addTo(upload, frame);
        return upload.received;
      });
    },
    frames,
    async read(hash) {
      const parts: Uint8Array[] = [];
      for await (const { data } of frames(hash)) parts.push(data);
      return Buffer.concat(parts);
    },
    path: pathOf,
    async *unused(unixMs) {
      for (const folder of await readdir(dir)) {
        if (folder.length !== 2) continue;
        for (const name of await readdir(join(dir, folder))) {
          if (!isContentHash(name)) continue;
          const status = await stat(join(dir, folder, name)).catch(() => undefined);
          if (status && status.mtimeMs < unixMs) yield name;
        }
      }
    },
    // In one go: whoever asks for it at the same time comes before or after.
    remove(hash, unixMs) {
      const path = pathOf(hash);
      const status = statSync(path, { throwIfNoEntry: false });
      if (!status || status.mtimeMs >= unixMs) return 0;
      unlinkSync(path);
      return status.size;
    },
    forgetOldUploads: () => forgetOldUploads(incoming),
    close: () => uploads.close(),
  };
}

function checked(frame: ContentFrame, bytesMax: number): ContentFrame {
  const { hash, size, offset, data } = frame;
  if (!isContentHash(hash)) throw badName();
  const fits = size >= 0 && size <= bytesMax && offset >= 0 && data.length <= 16 * CONTENT_FRAME_BYTES;
  if (!fits || !Number.isSafeInteger(size) || !Number.isSafeInteger(offset)) {
    throw new AppError("exhausted", `a content is at most ${bytesMax} bytes`, { id: "blob.size" });
  }
  if (size === 0 && hash !== hashOf("sha256", "", "hex")) {
    throw new AppError("conflict", "a content without bytes has another name", { id: "blob.damaged" });
  }
  return frame;
}

function badName(): AppError {
  return new AppError("invalid", "the name of a content is 64 hex digits", { id: "blob.name" });
}

async function checkRoom(dir: string, bytes: number, reserveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (free - bytes >= reserveBytes) return;
  const gib = (free / 1024 ** 3).toFixed(1);
  throw new AppError("unavailable", `the coordinator's disk is nearly full: ${gib} GiB are free`, {
    id: "blob.disk",
    hint: "exp prune removes results; [capture] keep_last and keep_best keep fewer checkpoints",
  });
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
    const status = await stat(path).catch(() => undefined);
    if (status && status.mtimeMs < oldest) await rm(path, { force: true });
  }
}
