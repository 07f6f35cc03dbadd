/**
 * Which cgroup an attempt has. To make and remove one takes the kernel's lock for all cgroups, behind which every process
 * that is entering a group waits; runs of a second would spend a tenth of it there. So the group of a short run goes to
 * the next one. A long run gives its group up: in that time its program may have changed the group's settings.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import * as cgroup from "./cgroup.ts";

/** A group that was used for longer is not used again. */
const REUSE_MS_MAX = 10_000;
const SPARES_MAX = 64;

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
}

export function createGroupPool(root: string, monotonicMs: () => number): GroupPool {
  const used = new Map<Fence, Used>();
  const spares: string[] = [];
  let lastNumber = Math.max(0, ...cgroup.groups(root).map((group) => Number(group.slice(group.lastIndexOf("/") + 1))));

  return {
    take: (fence) => {
      const group = spares.pop() ?? cgroup.makeGroup(root, ++lastNumber);
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
      // The kernel's counts stay with a group: one in which it killed for memory would tell so of the next run.
      const young = monotonicMs() - sinceMs < REUSE_MS_MAX;
      if (reuse && young && spares.length < SPARES_MAX && cgroup.isEmpty(group) && cgroup.oomKills(group) === 0)
        spares.push(group);
      else if (!cgroup.removeGroup(group)) return false;
      used.delete(fence);
      return true;
    },
    tidy: () => {
      const kept = new Set([...spares, ...Array.from(used.values(), ({ group }) => group)]);
      for (const group of cgroup.groups(root)) if (!kept.has(group)) cgroup.removeGroup(group);
    },
  };
}
