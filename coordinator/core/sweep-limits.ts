/**
 * `[limits] failures`: when so many runs of a sweep have failed, it is stopped. What waits is cancelled with the reason; what
 * runs goes on to its end, and is cancelled should it come back to the queue. Looked at after each reaction as a whole, as
 * one event may end many attempts.
 */
import type { RunId, SweepId } from "../../shared/kernel/ids.ts";
import { isTerminal } from "../../shared/run/states.ts";
import { rowOfRun } from "./apply-change.ts";
import type { Change, RunStateRow } from "./changes.ts";
import type { Cluster, Sweep } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { Now } from "./events.ts";
import { history } from "./reactor-runs.ts";

const CANCELLED = { state: "cancelled", waitsFor: undefined } as const;

/** The reaction with what follows from it for sweeps that have a limit of failures. */
export function withSweepLimits(cluster: Cluster, reaction: Reaction, now: Now): Reaction {
  const rows = changedRows(cluster, reaction.changes);
  if (rows.size === 0) return reaction;
  const further: Change[] = [];
  for (const [sweepId, changed] of rows) {
    const sweep = cluster.sweeps.get(sweepId);
    // A retry by the user has opened it again.
    const reset = reaction.changes.findLast((change) => change.kind === "sweep-changed" && change.sweepId === sweepId);
    if (sweep) further.push(...lookAt(cluster, { ...sweep, ...pick(reset) }, changed, now));
  }
  return further.length === 0 ? reaction : { ...reaction, changes: [...reaction.changes, ...further] };
}

function pick(change: Change | undefined): Partial<Pick<Sweep, "failed" | "stopped">> {
  return change?.kind === "sweep-changed" ? { failed: change.failed, stopped: change.stopped } : {};
}

/** Last rows of the runs that changed, by sweep, of sweeps with a limit. */
function changedRows(cluster: Cluster, changes: readonly Change[]): Map<SweepId, Map<RunId, RunStateRow>> {
  const rows = new Map<SweepId, Map<RunId, RunStateRow>>();
  for (const change of changes) {
    if (change.kind !== "run-changed") continue;
    const { row } = change;
    const sweep = cluster.sweeps.get(row.sweepId);
    if (!sweep || sweep.failuresMax === 0) continue;
    let changed = rows.get(sweep.id);
    if (!changed) {
      changed = new Map();
      rows.set(sweep.id, changed);
    }
    changed.set(row.runId, row);
  }
  return rows;
}

function lookAt(cluster: Cluster, sweep: Sweep, changed: ReadonlyMap<RunId, RunStateRow>, now: Now): Change[] {
  const failed = sweep.failed + [...changed.values()].filter(({ state }) => state === "failed").length;
  const limit = sweep.failuresMax;
  const stops = failed >= limit && sweep.stopped === "";
  const text = `its sweep was stopped: ${failed} of its runs failed ([limits] failures = ${limit})`;
  const stopped = stops ? text : sweep.stopped;
  const changes: Change[] = [];
  if (failed !== sweep.failed || stops) changes.push({ kind: "sweep-changed", sweepId: sweep.id, failed, stopped });
  if (stops) {
    const name = `${sweep.name}.${sweep.number}`;
    changes.push(history(now, "sweep-stopped", `${name}: ${failed} runs failed, the limit is ${limit}`));
  }
  if (stopped === "") return changes;
  // When it stops, all that waits; later only what has just come back.
  const candidates = stops ? [...cluster.runs.values()].filter((run) => run.sweepId === sweep.id).map(rowOfRun) : [];
  const rows = new Map([...candidates.map((row) => [row.runId, row] as const), ...changed]);
  for (const row of rows.values()) {
    if (isTerminal(row.state) || (row.state !== "queued" && row.state !== "held")) continue;
    const reason = row.reason === "" || row.paused ? stopped : `${row.reason}; ${stopped}`;
    changes.push({ kind: "run-changed", row: { ...row, ...CANCELLED, reason, finishedAt: now.wallMs } });
  }
  return changes;
}
