/**
 * Puts the artifacts of a run where people look for them: below its results directory, as links to the content store, which
 * cost nothing. Such a file cannot be written to. A projection like the rest of the directory: made again at any time it is
 * the same. No link is followed on the way, whoever put it there.
 */
import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../shared/kernel/errors.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { StoredArtifact } from "../store/artifacts.ts";

/** What we put there, by path: hash. Of our own files, where no program's are. */
const LIST = join(".exp", "artifacts.json");

/** Brings the directory in line with the artifacts. Paths that something else is in the way of, and why. */
export async function placeArtifacts(
  directory: string,
  artifacts: readonly StoredArtifact[],
  blobs: BlobStore,
): Promise<readonly string[]> {
  const wanted = await wantedFiles(artifacts, blobs);
  const before = await placedBefore(directory);
  if (wanted.size === 0 && before.size === 0) return [];
  await mkdir(join(directory, ".exp"), { recursive: true });
  for (const [path, hash] of before) {
    if (wanted.get(path) !== hash) await removePlaced(directory, path);
  }
  const problems: string[] = [];
  const placed: [string, string][] = [];
  for (const [path, hash] of wanted) {
    const problem = await placeOne(directory, path, blobs.path(hash), before.get(path) === hash);
    if (problem === undefined) placed.push([path, hash]);
    else problems.push(`${path}: ${problem}`);
  }
  const list = join(directory, LIST);
  await writeFile(`${list}.new`, JSON.stringify(Object.fromEntries(placed)));
  await rename(`${list}.new`, list);
  return problems;
}

/** Files by path; of those of one path the last. */
async function wantedFiles(artifacts: readonly StoredArtifact[], blobs: BlobStore): Promise<Map<string, string>> {
  const last = new Map(artifacts.filter(({ state }) => state === "stored").map((one) => [one.path, one]));
  const files = new Map<string, string>();
  for (const [path, { folder, hash }] of last) {
    if (!folder) {
      files.set(path, hash);
      continue;
    }
    const entries = parseSnapshot((await blobs.read(hash)).toString());
    if ("problem" in entries) continue;
    for (const entry of entries) if (entry.kind === "file") files.set(`${path}/${entry.path}`, entry.sha256);
  }
  return files;
}

async function placedBefore(directory: string): Promise<Map<string, string>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(join(directory, LIST), "utf8")) as object));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || error instanceof SyntaxError) return new Map();
    throw error;
  }
}

async function placeOne(
  directory: string,
  path: string,
  content: string,
  isOurs: boolean,
): Promise<string | undefined> {
  const full = join(directory, path);
  const blocked = await makeFolders(directory, dirname(path));
  if (blocked !== undefined) return blocked;
  const there = await statusOf(full);
  if (there && isOurs) return undefined;
  if (there) return there.isDirectory() ? "a folder has this name" : "another file has this name";
  try {
    await link(content, full);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"].includes(systemCode(error) ?? "")) throw error;
    await copyFile(content, `${full}.new`, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await rename(`${full}.new`, full);
  }
  return undefined;
}

/** Each folder is made or is one already: never a link to one. */
async function makeFolders(directory: string, path: string): Promise<string | undefined> {
  let full = directory;
  for (const part of path.split("/")) {
    full = join(full, part);
    const there = await statusOf(full);
    if (!there) await mkdir(full, { recursive: true });
    else if (!there.isDirectory()) return `${part} is no folder`;
  }
  return undefined;
}

async function removePlaced(directory: string, path: string): Promise<void> {
  const full = join(directory, path);
  if ((await statusOf(full))?.isFile()) await rm(full, { force: true });
  // Folders of ours that are empty now; those at the top stay.
  for (let folder = dirname(path); folder.includes("/"); folder = dirname(folder)) {
    try {
      await rmdir(join(directory, folder));
    } catch {
      return;
    }
  }
}

async function statusOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
