/**
 * Processes as /proc shows them. A pid alone names nothing, since the kernel uses it again; a pid with its start time
 * does, within one boot. Zombies count as dead: where the host's init reaps late they stay for seconds.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { AppError } from "../../shared/kernel/errors.ts";

/** Clock ticks of /proc/PID/stat in a second: USER_HZ, which is 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  readonly pid: number;
  /** Name of the program; may hold any character. */
  readonly comm: string;
  /** One letter: R S D T Z X … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/** What one line of /proc/PID/stat says; undefined where it is none. Fields count from the last ")" of the name. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(") ");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const stat = {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 2, close),
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
  };
  const numbers = [stat.pid, stat.parent, stat.group, stat.session, stat.startTime];
  return numbers.every(Number.isSafeInteger) && stat.pid > 0 && /^[A-Za-z]$/.test(stat.state) ? stat : undefined;
}

/** The process as it is now, a zombie included; undefined where there is none. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

export function isZombie(stat: ProcessStat): boolean {
  return stat.state === "Z" || stat.state === "X";
}

/** True while the very process that started at `startTime` runs; false for a zombie and for a later owner of the pid. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !isZombie(stat);
}

/** Every pid of the host. */
export function allPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid)) pids.push(pid);
  }
  return pids;
}

/** Live processes of a session. */
export function sessionMembers(session: number): number[] {
  return allPids().filter((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && stat.session === session && !isZombie(stat);
  });
}

/** The `EXP_ATTEMPT_DIR` a process was started with; undefined without one, and where it may not be read. */
export function markerOf(pid: number): string | undefined {
  const text = readProc(`/proc/${pid}/environ`);
  return text === undefined ? undefined : parseMarker(text);
}

/** Marker in the text of /proc/PID/environ (entries end in NUL). The last one wins, as it does for the program. */
export function parseMarker(environ: string): string | undefined {
  const name = "\0EXP_ATTEMPT_DIR=";
  const text = `\0${environ}`;
  const at = text.lastIndexOf(name);
  if (at < 0) return undefined;
  const end = text.indexOf("\0", at + name.length);
  return text.slice(at + name.length, end < 0 ? undefined : end);
}

/** Live processes that carry the marker of an attempt (see `attemptMarker`). About 10 µs for each process of the host. */
export function processesOfFence(marker: string): number[] {
  return allPids().filter((pid) => {
    if (markerOf(pid) !== marker) return false;
    const stat = readStat(pid);
    return stat !== undefined && !isZombie(stat);
  });
}

/** Differs after each start of the machine. Throws where there is no Linux /proc. */
export function bootId(): string {
  const text = readProc("/proc/sys/kernel/random/boot_id")?.trim();
  if (!text) throw new AppError("unavailable", "cannot read /proc/sys/kernel/random/boot_id: the agent needs Linux");
  return text;
}

/** Stays the same over restarts of the machine. From the host name where the system keeps no machine id. */
export function machineId(): string {
  const text = readProc("/etc/machine-id")?.trim() || readProc("/var/lib/dbus/machine-id")?.trim();
  return text || createHash("sha256").update(`host:${hostname()}`).digest("hex").slice(0, 32);
}

/** Undefined for what is gone (a process may end between any two reads) or may not be read. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
