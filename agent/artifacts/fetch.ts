/** Brings a checkpoint back to a host: from what it still has itself, else from the coordinator, on from where it was cut off. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../shared/kernel/errors.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import type { ContentPart } from "../session/contents.ts";

export interface FetchOptions {
  /** Parts of one content, from a byte on. */
  readonly get: (hash: string, offset: number) => AsyncIterable<ContentPart>;
  /** A file with this content, where the host has one. */
  readonly local: (hash: string) => string | undefined;
}

/**
 * Puts a file or folder at `path`, whole and verified. Throws AppError: "unavailable" to try again, with what came kept;
 * "not_found" where the coordinator does not have it.
 */
export async function fetchTo(
  options: FetchOptions,
  content: { readonly hash: string; readonly folder: boolean },
  path: string,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (!content.folder) return fetchFile(options, content.hash, path);
  const list = `${path}.list`;
  await fetchFile(options, content.hash, list);
  const entries = parseSnapshot(await readFile(list, "utf8"));
  if ("problem" in entries) throw new AppError("invalid", `the checkpoint cannot be used: ${entries.problem}`);
  // Beside its place until it is whole: a program never sees a part of it.
  const part = `${path}.part`;
  await mkdir(part, { recursive: true, mode: 0o700 });
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    const full = join(part, entry.path);
    await mkdir(dirname(full), { recursive: true, mode: 0o700 });
    await fetchFile(options, entry.sha256, full);
  }
  await rename(part, path);
  await rm(list, { force: true });
}

async function fetchFile({ get, local }: FetchOptions, hash: string, path: string): Promise<void> {
  if ((await hashIfThere(path))?.digest("hex") === hash) return;
  const here = local(hash);
  const part = `${path}.incoming`;
  if (here !== undefined) {
    await copyFile(here, part, constants.COPYFILE_FICLONE);
    if ((await hashIfThere(part))?.digest("hex") !== hash) throw await damaged(part);
    await rename(part, path);
    return;
  }
  const sum = (await hashIfThere(part)) ?? createHash("sha256");
  const file = await open(part, "a", 0o600);
  try {
    let offset = (await file.stat()).size;
    let whole = Number.POSITIVE_INFINITY;
    for await (const { size, data } of get(hash, offset)) {
      await file.appendFile(data);
      sum.update(data);
      offset += data.length;
      whole = size;
    }
    if (offset < whole) throw new AppError("unavailable", "the checkpoint did not come whole");
  } finally {
    await file.close();
  }
  if (sum.digest("hex") !== hash) throw await damaged(part);
  await rename(part, path);
}

async function damaged(part: string): Promise<AppError> {
  await rm(part, { force: true });
  return new AppError("unavailable", "the checkpoint was damaged on its way");
}

async function hashIfThere(path: string) {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return undefined;
  const sum = createHash("sha256");
  try {
    for await (const data of file.createReadStream({ autoClose: false })) sum.update(data as Buffer);
  } finally {
    await file.close();
  }
  return sum;
}
