/** Lays out a snapshot from the coordinator in a new directory. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, open, readdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { makeDirectory } from "../../shared/make-directory.ts";
import { parseSnapshot, type SnapshotEntry, type SnapshotFile, snapshotHash } from "../../shared/run/snapshot.ts";
import type { Client } from "../client.ts";

const HASHES_PER_CALL = 1_000;

/** The list of a snapshot. Throws AppError where it is not there, or is not what its name says. */
export async function readSnapshot(client: Client, hash: string): Promise<readonly SnapshotEntry[]> {
  const text = (await readContent(client, hash)).toString();
  const entries = parseSnapshot(text);
  if (snapshotHash(text) !== hash || "problem" in entries) {
    throw new AppError("internal", "the snapshot of the code is damaged", { id: "code.damaged" });
  }
  return entries;
}

export async function readContent(client: Client, hash: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { data } of client.getContents([hash])) parts.push(data);
  return Buffer.concat(parts);
}

/** Gives the files that were written. Throws AppError where the directory has something in it. */
export async function restoreCode(
  client: Client,
  entries: readonly SnapshotEntry[],
  directory: string,
): Promise<number> {
  await makeEmpty(directory);
  const folders = new Set(entries.map(({ path }) => dirname(path)).filter((folder) => folder !== "."));
  for (const folder of folders) await mkdir(join(directory, folder), { recursive: true });
  const files = entries.filter((entry) => entry.kind === "file");
  const byHash = Map.groupBy(files, ({ sha256 }) => sha256);
  const hashes = [...byHash.keys()];
  for (let from = 0; from < hashes.length; from += HASHES_PER_CALL) {
    await restoreFiles(client, hashes.slice(from, from + HASHES_PER_CALL), byHash, directory);
  }
  for (const entry of entries) {
    if (entry.kind === "link") await symlink(entry.target, join(directory, entry.path));
  }
  return entries.length;
}

async function restoreFiles(
  client: Client,
  hashes: readonly string[],
  byHash: ReadonlyMap<string, readonly SnapshotFile[]>,
  directory: string,
): Promise<void> {
  const left = new Set(hashes);
  let current:
    | { readonly hash: string; readonly add: (data: Uint8Array, isLast: boolean) => Promise<void> }
    | undefined;
  for await (const { hash, size, offset, data } of client.getContents(hashes)) {
    const same = byHash.get(hash) ?? [];
    if (current?.hash !== hash) current = { hash, add: await writeFile(directory, same, hash) };
    const isLast = offset + data.length >= size;
    await current.add(data, isLast);
    if (isLast) left.delete(hash);
  }
  if (left.size > 0) throw new AppError("unavailable", "the code did not come whole", { id: "code.broken" });
}

/** The first of the files that have a content is written, the others are copied from it. */
async function writeFile(directory: string, files: readonly SnapshotFile[], hash: string) {
  const modeOf = (file: SnapshotFile) => (file.executable ? 0o755 : 0o644);
  const [first, ...others] = files;
  if (!first) throw new AppError("internal", "a content came that nobody asked for", { id: "code.broken" });
  const path = join(directory, first.path);
  const file = await open(path, "wx", modeOf(first));
  const sum = createHash("sha256");
  return async (data: Uint8Array, isLast: boolean): Promise<void> => {
    await file.appendFile(data);
    sum.update(data);
    if (!isLast) return;
    await file.close();
    if (sum.digest("hex") !== hash) {
      throw new AppError("internal", `${first.path} was damaged on its way`, { id: "code.damaged" });
    }
    for (const other of others) {
      const copy = join(directory, other.path);
      await copyFile(path, copy);
      const made = await open(copy, "r+");
      await made.chmod(modeOf(other));
      await made.close();
    }
  };
}

async function makeEmpty(directory: string): Promise<void> {
  try {
    makeDirectory(directory);
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (systemCode(error) !== "EEXIST" && systemCode(error) !== "ENOTDIR") throw error;
  }
  throw new AppError("conflict", `${directory} is there already, and is not empty`, {
    id: "code.out",
    hint: "name another directory with --out",
  });
}
