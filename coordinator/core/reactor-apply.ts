/**
 * Apply: a live sweep takes on an edited file. Points that are new become runs behind the others, queued runs whose point is
 * gone are withdrawn, and those that stay take on the new settings. What runs is never touched.
 */
import type { RunId } from "../../shared/kernel/ids.ts";
import type { RunShape } from "../../shared/spec/types.ts";
import type { Change, RunRow, SweepRecord } from "./changes.ts";
import type { Cluster, Sweep } from "./cluster.ts";
import { coreShape } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { NewRun, Now } from "./events.ts";
import { decideRun, history, runChanged } from "./reactor-runs.ts";

/** Why a run was cancelled that its file no longer has. */
export const WITHDRAWN = "withdrawn by apply";

/** What the file says of the sweep as a whole. */
export type AppliedSettings = Pick<
  SweepRecord,
  | "project"
  | "description"
  | "note"
  | "tags"
  | "priority"
  | "parallel"
  | "failuresMax"
  | "gpuMsMax"
  | "deadline"
  | "objective"
  | "hold"
  | "sourcePath"
  | "sourceText"
  | "identity"
  | "codeManifest"
  | "notify"
  | "stop"
> & {
  /** Runs of the sweep with the new ones. */
  readonly total: number;
  /** When the new runs were made; Unix ms. */
  readonly at: number;
  /** Shapes that the sweep does not have yet: they get the next numbers. */
  readonly shapes: readonly RunShape[];
};

export interface ApplyEvent {
  readonly kind: "apply";
  /** As the store has it. */
  readonly sweep: Sweep;
  readonly settings: AppliedSettings;
  readonly runs: readonly NewRun[];
  readonly withdrawn: readonly RunId[];
  /** Runs whose shape is another one now. */
  readonly reshaped: readonly Reshaped[];
  readonly priorities: readonly { readonly runId: RunId; readonly priority: number }[];
}

export interface Reshaped {
  readonly runId: RunId;
  readonly shape: number;
}

export interface SweepExtended {
  readonly kind: "sweep-extended";
  /** As it is afterwards. */
  readonly sweep: Sweep;
  readonly settings: AppliedSettings;
  readonly runs: readonly RunRow[];
  readonly reshaped: readonly Reshaped[];
}

export function onApply(cluster: Cluster, event: ApplyEvent, now: Now): Reaction {
  const before = cluster.sweeps.get(event.sweep.id) ?? event.sweep;
  const { settings } = event;
  const { parallel, failuresMax, gpuMsMax, deadline, hold } = settings;
  const runs = event.runs.map((run): RunRow => {
    const { imported: _, ...row } = run;
    return { ...row, ...decideRun(cluster, run, { shares: before.shares, hold }) };
  });
  const shapes = [...before.shapes, ...settings.shapes.map(coreShape)];
  const opened = runs.length > 0 ? { failed: 0, stopped: "" } : {};
  const sweep: Sweep = { ...before, ...opened, shapes, parallel, failuresMax, gpuMsMax, deadline };
  const isWaiting = (id: RunId): boolean => ["queued", "held"].includes(cluster.runs.get(id)?.state ?? "");
  const reshaped = event.reshaped.filter(({ runId }) => isWaiting(runId));
  const changes: Change[] = [{ kind: "sweep-extended", sweep, settings, runs, reshaped }];
  for (const id of event.withdrawn) {
    const run = cluster.runs.get(id);
    if (!run || !isWaiting(id)) continue;
    const gone = { state: "cancelled", reason: WITHDRAWN, waitsFor: undefined, finishedAt: now.wallMs } as const;
    changes.push(runChanged(run, gone), history(now, "cancelled", WITHDRAWN, run));
  }
  for (const { runId, priority } of event.priorities) {
    const run = cluster.runs.get(runId);
    if (run && isWaiting(runId)) changes.push(runChanged(run, { priority }));
  }
  const text = `${sweep.name}.${sweep.number}: ${runs.length} runs added, ${event.withdrawn.length} withdrawn`;
  changes.push(history(now, "applied", text));
  return { changes, commands: [] };
}
