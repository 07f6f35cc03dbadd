/** Whether all contents of a snapshot are here. One that was found whole stays whole: contents are never removed. */
import { AppError } from "../../shared/kernel/errors.ts";
import { CODE_BYTES_MAX, CODE_FILES_MAX } from "../../shared/run/limits.ts";
import { isContentHash, parseSnapshot } from "../../shared/run/snapshot.ts";
import type { BlobStore } from "./blob-store.ts";

/** Why runs cannot start from a snapshot; undefined where they can. */
export function createSnapshotCheck(blobs: BlobStore): (hash: string) => Promise<string | undefined> {
  const whole = new Set<string>();
  return async (hash) => {
    if (whole.has(hash)) return undefined;
    const problem = await problemOf(blobs, hash);
    if (problem === undefined) whole.add(hash);
    return problem;
  };
}

async function problemOf(blobs: BlobStore, hash: string): Promise<string | undefined> {
  if (!isContentHash(hash)) return "the name of a snapshot is 64 hex digits";
  let text: string;
  try {
    text = (await blobs.read(hash)).toString();
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return "the snapshot of the code has not come";
    throw error;
  }
  const entries = parseSnapshot(text);
  if ("problem" in entries) return `the snapshot of the code cannot be used: ${entries.problem}`;
  if (entries.length > CODE_FILES_MAX) return `a snapshot has at most ${CODE_FILES_MAX} files`;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.kind === "link") continue;
    bytes += entry.bytes;
    const size = await blobs.size(entry.sha256);
    if (size === undefined) return `of the snapshot, ${entry.path} has not come`;
    if (size !== entry.bytes) return `of the snapshot, ${entry.path} has another size`;
  }
  return bytes > CODE_BYTES_MAX ? `a snapshot has at most ${CODE_BYTES_MAX} bytes` : undefined;
}
