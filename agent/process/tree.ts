/**
 * The process trees of attempts: who belongs to one, how it is signalled, and whether anything of it is left.
 *
 * With a cgroup the kernel keeps the list. Without one, a process belongs to an attempt when it was started with the
 * attempt's marker in its environment, or when it is in the shim's session; what leaves the session *and* clears its
 * environment is not found then. Nothing else is ever signalled: a pid or session number that the kernel has given to
 * somebody else does not match. What a container engine's daemon has started for an attempt is ended by its name (container/).
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "../../shared/kernel/assert.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { attemptDir, attemptMarker, attemptPaths } from "./attempt-dir.ts";
import * as cgroup from "./cgroup.ts";
import { coalesce } from "./coalesce.ts";
import { createGroupPool } from "./group-pool.ts";
import { createLook, type ProcessTable, type Sighting } from "./look.ts";
import { readStat, TICKS_PER_SECOND } from "./proc.ts";
import { readShimLog } from "./shim.ts";
import { createShimsOfShortRuns, type ShimsAhead } from "./shims-ahead.ts";

export interface TreeTarget {
  readonly fence: Fence;
  /** The shim; 0 where it is not known. */
  readonly pid: number;
  /** Of the shim, in clock ticks since boot. */
  readonly startTime: number;
}

export interface Trees {
  /** Gives the attempt a cgroup and returns it; undefined on a host without a usable one. */
  prepare(fence: Fence): string | undefined;
  /** Notes the cgroup that an earlier agent gave the attempt. */
  adopt(fence: Fence, group: string): void;
  /** The attempt's cgroup, for its lease; undefined where it has none. */
  cgroupOf(fence: Fence): string | undefined;
  /** Pids of live processes of the attempt, the shim included. */
  members(target: TreeTarget): number[];
  /** One pass over what is there now. TERM reaches each process once, and the shim stays to record the end. */
  signal(target: TreeTarget, signal: "TERM" | "KILL"): void;
  /**
   * Kills whatever is left, again until a look finds nothing; false where something still lives after 10 s (a process
   * in an uninterruptible wait). Costs one small read with a cgroup; without, one look at /proc for all who ask.
   */
  empty(target: TreeTarget): Promise<boolean>;
  /** True where the kernel killed a process of the attempt for its memory and the host can tell. Ask before `remove`. */
  oomKilled(fence: Fence): boolean;
  /**
   * Gives the attempt's cgroup up; false where it still holds processes. Its lease must be gone, as that names the group.
   * `reuse`: another attempt may have it next.
   */
  remove(fence: Fence, reuse: boolean): boolean;
  /** Removes cgroups that no attempt has. Call once all attempts of an earlier agent are adopted. */
  tidy(): void;
  /** Gives up the cgroups that wait for an attempt. Those of attempts stay. */
  close(): Promise<void>;
}

export interface TreeOptions {
  /** From `findCgroupRoot`. */
  readonly cgroupRoot: string | undefined;
  readonly workdir: string;
  readonly monotonicMs: () => number;
  readonly shims?: ShimsAhead;
  /** Where processes are looked at; absent: /proc. */
  readonly table?: ProcessTable;
}

/** Start times by pid: together they name a process for ever. */
type Found = Map<number, number>;

const EMPTY_BOUND_MS = 10_000;
/** Looks at processes that are being stopped; one that cannot be, as it waits for a device, is waited for no longer. */
const STOP_ROUNDS_MAX = 25;

