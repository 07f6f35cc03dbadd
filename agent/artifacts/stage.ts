/**
 * A copy of an artifact as it is at one moment: named by its hash, in a folder of ours, so that the program may go on with its
 * file and the run with its directory. What changes while it is copied is no checkpoint, and is looked at again. Nothing but
 * plain files is read, none of the agent's own, and no link leads out of where a glob looks.
 */
import { createHash, hash as hashOf } from "node:crypto";
import { constants, type Stats } from "node:fs";
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../../shared/kernel/errors.ts";
import { ARTIFACT_BYTES_MAX, ARTIFACT_FILES_MAX, type ArtifactContent } from "../../shared/run/artifacts.ts";
import { type SnapshotFile, snapshotText } from "../../shared/run/snapshot.ts";

export interface StageRequest {
  readonly source: string;
  /** A glob found it below here; undefined: the program named it. */
  readonly within: string | undefined;
  /** What is below is the agent's own and is not read, but for `own`. */
  readonly workdir: string;
  /** Directory of the attempt. */
  readonly own: string;
  /** Made; holds contents by their hash. */
  readonly into: string;
  /** Bytes that the copy may take. */
  readonly room: number;
}

/** Staged, or why not: "again" where another look may find it in order. */
export type Staged =
  | (ArtifactContent & {
      /** When the content was last changed, Unix ms. */
      readonly changedMs: number;
    })
  | { readonly problem: string; readonly again: "never" | "settling" | "room" };

const PORTION_BYTES = 1024 * 1024;
/** Of the time, this part is left to everything else. */
const REST = 0.25;
const DEPTH_MAX = 32;

/** Left free on the host's disk, whatever is to be kept. */
const FREE_PART_MIN = 0.02;
const FREE_BYTES_MIN = 512 * 1024 * 1024;

/** Bytes that copies may still take there. */
export async function roomOn(folder: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(folder);
  return bavail * bsize - Math.max(FREE_BYTES_MIN, blocks * bsize * FREE_PART_MIN);
}

/** What was taken so far. */
interface Budget {
  bytes: number;
  changedMs: number;
}

/** Thrown by what is called below, and caught in `stage`. */
class Unfit extends Error {
  readonly again: "never" | "settling" | "room";
  constructor(message: string, again: "never" | "settling" | "room" = "never") {
    super(message);
    this.again = again;
  }
}

export async function stage(request: StageRequest): Promise<Staged> {
  await mkdir(request.into, { recursive: true, mode: 0o700 });
  try {
    const budget = { bytes: 0, changedMs: 0 };
    if (!(await statOf(request.source)).isDirectory()) {
      const { hash, size } = await stageFile(request, request.source, budget);
      return { hash, folder: false, sizeBytes: size, files: 1, changedMs: budget.changedMs };
    }
    return await stageFolder(request, budget);
  } catch (error) {
    await rm(request.into, { recursive: true, force: true });
    if (error instanceof Unfit) return { problem: error.message, again: error.again };
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { problem: "it is not there any more", again: "never" };
    if (code === "EACCES" || code === "EPERM") return { problem: "the agent may not read it", again: "never" };
    if (code === "ELOOP" || code === "ENXIO") return { problem: "it is no plain file", again: "never" };
    if (code === "ENOSPC" || code === "EDQUOT") return { problem: "the host's disk is full", again: "room" };
    throw error;
  }
}

async function stageFolder(request: StageRequest, budget: Budget): Promise<Staged> {
  const paths = await filesBelow(request.source);
  const entries: SnapshotFile[] = [];
  // Its files count as below it: a link out of it leads nowhere.
  const inner = { ...request, within: request.source };
  for (const path of paths) {
    const { hash, size } = await stageFile(inner, join(request.source, path), budget);
    entries.push({ kind: "file", path, sha256: hash, bytes: size, executable: false });
  }
  // A file that came or went meanwhile belongs to another moment.
  if ((await filesBelow(request.source)).join("\0") !== paths.join("\0")) {
    throw new Unfit("its files were being changed", "settling");
  }
  const text = snapshotText(entries);
  const hash = hashOf("sha256", text, "hex");
  await writeFile(join(request.into, hash), text, { mode: 0o600 });
  const { bytes, changedMs } = budget;
  return { hash, folder: true, sizeBytes: bytes, files: entries.length, changedMs };
}

