/**
 * What the process trees of the attempts use, by one look at /proc for all of them: CPU time, memory, bytes read and
 * written. A process counts from its start, so what a child did within an interval is not lost as long as it lives.
 */
import { readFileSync } from "node:fs";
import type { Fence } from "../../shared/kernel/ids.ts";
import { allPids, TICKS_PER_SECOND } from "../process/proc.ts";

export interface UsageTarget {
  readonly fence: Fence;
  /** The shim. */
  readonly pid: number;
  readonly startTime: number;
  /** Pids where the kernel keeps the list; undefined: by session and descent. */
  readonly members: readonly number[] | undefined;
}

export interface TreeUsage {
  /** 100 is one CPU. Rates are undefined at the first look, which has nothing before it. */
  readonly cpuPercent: number | undefined;
  /** Resident; what processes share counts for each. */
  readonly memoryBytes: number;
  readonly processes: number;
  readonly readBytesPerSecond: number | undefined;
  readonly writeBytesPerSecond: number | undefined;
}

/** One process at one look. CPU in ticks, with that of children that were waited for. */
export interface ProcessUsage {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly startTime: number;
  readonly cpuTicks: number;
  readonly childTicks: number;
  readonly memoryBytes: number;
}

/** Not the same on every machine, and nothing but this says it without a process of its own. */
const PAGE_BYTES = Number(/^KernelPageSize: +(\d+) kB$/m.exec(readProc("/proc/self/smaps"))?.[1] ?? 4) * 1024;

/** The line of /proc/PID/stat; undefined where it is none. A zombie is none. */
export function parseUsage(text: string): ProcessUsage | undefined {
  const close = text.lastIndexOf(") ");
  if (close < 0) return undefined;
  const fields = text.slice(close + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  const at = (number: number) => Number(fields[number]);
  const usage = {
    pid: Number.parseInt(text, 10),
    parent: at(1),
    session: at(3),
    startTime: at(19),
    cpuTicks: at(11) + at(12),
    childTicks: at(13) + at(14),
    memoryBytes: at(21) * PAGE_BYTES,
  };
  return Object.values(usage).every(Number.isFinite) ? usage : undefined;
}

/** `read_bytes` and `write_bytes` of /proc/PID/io: what went to and came from storage. */
export function parseIo(text: string): { readonly read: number; readonly write: number } {
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d{1,20})$`, "m").exec(text)?.[1] ?? 0);
  return { read: of("read_bytes"), write: of("write_bytes") };
}

/** Live members of a tree: the shim, what is in its session, and all that descends from these. */
export function treeOf(root: { pid: number; startTime: number }, all: readonly ProcessUsage[]): ProcessUsage[] {
  const found = new Map<number, ProcessUsage>();
  for (const process of all) {
    if (process.startTime >= root.startTime && (process.pid === root.pid || process.session === root.pid))
      found.set(process.pid, process);
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const process of all) if (found.has(process.parent)) found.set(process.pid, process);
  }
  return [...found.values()];
}

interface Seen {
  readonly startTime: number;
  readonly cpuTicks: number;
  readonly childTicks: number;
  readonly read: number;
  readonly write: number;
}

interface Sums {
  atMs: number;
  processes: Map<number, Seen>;
}

export class UsageSampler {
  readonly #last = new Map<Fence, Sums>();

  /** Usage of each since its last sample, or its start. */
  sample(targets: readonly UsageTarget[], nowMs: number): Map<Fence, TreeUsage> {
    const needsAll = targets.some(({ members }) => members === undefined);
    const all = needsAll ? allPids().flatMap(usageOf) : [];
    const result = new Map<Fence, TreeUsage>();
    for (const target of targets) {
      const tree = target.members ? target.members.flatMap(usageOf) : treeOf(target, all);
      if (tree.length > 0) result.set(target.fence, this.#usage(target.fence, tree, nowMs));
    }
    return result;
  }

  /** The time from which the first sample of an attempt counts. */
  begin(fence: Fence, nowMs: number): void {
    this.#last.set(fence, { atMs: nowMs, processes: new Map() });
  }

  forget(fence: Fence): void {
    this.#last.delete(fence);
  }

  #usage(fence: Fence, tree: readonly ProcessUsage[], nowMs: number): TreeUsage {
    const last = this.#last.get(fence);
    const seconds = Math.max(0.001, (nowMs - (last?.atMs ?? nowMs)) / 1000);
    const processes = new Map<number, Seen>();
    let [ticks, read, write, memoryBytes] = [0, 0, 0, 0];
    for (const process of tree) {
      const io = parseIo(readProc(`/proc/${process.pid}/io`));
      const seen: Seen = { ...process, ...io };
      const before = last?.processes.get(process.pid);
      const isSame = before?.startTime === process.startTime;
      ticks += seen.cpuTicks - (isSame ? before.cpuTicks : 0);
      ticks += seen.childTicks - (isSame ? before.childTicks : seen.childTicks);
      read += seen.read - (isSame ? before.read : 0);
      write += seen.write - (isSame ? before.write : 0);
      memoryBytes += process.memoryBytes;
      processes.set(process.pid, seen);
    }
    // What a child used that has ended meanwhile counts twice: once itself, at the last look, and once with its parent.
    for (const [pid, seen] of last?.processes ?? []) if (!processes.has(pid)) ticks -= seen.cpuTicks + seen.childTicks;
    this.#last.set(fence, { atMs: nowMs, processes });
    return {
      cpuPercent: last && Math.max(0, (100 * ticks) / TICKS_PER_SECOND / seconds),
      memoryBytes,
      processes: tree.length,
      readBytesPerSecond: last && Math.max(0, read) / seconds,
      writeBytesPerSecond: last && Math.max(0, write) / seconds,
    };
  }
}

function usageOf(pid: number): ProcessUsage[] {
  const usage = parseUsage(readProc(`/proc/${pid}/stat`));
  return usage ? [usage] : [];
}

/** Empty for what is gone meanwhile or not ours to read. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