export function createTrees({ cgroupRoot, workdir, monotonicMs, shims, table }: TreeOptions): Trees {
  const look = createLook(table);
  const sharedLook = coalesce(look);
  const dirOf = (of: Fence) => attemptDir(workdir, of);

  const pool = cgroupRoot === undefined ? undefined : createGroupPool(cgroupRoot, monotonicMs, shims);
  const ungrouped = pool || !shims ? undefined : createShimsOfShortRuns(shims, monotonicMs);
  const cgroupOf = (of: Fence): string | undefined => pool?.of(of);

  /** `found`: members of earlier looks, whose parents may be gone by now; those of this one are added. */
  const belonging = (target: TreeTarget, seen: readonly Sighting[], found: Found = new Map()): Sighting[] => {
    const marker = attemptMarker(dirOf(target.fence));
    let until: number | undefined;
    const certain = seen.filter((process) => {
      if (process.marker === marker || found.get(process.pid) === process.startTime) return true;
      if (target.pid === 0 || process.session !== target.pid) return false;
      until ??= sessionUntil(target, dirOf(target.fence));
      return process.startTime >= target.startTime && process.startTime <= until;
    });
    const all = withDescendants(certain, seen);
    for (const { pid, startTime } of all) found.set(pid, startTime);
    return all;
  };

  /** Members by cgroup; undefined where that does not tell: no cgroup, or a shim that could not enter it. */
  const grouped = (target: TreeTarget): number[] | undefined => {
    const dir = cgroupOf(target.fence);
    if (dir === undefined) return undefined;
    const pids = cgroup.isPopulated(dir) ? cgroup.members(dir) : [];
    return pids.length === 0 && groupExists(target.pid) ? undefined : pids;
  };

  /**
   * Everybody stopped, so that nobody starts a child between the look and the kill: its parent dead, it might not be known.
   * A child that was on its way while its parent stopped is seen by the look after.
   */
  const stopped = (target: TreeTarget, first: readonly number[], found: Found): readonly number[] => {
    let pids = first;
    for (let round = 0, wereStill = false; round < STOP_ROUNDS_MAX; round++) {
      for (const pid of pids) send(pid, "SIGSTOP");
      const seen = belonging(target, look(), found);
      const areStill = seen.every(({ state }) => state === "T");
      const isSame = seen.length === pids.length;
      pids = seen.map((process) => process.pid);
      if (areStill && wereStill && isSame) break;
      wereStill = areStill;
    }
    return pids;
  };

  const kill = (target: TreeTarget, pids: readonly number[], found: Found): void => {
    const dir = cgroupOf(target.fence);
    if (dir !== undefined) cgroup.kill(dir);
    const all = grouped(target) === undefined ? stopped(target, pids, found) : pids;
    for (const pid of all) send(pid, "SIGKILL");
  };

  return {
    prepare(of) {
      ungrouped?.began(of);
      return pool?.take(of);
    },
    adopt(of, group) {
      pool?.adopt(of, group);
    },
    cgroupOf,
    members(target) {
      return grouped(target) ?? belonging(target, look()).map((process) => process.pid);
    },
    signal(target, signal) {
      const found: Found = new Map();
      const pids = grouped(target) ?? belonging(target, look(), found).map((process) => process.pid);
      if (signal === "KILL") return kill(target, pids, found);
      // The group in one call, so that a process which forks meanwhile does not slip through.
      const wholeGroup = target.pid !== 0 && readStat(target.pid)?.startTime === target.startTime;
      if (wholeGroup) send(-target.pid, "SIGTERM");
      // The client of a container engine hands it on, to the program alone.
      if (wholeGroup && existsSync(attemptPaths(dirOf(target.fence)).endContainer)) return;
      for (const pid of pids) {
        if (!wholeGroup || readStat(pid)?.group !== target.pid) send(pid, "SIGTERM");
      }
    },
    async empty(target) {
      const end = performance.now() + EMPTY_BOUND_MS;
      // A child that was killed with its parent may die after it, on a busy host, and is nobody's child then.
      const found: Found = new Map();
      for (let waitMs = 1; ; waitMs = Math.min(50, waitMs * 2)) {
        const pids = grouped(target) ?? belonging(target, await sharedLook(), found).map((process) => process.pid);
        if (pids.length === 0) return true;
        if (performance.now() > end) return false;
        kill(target, pids, found);
        await sleep(waitMs);
      }
    },
    oomKilled(of) {
      const dir = cgroupOf(of);
      return dir !== undefined && cgroup.oomKills(dir) > 0;
    },
    remove(of, reuse) {
      ungrouped?.ended(of);
      return pool?.release(of, reuse) ?? true;
    },
    tidy() {
      pool?.tidy();
    },
    async close() {
      await pool?.close();
    },
  };
}

/**
 * Members of the shim's session are the attempt's if they started no later than this. While the shim leads the session,
 * all are. After its end the number may have gone to another session, but never to a process that was there before.
 */
function sessionUntil(target: TreeTarget, dir: string): number {
  const leader = readStat(target.pid);
  if (leader) return leader.startTime === target.startTime ? Number.POSITIVE_INFINITY : 0;
  const exit = readShimLog(dir).exit;
  return exit ? Math.round(exit.uptimeSeconds * TICKS_PER_SECOND) : 0;
}

/** With all that descends from them: a leftover may start a child after the shim has ended, with a bare environment. */
function withDescendants(roots: readonly Sighting[], seen: readonly Sighting[]): Sighting[] {
  const found = new Map(roots.map((process) => [process.pid, process]));
  if (found.size === 0) return [];
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const process of seen) if (found.has(process.parent)) found.set(process.pid, process);
  }
  return [...found.values()];
}

function groupExists(pid: number): boolean {
  return pid !== 0 && send(-pid, 0);
}

/** False where there is nothing to signal. What may not be signalled (a setuid program) stays, and is seen to stay. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  // To kill(2), 0 is our own group and -1 is everybody.
  assert(Math.abs(pid) > 1, `no signal to ${pid}`);
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
