/** Brings a snapshot to the coordinator: only what it lacks, and from where an upload was broken off. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { PutRequest } from "../../proto/gen/runner/v1/store.ts";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { CONTENT_FRAME_BYTES } from "../../shared/run/limits.ts";
import type { Client } from "../client.ts";
import { type CodeMode, contentsOf, type TakenSnapshot, takeSnapshot } from "./snapshot.ts";

/** How often an upload goes on after it was broken off, or after a file was edited meanwhile. */
const TRIES = 5;

/** Contents that are about to be sent, and their bytes. */
export type Sending = (files: number, bytes: number) => void;

/**
 * Takes a snapshot and sends it; it is whole at the coordinator when this returns. A file that is edited meanwhile makes
 * it begin anew. Throws AppError.
 */
export async function sendCode(
  client: Client,
  directory: string,
  mode: CodeMode,
  sending: Sending,
): Promise<TakenSnapshot> {
  for (let attempt = 1; ; attempt++) {
    const taken = await takeSnapshot(directory, mode);
    try {
      await send(client, taken, sending);
      return taken;
    } catch (error) {
      const again = error instanceof AppError && (error.code === "unavailable" || error.code === "conflict");
      if (!again || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }
}

async function send(client: Client, taken: TakenSnapshot, sending: Sending): Promise<void> {
  const contents = contentsOf(taken.entries);
  const missing = await client.missingContents([...contents.map(({ sha256 }) => sha256), taken.hash]);
  if (missing.length === 0) return;
  const received = new Map(missing.map(({ hash, received: bytes }) => [hash, bytes]));
  const wanted = contents.filter(({ sha256 }) => received.has(sha256));
  const bytes = wanted.reduce((sum, file) => sum + file.bytes - (received.get(file.sha256) ?? 0), 0);
  sending(wanted.length, bytes);
  const { place, text, hash } = taken;
  await client.putContents(
    (async function* () {
      for (const { path, sha256, bytes: size } of wanted) {
        yield* fileFrames(join(place, path), path, { hash: sha256, size, from: received.get(sha256) ?? 0 });
      }
      // Last: who has the list has all that is on it.
      if (received.has(hash)) yield* textFrames(hash, Buffer.from(text), received.get(hash) ?? 0);
    })(),
  );
}

async function* fileFrames(
  full: string,
  shown: string,
  { hash, size, from }: { readonly hash: string; readonly size: number; readonly from: number },
): AsyncGenerator<PutRequest> {
  const changed = () =>
    new AppError("conflict", `${shown} is being changed while it is sent`, {
      id: "code.changing",
      hint: "submit again",
    });
  const sum = createHash("sha256");
  const file = await open(full, "r").catch((error: unknown) => {
    throw systemCode(error) === "ENOENT" ? changed() : error;
  });
  try {
    let offset = 0;
    do {
      const { buffer, bytesRead } = await file.read(
        Buffer.allocUnsafe(CONTENT_FRAME_BYTES),
        0,
        CONTENT_FRAME_BYTES,
        offset,
      );
      const data = buffer.subarray(0, bytesRead);
      sum.update(data);
      const end = offset + bytesRead;
      // Looked at before the last frame goes, which is what makes it count.
      if ((bytesRead === 0 && offset < size) || end > size) throw changed();
      if (end === size && sum.digest("hex") !== hash) throw changed();
      const skip = Math.max(0, from - offset);
      if (skip < bytesRead || size === 0) yield { hash, size, offset: offset + skip, data: data.subarray(skip) };
      offset = end;
    } while (offset < size);
  } finally {
    await file.close();
  }
}

function* textFrames(hash: string, text: Buffer, from: number): Generator<PutRequest> {
  let offset = from;
  do {
    const data = text.subarray(offset, offset + CONTENT_FRAME_BYTES);
    yield { hash, size: text.length, offset, data };
    offset += data.length;
  } while (offset < text.length);
}