/** Plain files and links, by path; neither pipes nor sockets. */
async function filesBelow(root: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) throw new Unfit(`its folders are more than ${DEPTH_MAX} deep`);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const full = join(folder, entry.name);
      if (entry.isDirectory()) await walk(full, depth + 1);
      else if (entry.isFile() || entry.isSymbolicLink()) paths.push(relative(root, full));
      if (paths.length > ARTIFACT_FILES_MAX) throw new Unfit(`it has more than ${ARTIFACT_FILES_MAX} files`);
    }
  };
  await walk(root, 0);
  return paths.sort();
}

async function stageFile(
  request: StageRequest,
  source: string,
  budget: Budget,
): Promise<{ readonly hash: string; readonly size: number }> {
  // A pipe would wait for a writer.
  const file = await open(source, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat();
    if (!before.isFile()) throw new Unfit("it is no plain file");
    await checkPlace(request, file);
    if (budget.bytes + before.size > ARTIFACT_BYTES_MAX)
      throw new Unfit(`it has more than ${ARTIFACT_BYTES_MAX} bytes`);
    if (budget.bytes + before.size > request.room) throw new Unfit("the host's disk has no room for a copy", "room");
    const part = join(request.into, "part");
    await rm(part, { force: true });
    const hash = (await cloned(file, part)) ? await hashFile(part) : await copyAndHash(file, part);
    const after = await file.stat();
    const there = await statOf(source);
    if (!isSame(before, after) || !isSame(before, there)) throw new Unfit("it was being changed", "settling");
    await rename(part, join(request.into, hash));
    budget.bytes += before.size;
    budget.changedMs = Math.max(budget.changedMs, before.mtimeMs);
    return { hash, size: before.size };
  } finally {
    await file.close();
  }
}

/** By where the open file really lies, so that nothing can be exchanged after the look. */
async function checkPlace({ within, workdir, own }: StageRequest, file: FileHandle): Promise<void> {
  const real = await readlink(`/proc/self/fd/${file.fd}`);
  if (isBelow(real, workdir) && !isBelow(real, own)) throw new Unfit("it is a file of the agent's own");
  if (within !== undefined && !isBelow(real, within)) throw new Unfit("a link leads out of its folder");
  if (/^\/(?:proc|sys|dev)\//.test(real) && !real.startsWith("/dev/shm/")) throw new Unfit("it is no plain file");
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** A copy that shares the blocks, where the file system can do that: of one moment, and free. */
async function cloned(file: FileHandle, part: string): Promise<boolean> {
  try {
    await copyFile(`/proc/self/fd/${file.fd}`, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    await rm(part, { force: true });
    return false;
  }
}

async function copyAndHash(from: FileHandle, part: string): Promise<string> {
  const to = await open(part, "wx", 0o600);
  try {
    return await readThrough(from, (data) => to.appendFile(data));
  } finally {
    await to.close();
  }
}

async function hashFile(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    return await readThrough(file, async () => undefined);
  } finally {
    await file.close();
  }
}

/** Gives way to everything else between portions. */
async function readThrough(file: FileHandle, take: (data: Buffer) => Promise<unknown>): Promise<string> {
  const sum = createHash("sha256");
  const buffer = Buffer.allocUnsafe(PORTION_BYTES);
  let debtMs = 0;
  for (let offset = 0; ; ) {
    const startMs = performance.now();
    const { bytesRead } = await file.read(buffer, 0, PORTION_BYTES, offset);
    if (bytesRead === 0) return sum.digest("hex");
    const data = buffer.subarray(0, bytesRead);
    sum.update(data);
    await take(data);
    offset += bytesRead;
    debtMs += (performance.now() - startMs) * REST;
    if (debtMs > 5) {
      await sleep(debtMs);
      debtMs = 0;
    }
  }
}

function statOf(path: string): Promise<Stats> {
  return stat(path);
}

function isSame(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino && a.dev === b.dev;
}
