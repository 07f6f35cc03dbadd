/**
 * One content on its way in: appended to a file in its order, counted and hashed as it comes. An upload that pauses stays
 * open for a while, because opening it again means reading all that came of it before.
 */
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { AppError } from "../../shared/kernel/errors.ts";
import { CONTENT_FRAME_BYTES } from "../../shared/run/limits.ts";

export interface Upload {
  readonly hash: string;
  /** Bytes of it that are there. */
  readonly received: number;
  /** False once it is whole, or was closed. */
  readonly isOpen: boolean;
  /** True when the content is whole, verified and synced. Throws AppError for a part out of its place. */
  add(offset: number, size: number, data: Uint8Array): Promise<boolean>;
  /** Keeps what there is for another time. */
  close(): Promise<void>;
}

/** Opens `path`, made where it is not there. */
export async function openUpload(hash: string, path: string): Promise<Upload> {
  const file = await open(path, "a+", 0o600);
  let length = 0;
  let isOpen = true;
  const sum = createHash("sha256");
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  const discard = async (message: string): Promise<never> => {
    await close();
    await rm(path, { force: true });
    throw new AppError("conflict", message, { id: "blob.damaged", hint: "send it again" });
  };

  // What an earlier call left is part of the hash.
  const buffer = Buffer.allocUnsafe(CONTENT_FRAME_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, length);
    if (bytesRead === 0) break;
    sum.update(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return {
    hash,
    get received() {
      return length;
    },
    get isOpen() {
      return isOpen;
    },
    async add(offset, size, data) {
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
      // Links to it lie where people look: nobody may write to it.
      await file.chmod(0o400);
      await file.datasync();
      await close();
      return true;
    },
    close,
  };
}

/** How long an upload stays open between two calls. */
const PAUSE_MS = 30_000;

export interface Uploads {
  /** One call at a time for a content. Throws AppError "conflict" while another is at it. */
  use<T>(hash: string, work: (upload: Upload) => Promise<T>): Promise<T>;
  /** Bytes of an open upload; undefined where none is open. */
  received(hash: string): number | undefined;
  close(): Promise<void>;
}

export function createUploads(pathOf: (hash: string) => string, pauseMs = PAUSE_MS): Uploads {
  /** Undefined while a call is at it. */
  const open = new Map<string, { readonly upload: Upload; readonly timer: NodeJS.Timeout } | undefined>();

  return {
    async use(hash, work) {
      if (open.has(hash) && open.get(hash) === undefined) {
        throw new AppError("conflict", "another upload of the same content is on its way", { id: "blob.busy" });
      }
      const waiting = open.get(hash);
      clearTimeout(waiting?.timer);
      open.set(hash, undefined);
      let upload = waiting?.upload;
      let isWell = false;
      try {
        upload ??= await openUpload(hash, pathOf(hash));
        const result = await work(upload);
        isWell = true;
        return result;
      } finally {
        // After an error the file tells what is there.
        if (!isWell) {
          await upload?.close();
          open.delete(hash);
        } else if (upload?.isOpen !== true) {
          open.delete(hash);
        } else {
          const kept = upload;
          const timer = setTimeout(() => {
            open.delete(hash);
            kept.close().catch(() => undefined);
          }, pauseMs);
          timer.unref();
          open.set(hash, { upload, timer });
        }
      }
    },
    received: (hash) => open.get(hash)?.upload.received,
    async close() {
      for (const waiting of open.values()) {
        clearTimeout(waiting?.timer);
        await waiting?.upload.close();
      }
      open.clear();
    },
  };
}
