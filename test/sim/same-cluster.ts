/** Compares two clusters in everything that a restart must bring back; what starts anew with each coordinator is left out. */
import type { Cluster } from "../../coordinator/core/cluster.ts";

/** The first difference in words; undefined when there is none. */
export function compareClusters(loaded: Cluster, memory: Cluster): string | undefined {
  const [a, b] = [normalise(loaded), normalise(memory)];
  for (const part of Object.keys(a) as (keyof typeof a)[]) {
    const [left, right] = [a[part], b[part]];
    if (left.length !== right.length || left.some((text, i) => text !== right[i])) {
      const i = left.findIndex((text, at) => text !== right[at]);
      const at = i < 0 ? left.length : i;
      return `${part}: the store says ${left[at] ?? "nothing"}, memory says ${right[at] ?? "nothing"}`;
    }
  }
  return undefined;
}

/** A cluster as sorted lines. */
function normalise(cluster: Cluster) {
  return {
    counters: [`fence ${cluster.nextFence} sweep ${cluster.nextSweepSeq} store ${cluster.storeId}`],
    sweeps: lines(cluster.sweeps.values(), (sweep) => JSON.stringify(sorted(sweep))),
    runs: lines(cluster.runs.values(), (run) => JSON.stringify(run, Object.keys(run).sort())),
    attempts: lines(cluster.attempts.values(), (attempt) => JSON.stringify(attempt, Object.keys(attempt).sort())),
    gangs: lines(cluster.gangEnds, ([first, { attempt, ...end }]) => {
      // Which phase it was in, and since when, counts no more.
      const { phase: _, startedAt: _s, ...ended } = attempt;
      return JSON.stringify([first, sorted(ended), sorted(end)]);
    }),
    nodes: lines(cluster.nodes.values(), (node) => {
      const { session: _, connected: _c, silent: _s, lastHeardMs: _l, helloSeq: _h, ...stored } = node;
      return JSON.stringify(sorted(stored));
    }),
    queues: lines(cluster.groups.values(), ({ key, limitedBy, queue }) =>
      [key, limitedBy, ...[...queue].map((entry) => entry.runId)].join(" "),
    ),
    holders: cluster.holders.lines(),
    states: lines(cluster.liveByState, ([state, count]) => `${state} ${count}`),
    live: lines(cluster.liveBySweep, ([sweep, count]) => `${sweep} ${count}`),
    active: lines(cluster.activeBySweep, ([sweep, count]) => `${sweep} ${count}`),
    delayed: lines(cluster.delayed, (id) => id),
    completed: cluster.completed.lines(),
    failed: cluster.failed.lines(),
    doers: lines(cluster.doers, ([fingerprint, ids]) => [fingerprint, ...[ids].flat().sort()].join(" ")),
    done: lines(cluster.done, (id) => id),
    waiters: lines(cluster.waiters, ([id, waiters]) => [id, ...lines(waiters, (waiter) => waiter)].join(" ")),
  };
}

function lines<T>(items: Iterable<T>, text: (item: T) => string): string[] {
  return [...items].map(text).sort();
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
