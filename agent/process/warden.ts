/**
 * The agent's side of the warden: keeps one alive for the workdir, and writes the leases that it enforces.
 */
import { spawn } from "node:child_process";
import { realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { attemptPaths, readIfPresent, replaceFile } from "./attempt-dir.ts";
import { bootId, isAlive } from "./proc.ts";

const WARDEN = fileURLToPath(new URL("./warden.sh", import.meta.url));
/** The few commands it needs are in the system's own places; nothing of a user's environment reaches it. */
const WARDEN_ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
const START_BOUND_MS = 10_000;

export interface Lease {
  /** Milliseconds since boot, counting sleep (`Clock.uptimeMs`). Rounded down to whole seconds. */
  readonly deadlineUptimeMs: number;
  /** The shim; 0 while it is not started. */
  readonly pid: number;
  readonly startTime: number;
  /** The attempt's cgroup directory, where it has one. */
  readonly cgroup: string | undefined;
}

/** Replaces the lease of the attempt in `dir`, in one step. Write one before the shim is started. */
export function writeLease(dir: string, lease: Lease): void {
  const path = attemptPaths(dir).lease;
  const deadline = Math.max(0, Math.floor(lease.deadlineUptimeMs / 1000));
  const text = `${deadline} ${lease.pid} ${lease.startTime} ${lease.cgroup ?? "-"}\n`;
  try {
    // The first one needs no second file: without its newline it does not count.
    writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    replaceFile(path, text);
  }
}

/** The lease as it was last written, to whole seconds; undefined where there is none or it cannot be understood. */
export function readLease(dir: string): Lease | undefined {
  const match = /^(\d{1,12}) (\d{1,10}) (\d{1,15}) (.+)\n$/.exec(readIfPresent(attemptPaths(dir).lease) ?? "");
  if (!match) return undefined;
  return {
    deadlineUptimeMs: Number(match[1]) * 1000,
    pid: Number(match[2]),
    startTime: Number(match[3]),
    cgroup: match[4] === "-" ? undefined : match[4],
  };
}

/**
 * For an attempt that has ended: the warden looks at it no more. The file goes with its directory, later: to delete one for
 * each run slows down every file that is made after it (see discard.ts).
 */
export function endLease(dir: string): void {
  const { lease, spentLease } = attemptPaths(dir);
  try {
    renameSync(lease, spentLease);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/** Pid of the workdir's warden; undefined where none is alive. */
export function wardenPid(workdir: string): number | undefined {
  const match = /^(\d+) (\d+) (\S+)\n$/.exec(readIfPresent(pidFile(workdir)) ?? "");
  if (!match || match[3] !== bootId()) return undefined;
  const pid = Number(match[1]);
  return isAlive(pid, Number(match[2])) ? pid : undefined;
}

/** Starts a warden, detached, unless one is alive, and returns its pid. Throws `unavailable` where none comes up. */
export async function ensureWarden(workdir: string): Promise<number> {
  const running = wardenPid(workdir);
  if (running !== undefined) return running;
  const child = spawn("/bin/sh", [WARDEN, realpathSync(workdir)], {
    cwd: "/",
    env: WARDEN_ENV,
    detached: true,
    stdio: "ignore",
  });
  let failed: Error | undefined;
  child.on("error", (error) => {
    failed = error;
  });
  child.unref();
  const end = performance.now() + START_BOUND_MS;
  while (failed === undefined && performance.now() < end) {
    const pid = wardenPid(workdir);
    if (pid !== undefined) return pid;
    await sleep(5);
  }
  throw new AppError("unavailable", `cannot start the warden that enforces leases in ${workdir}`, {
    hint: `try: sh ${WARDEN} ${workdir}`,
    cause: failed,
  });
}

/** Ends the workdir's warden and waits until it is gone. Leases are not enforced from then on. */
export async function stopWarden(workdir: string): Promise<void> {
  const pid = wardenPid(workdir);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  const end = performance.now() + START_BOUND_MS;
  while (wardenPid(workdir) === pid) {
    if (performance.now() > end) throw new AppError("timeout", `the warden (pid ${pid}) does not end`);
    await sleep(5);
  }
  rmSync(pidFile(workdir), { force: true });
}

function pidFile(workdir: string): string {
  return join(workdir, "warden.pid");
}
