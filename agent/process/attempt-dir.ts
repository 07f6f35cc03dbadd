/**
 * The directory of one attempt, `<workdir>/runs/<fence>/`: what is in it and under which names. It is made once, by the
 * attempt that owns it, and is removed as a whole.
 */
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";

export interface AttemptPaths {
  /** The parameters of the run as JSON; what `EXP_CONFIG` names. */
  readonly config: string;
  readonly claim: string;
  readonly shimLog: string;
  /** Command, directory and environment, for a shim that was started ahead. */
  readonly launch: string;
  /** stdout and stderr of the command. */
  readonly output: string;
  /** What the program appends to; what `EXP_EVENTS` names. */
  readonly client: string;
  readonly status: string;
  readonly lease: string;
  /** The lease of an attempt that has ended. */
  readonly spentLease: string;
  /** Written by the warden when it stops the attempt because its lease has passed. */
  readonly expired: string;
  /** Why the attempt is to end, for the program: the client looks for it. */
  readonly stop: string;
  /** What was being done before the command, should that have ended the attempt (see prelude.sh). */
  readonly stage: string;
  /** Taken by the container of the attempt, or by whoever sees to it that it never starts. */
  readonly containerClaim: string;
  /** Script that ends the container, of an engine whose containers are not our processes. */
  readonly endContainer: string;
  /** Its engine says that there is none. */
  readonly containerEnded: string;
  /** HOME of a command in a container. */
  readonly home: string;
  /** For temporary files of a container. */
  readonly scratch: string;
  /** Copy of the code, where the run has one. */
  readonly code: string;
  /** The checkpoint of an earlier attempt, where there is one. */
  readonly resume: string;
  readonly artifacts: string;
  readonly checkpoints: string;
}

/** `<workdir>/runs/<fence>` */
export function attemptDir(workdir: string, fence: Fence): string {
  return join(workdir, "runs", String(fence));
}

export function attemptPaths(dir: string): AttemptPaths {
  return {
    config: `${dir}/config.json`,
    claim: `${dir}/claim`,
    shimLog: `${dir}/shim.log`,
    launch: `${dir}/launch.sh`,
    output: `${dir}/output.log`,
    client: `${dir}/client.jsonl`,
    status: `${dir}/status.jsonl`,
    lease: `${dir}/lease`,
    spentLease: `${dir}/lease.spent`,
    expired: `${dir}/expired`,
    stop: `${dir}/stop`,
    stage: `${dir}/stage`,
    containerClaim: `${dir}/container.claim`,
    endContainer: `${dir}/end-container.sh`,
    containerEnded: `${dir}/container.ended`,
    home: `${dir}/home`,
    scratch: `${dir}/scratch`,
    code: `${dir}/code`,
    resume: `${dir}/resume`,
    artifacts: `${dir}/artifacts`,
    checkpoints: `${dir}/checkpoints`,
  };
}

/**
 * What every process of the attempt carries as `EXP_ATTEMPT_DIR`, and is found by. Unlike the fence it is unique on a
 * host that serves several fleets. Free of symbolic links, so that it stays the same whichever way the agent names its
 * workdir. Throws where the workdir does not exist.
 */
export function attemptMarker(dir: string): string {
  const full = resolve(dir);
  const workdir = dirname(dirname(full));
  const real = realWorkdirs.get(workdir) ?? realpathSync(workdir);
  realWorkdirs.set(workdir, real);
  return `${real}/runs/${basename(full)}`;
}

/** A process has one workdir, which stays where it is for as long as the process lives. */
const realWorkdirs = new Map<string, string>();

/**
 * How to fill a file that is there and empty. To truncate it first would have ext4 write it to disk at once, as it does where
 * a file is replaced (mount option auto_da_alloc).
 */
export const FILL = { flag: "r+" } as const;

/** Makes an empty attempt's directory (mode 0700) with what each has. Throws the system's error, and leaves nothing then. */
export function makeEmptyAttemptDir(dir: string): void {
  makeDirectory(dir);
  try {
    const { artifacts, checkpoints, ...files } = attemptPaths(dir);
    for (const folder of [artifacts, checkpoints]) mkdirSync(folder, { mode: 0o700 });
    for (const file of [files.config, files.launch, files.output, files.status]) {
      writeFileSync(file, "", { mode: 0o600, flag: "wx" });
    }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Makes the directory with `config` as its config.json. Not synced to disk: after a power cut the attempt is lost in any
 * case. `moveSpareTo` may put one there that `makeEmptyAttemptDir` has made.
 *
 * Throws `conflict` where the directory exists, `unavailable` where it cannot be made; nothing is left then.
 */
export function createAttemptDir(
  dir: string,
  config: string,
  moveSpareTo: (dir: string) => boolean = () => false,
): void {
  try {
    if (!moveSpareTo(dir)) makeEmptyAttemptDir(dir);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw new AppError("conflict", `attempt directory ${dir} exists already`);
    throw notMade(dir, error);
  }
  try {
    writeFileSync(attemptPaths(dir).config, config, FILL);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw notMade(dir, error);
  }
}

/** Removes the directory and all in it, without following links. No error where it is gone already. */
export async function removeAttemptDir(dir: string): Promise<void> {
  if (removeUsual(dir)) return;
  try {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    throw new AppError("unavailable", `cannot remove attempt directory ${dir}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * Removes a directory that holds only what every attempt has, by name, which is less work than to look what is
 * there. False where something is left, also after an error: whoever removes the rest meets it again.
 */
function removeUsual(dir: string): boolean {
  const { config, claim, launch, shimLog, output, status, spentLease, artifacts, checkpoints } = attemptPaths(dir);
  try {
    // A run may have put a link to somewhere else here: nothing there is ours.
    if (!lstatSync(dir).isDirectory()) return false;
    for (const folder of [artifacts, checkpoints]) rmdirSync(folder);
    for (const file of [config, claim, launch, shimLog, output, status, spentLease]) unlinkSync(file);
    rmdirSync(dir);
    return true;
  } catch {
    return false;
  }
}

/** Puts `text` at `path` in one step: a reader sees the old file or the new one, never a part. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Text of a small file; undefined where there is none. Other errors are thrown. */
export function readIfPresent(path: string): string | undefined {
  // Most of the files that are asked for are not there: to look first is much cheaper than the error.
  if (!statSync(path, { throwIfNoEntry: false })) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The folder above is there, but for the first attempt of a workdir. */
function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
    mkdirSync(dir, { mode: 0o700 });
  }
}

function notMade(dir: string, cause: unknown): AppError {
  return new AppError("unavailable", `cannot make attempt directory ${dir}: ${errorMessage(cause)}`, { cause });
}
