/**
 * Artifacts from the coordinator into a directory: whole and verified, on from where it was cut off, over nothing that is
 * another file, and never outside of the directory, whatever a program called its files or put there as a link.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import { type ArtifactView, artifactPath, isArtifactName } from "../shared/run/artifacts.ts";
import { parseSnapshot, snapshotHash } from "../shared/run/snapshot.ts";
import type { Client } from "./client.ts";
import type { Session } from "./session.ts";

/** A file to be written. */
export interface PulledFile {
  /** Relative to the directory, with "/". */
  readonly path: string;
  readonly hash: string;
  readonly bytes: number;
}

export interface PullResult {
  readonly written: readonly PulledFile[];
  /** These were there already. */
  readonly unchanged: readonly PulledFile[];
}

const TRIES = 6;
const PART_SUFFIX = ".exp-part";

/**
 * Files of artifacts that are there, each by its place below the directory. Of one place, the last artifact counts. `folderOf`
 * gives the folder of a run. Throws AppError for what no coordinator of ours sends.
 */
export async function filesOf(
  client: Client,
  artifacts: readonly ArtifactView[],
  folderOf: (run: string) => string,
): Promise<PulledFile[]> {
  const files = new Map<string, PulledFile>();
  for (const artifact of artifacts) {
    if (!isArtifactName(artifact.name)) throw damaged(`a name that is none: ${JSON.stringify(artifact.name)}`);
    const place = `${folderOf(artifact.run)}${artifactPath(artifact)}`;
    for (const path of files.keys()) if (path === place || path.startsWith(`${place}/`)) files.delete(path);
    if (!artifact.folder) {
      files.set(place, { path: place, hash: artifact.hash, bytes: artifact.sizeBytes });
      continue;
    }
    for (const { path, sha256, bytes } of await listOf(client, artifact.hash))
      files.set(`${place}/${path}`, { path: `${place}/${path}`, hash: sha256, bytes });
  }
  return [...files.values()];
}

export interface PullOptions extends Pick<Session, "counting"> {
  /** Writes over other files that are in the way. */
  readonly force: boolean;
}

/** Throws AppError: "conflict" before anything is written where another file is in the way and `force` is not said. */
export async function pullFiles(
  client: Client,
  files: readonly PulledFile[],
  directory: string,
  { force, counting }: PullOptions,
): Promise<PullResult> {
  await mkdir(directory, { recursive: true });
  const { wanted, unchanged, inTheWay } = await sortFiles(files, directory);
  const [first] = inTheWay;
  if (first && !force) throw otherFile(join(directory, first.path), inTheWay.length - 1);
  await counting("fetching files", wanted.length, async (done) => {
    for (const file of wanted) {
      await pullFile(client, file, directory);
      done();
    }
  });
  return { written: wanted, unchanged };
}

export interface SortedFiles {
  /** Those that are not there, or otherwise. */
  readonly wanted: readonly PulledFile[];
  readonly unchanged: readonly PulledFile[];
  /** Of those that are wanted. */
  readonly inTheWay: readonly PulledFile[];
}

/** Looks what is in the directory, and changes nothing. */
export async function sortFiles(files: readonly PulledFile[], directory: string): Promise<SortedFiles> {
  const sorted = { wanted: [] as PulledFile[], unchanged: [] as PulledFile[], inTheWay: [] as PulledFile[] };
  for (const file of files) {
    const there = await lookAt(directory, file);
    (there === "same" ? sorted.unchanged : sorted.wanted).push(file);
    if (there === "other") sorted.inTheWay.push(file);
  }
  return sorted;
}

/** `more`: how many others there are. */
export function otherFile(path: string, more: number): AppError {
  const others = more > 0 ? ` and ${more} more` : "";
  return new AppError("conflict", `${path}${others} is there already, and is another file`, {
    id: "pull.other-file",
    hint: "--to names another directory, --force writes over it",
  });
}

/** No link is followed, neither on the way nor at the end. */
async function lookAt(directory: string, { path, hash, bytes }: PulledFile): Promise<"none" | "same" | "other"> {
  const full = join(directory, path);
  await checkFolders(directory, path);
  const status = await ifThere(() => lstat(full));
  if (!status) return "none";
  if (status.isDirectory()) throw blocked(full, "a directory is there");
  if (!status.isFile() || status.size !== bytes) return "other";
  return (await hashOf(full)).digest("hex") === hash ? "same" : "other";
}

/** Throws AppError where a part of the way is a link, or a file. */
export async function checkFolders(directory: string, path: string): Promise<void> {
  let full = directory;
  for (const part of dirname(path).split("/")) {
    full = join(full, part);
    const status = await ifThere(() => lstat(full));
    if (status && !status.isDirectory()) throw blocked(full, "it is no directory");
  }
}

async function pullFile(client: Client, file: PulledFile, directory: string): Promise<void> {
  const full = join(directory, file.path);
  await mkdir(dirname(full), { recursive: true });
  await checkFolders(directory, file.path);
  const part = join(dirname(full), `.${basename(full).slice(0, 200)}${PART_SUFFIX}`);
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(client, file, part);
      break;
    } catch (error) {
      const again = error instanceof AppError && error.code === "unavailable";
      if (!again || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }
  await rename(part, full);
}

async function receive(client: Client, { path, hash, bytes }: PulledFile, part: string): Promise<void> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const file = await open(part, flags, 0o644).catch((error: unknown) => {
    throw systemCode(error) === "ELOOP" ? blocked(part, "it is a link") : error;
  });
  try {
    let { size } = await file.stat();
    if (size > bytes) {
      await file.truncate(0);
      size = 0;
    }
    // What came before counts only where the whole is right.
    const sum = size > 0 ? await hashOf(part) : createHash("sha256");
    if (size < bytes || bytes === 0) {
      for await (const { data } of client.getContents([hash], size)) {
        await file.appendFile(data);
        sum.update(data);
        size += data.length;
      }
    }
    if (size < bytes) throw new AppError("unavailable", `${path} did not come whole`, { id: "pull.broken" });
    if (sum.digest("hex") === hash) return await file.sync();
  } finally {
    await file.close();
  }
  await rm(part, { force: true });
  throw new AppError("unavailable", `${path} was damaged on its way`, { id: "pull.broken" });
}

async function listOf(client: Client, hash: string) {
  const parts: Uint8Array[] = [];
  for await (const { data } of client.getContents([hash])) parts.push(data);
  const text = Buffer.concat(parts).toString();
  const entries = parseSnapshot(text);
  if ("problem" in entries || snapshotHash(text) !== hash) throw damaged("a list of files that is none");
  return entries.flatMap((entry) => (entry.kind === "file" ? [entry] : []));
}

async function hashOf(path: string) {
  const sum = createHash("sha256");
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  for await (const data of file.createReadStream()) sum.update(data as Buffer);
  return sum;
}

export function blocked(path: string, why: string): AppError {
  return new AppError("conflict", `cannot write ${path}: ${why}`, {
    id: "pull.blocked",
    hint: "--to names another directory",
  });
}

function damaged(what: string): AppError {
  return new AppError("internal", `the coordinator sent ${what}`, { id: "pull.damaged" });
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
