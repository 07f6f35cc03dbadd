/** Whether all contents of a snapshot are here. Who asks also asks for them to stay: what nobody refers to goes in time. */
import { AppError } from "../../shared/kernel/errors.ts";
import { ARTIFACT_BYTES_MAX, ARTIFACT_FILES_MAX } from "../../shared/run/artifacts.ts";
import { CODE_BYTES_MAX, CODE_FILES_MAX } from "../../shared/run/limits.ts";
import { isContentHash, parseSnapshot } from "../../shared/run/snapshot.ts";
import type { BlobStore } from "./blob-store.ts";

/** A snapshot that was looked at is not looked at again for so long; contents stay much longer than that. */
const KNOWN_MS = 60_000;
const KNOWN_MAX = 1_000;

/** Why runs cannot start from a snapshot; undefined where they can. */
export function createSnapshotCheck(blobs: BlobStore): (hash: string) => Promise<string | undefined> {
  const whole = new Map<string, number>();
  return async (hash) => {
    const known = whole.get(hash);
    if (known !== undefined && performance.now() - known < KNOWN_MS) return undefined;
    const listed = await lookAtList(blobs, hash, "the snapshot of the code");
    if ("problem" in listed) return listed.problem;
    if (listed.files > CODE_FILES_MAX) return `a snapshot has at most ${CODE_FILES_MAX} files`;
    if (listed.bytes > CODE_BYTES_MAX) return `a snapshot has at most ${CODE_BYTES_MAX} bytes`;
    if (whole.size >= KNOWN_MAX) whole.clear();
    whole.set(hash, performance.now());
    return undefined;
  };
}

/** Why a folder that was said to be here is not; undefined where it is. It has no links: a program's are its own affair. */
export async function folderProblem(blobs: BlobStore, hash: string): Promise<string | undefined> {
  const listed = await lookAtList(blobs, hash, "the list of the folder");
  if ("problem" in listed) return listed.problem;
  if (listed.links > 0) return "a folder has no links";
  if (listed.files > ARTIFACT_FILES_MAX) return `a folder has at most ${ARTIFACT_FILES_MAX} files`;
  return listed.bytes > ARTIFACT_BYTES_MAX ? `a folder has at most ${ARTIFACT_BYTES_MAX} bytes` : undefined;
}

interface Listed {
  readonly files: number;
  readonly links: number;
  readonly bytes: number;
}

async function lookAtList(
  blobs: BlobStore,
  hash: string,
  what: string,
): Promise<Listed | { readonly problem: string }> {
  if (!isContentHash(hash)) return { problem: "the name of a snapshot is 64 hex digits" };
  let text: string;
  try {
    await blobs.reserve(hash);
    text = (await blobs.read(hash)).toString();
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return { problem: `${what} has not come` };
    throw error;
  }
  const entries = parseSnapshot(text);
  if ("problem" in entries) return { problem: `${what} cannot be used: ${entries.problem}` };
  let bytes = 0;
  let links = 0;
  for (const entry of entries) {
    if (entry.kind === "link") {
      links += 1;
      continue;
    }
    bytes += entry.bytes;
    const size = await blobs.reserve(entry.sha256);
    if (size === undefined) return { problem: `of the snapshot, ${entry.path} has not come` };
    if (size !== entry.bytes) return { problem: `of the snapshot, ${entry.path} has another size` };
  }
  return { files: entries.length, links, bytes };
}
