/** The output of a run into a file: whole, and over nothing that is anything else than an earlier part of it. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import type { Client } from "./client.ts";
import { blocked, checkFolders, otherFile } from "./pull.ts";

/** Name of the file in the folder of its run. */
export const LOG_NAME = "output.log";

export interface PulledLog {
  /** Relative to the directory. */
  readonly path: string;
  readonly bytes: number;
  /** Why something of it is missing; empty where nothing is. */
  readonly incomplete: string;
}

export interface LogPlace {
  readonly directory: string;
  /** Relative to it. */
  readonly path: string;
  /** 0: the last one. */
  readonly attempt: number;
  readonly force: boolean;
}

/** Throws AppError: "conflict" where another file is in the way and `force` is not said. */
export async function pullLog(client: Client, ref: string, place: LogPlace): Promise<PulledLog> {
  const { directory, path, attempt, force } = place;
  const full = join(directory, path);
  await mkdir(dirname(full), { recursive: true });
  await checkFolders(directory, path);
  const before = await existing(full);
  const part = join(dirname(full), `.${basename(full)}.exp-part`);
  await rm(part, { force: true });
  const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  let [bytes, incomplete] = [0, ""];
  const sum = createHash("sha256");
  try {
    for await (const piece of client.logs({ ref, follow: false, attempt, rank: 0, offset: 0, tailLines: 0 })) {
      await file.appendFile(piece.data);
      if (before && bytes < before.bytes) sum.update(piece.data.subarray(0, before.bytes - bytes));
      bytes += piece.data.length;
      incomplete = piece.incomplete;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const goesOn = !before || (before.bytes <= bytes && sum.digest("hex") === before.hash);
  if (!goesOn && !force) {
    await rm(part, { force: true });
    throw otherFile(full, 0);
  }
  await rename(part, full);
  return { path, bytes, incomplete };
}

async function existing(path: string): Promise<{ readonly bytes: number; readonly hash: string } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw blocked(path, "it is a link");
    throw new AppError("conflict", `cannot write ${path}: it cannot be read`, { id: "pull.blocked", cause: error });
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) throw blocked(path, "it is no plain file");
    const sum = createHash("sha256");
    for await (const data of file.createReadStream({ autoClose: false })) sum.update(data as Buffer);
    return { bytes: status.size, hash: sum.digest("hex") };
  } finally {
    await file.close();
  }
}
