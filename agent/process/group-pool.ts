/**
 * Which cgroup an attempt has. To make and remove one takes the kernel's lock for all cgroups, behind which every process
 * that is entering a group waits; runs of a second would spend a tenth of it there. So the group of a short run goes to
 * the next one. A long run gives its group up: in that time its program may have changed the group's settings.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fence } from "../../shared/kernel/ids.ts";
import * as cgroup from "./cgroup.ts";
import { AHEAD_MAX, type ShimsAhead } from "./shims-ahead.ts";

/** A group that was used for longer is not used again. */
const REUSE_MS_MAX = 10_000;
const SPARES_MAX = 64;
const CLOSE_BOUND_MS = 1_000;

interface Used {
  readonly group: string;
  readonly sinceMs: number;
}

export interface GroupPool {
  /** Gives the attempt a group of its own; undefined where the subtree has gone. */
  take(fence: Fence): string | undefined;
  /** Notes the group that an earlier agent gave the attempt. */
  adopt(fence: Fence, group: string): void;
  of(fence: Fence): string | undefined;
  /** The attempt is done with its group, for good unless it may go to another; false where it still holds processes. */
  release(fence: Fence, reuse: boolean): boolean;
  /** Removes groups that no attempt has: what a killed agent left. */
  tidy(): void;
  /** Ends what waits in groups without an attempt, and removes these. */
  close(): Promise<void>;
}

export function createGroupPool(root: string, monotonicMs: () => number, shims?: ShimsAhead): GroupPool {
  const used = new Map<Fence, Used>();
  const spares: string[] = [];
  let lastNumber = Math.max(0, ...cgroup.groups(root).map((group) => Number(group.slice(group.lastIndexOf("/") + 1))));

  const hasShim = (group: string): boolean => shims !== undefined && shims.aheadCount(group) > 0;

  function addSpare(group: string): void {
    if (shims && spares.filter(hasShim).length < AHEAD_MAX) shims.startAhead(group);
    spares.push(group);
  }

  /** One in which a shim waits, if any: the one that has waited longest has surely entered it. */
  function takeSpare(): string | undefined {
    const index = spares.findIndex(hasShim);
    return index < 0 ? spares.pop() : spares.splice(index, 1)[0];
  }

  return {
    take: (fence) => {
      const group = takeSpare() ?? cgroup.makeGroup(root, ++lastNumber);
      if (group !== undefined) used.set(fence, { group, sinceMs: monotonicMs() });
      return group;
    },
    adopt: (fence, group) => {
      used.set(fence, { group, sinceMs: Number.NEGATIVE_INFINITY });
    },
    of: (fence) => used.get(fence)?.group,
    release: (fence, reuse) => {
      const mine = used.get(fence);
      if (!mine) return true;
      const { group, sinceMs } = mine;
      if (hasShim(group)) {
        // Nothing of the attempt was ever in it.
        used.delete(fence);
        spares.push(group);
        return true;
      }
      // The kernel's counts stay with a group: one in which it killed for memory would tell so of the next run.
      const young = monotonicMs() - sinceMs < REUSE_MS_MAX;
      if (reuse && young && spares.length < SPARES_MAX && cgroup.isEmpty(group) && cgroup.oomKills(group) === 0)
        addSpare(group);
      else if (!cgroup.removeGroup(group)) return false;
      used.delete(fence);
      return true;
    },
    tidy: () => {
      const kept = new Set([...spares, ...Array.from(used.values(), ({ group }) => group)]);
      for (const group of cgroup.groups(root)) if (!kept.has(group)) cgroup.removeGroup(group);
    },
    close: async () => {
      const end = monotonicMs() + CLOSE_BOUND_MS;
      for (const group of spares) cgroup.kill(group);
      for (const group of spares) {
        while (!cgroup.removeGroup(group) && monotonicMs() < end) await sleep(1);
      }
    },
  };
}
