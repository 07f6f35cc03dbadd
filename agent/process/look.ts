/** One look at all processes of the host. */
import { allPids, isZombie, markerOf, type ProcessStat, readStat } from "./proc.ts";

export interface Sighting extends ProcessStat {
  /** The attempt that it was started for; undefined: none. */
  readonly marker: string | undefined;
}

/** What there is to look at: /proc, or the part of one that a test plays. */
export interface ProcessTable {
  allPids(): Iterable<number>;
  readStat(pid: number): ProcessStat | undefined;
  markerOf(pid: number): string | undefined;
}

const PROC: ProcessTable = { allPids, readStat, markerOf };

/** Lists of processes in one look, on a host where they come and go faster than they are read. */
const LISTS_MAX = 100;

/**
 * Looks at every live process. What a process was started with does not change, so the environment of each is read
 * once: a later look costs one small read for each process of the host.
 *
 * One that was listed and has ended before it is read may have left a child that no list had yet: a chain of processes that
 * start the next one and end would pass by. Then the list is read again, and what is new in it looked at, until nothing new
 * has ended meanwhile.
 */
export function createLook({ allPids, readStat, markerOf }: ProcessTable = PROC): () => Sighting[] {
  let known = new Map<number, Sighting>();
  let zombies = new Set<string>();
  return () => {
    const seen = new Map<number, Sighting>();
    const ended = new Set<number>();
    const left = new Set<string>();
    for (let round = 0, isWhole = false; !isWhole && round < LISTS_MAX; round++) {
      isWhole = true;
      for (const pid of allPids()) {
        if (seen.has(pid) || ended.has(pid)) continue;
        const stat = readStat(pid);
        if (stat && !isZombie(stat)) {
          const before = known.get(pid);
          const marker = before?.startTime === stat.startTime ? before.marker : markerOf(pid);
          seen.set(pid, { ...stat, marker });
          continue;
        }
        ended.add(pid);
        const name = `${pid} ${stat?.startTime ?? ""}`;
        if (stat) left.add(name);
        // A zombie from before the last look has no news.
        if (!zombies.has(name)) isWhole = false;
      }
    }
    known = seen;
    zombies = left;
    return [...seen.values()];
  };
}
