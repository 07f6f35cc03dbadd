/** Work that was done elsewhere and is taken over: terminal from the start, with an attempt that stands for what ran there. */
import { type Fence, fence as makeFence, type RunId, type SweepId } from "../../shared/kernel/ids.ts";
import type { RunShape } from "../../shared/spec/types.ts";
import type { Change, SweepRecord } from "./changes.ts";
import type { Cluster } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { NewSweep, Now } from "./events.ts";

/** Where attempts ran that no agent of ours has run. No node can be called so. */
export const IMPORTED_NODE = "(imported)";

export interface NewImportedRun {
  readonly id: RunId;
  /** From 1 within its sweep. */
  readonly index: number;
  /** Index into the shapes of the sweep, those of earlier imports included. */
  readonly shape: number;
  readonly fingerprint: string;
  readonly paramsJson: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly metrics: readonly {
    readonly key: string;
    readonly value: number;
    readonly step?: number | undefined;
    readonly count: number;
  }[];
  /** What it is looked up by; undefined: it counts for nothing. */
  readonly key: string | undefined;
  /** Its configuration, where configurations are compared; else empty. */
  readonly comparedText: string;
  /** Equal for the same run imported again. */
  readonly origin: string;
  /** Where it lies, on the host from which it was imported. */
  readonly directory: string;
  /** Its points come after it. */
  readonly pointsFollow?: boolean;
}

export interface ImportedRunRow extends NewImportedRun {
  readonly fence: Fence;
}

export interface ImportEvent {
  readonly kind: "import";
  /** Taken where the sweep is new. */
  readonly sweep: NewSweep;
  readonly number: number;
  /** Id of the sweep that earlier runs of the same root are in. */
  readonly into: SweepId | undefined;
  /** Of the runs, beyond those that the sweep has already. */
  readonly shapes: readonly { readonly number: number; readonly shape: RunShape }[];
  readonly runs: readonly NewImportedRun[];
}

export interface ImportedChange {
  readonly kind: "runs-imported";
  /** Undefined: the sweep is there already. */
  readonly sweep: SweepRecord | undefined;
  readonly sweepId: SweepId;
  readonly shapes: readonly { readonly number: number; readonly shape: RunShape }[];
  readonly runs: readonly ImportedRunRow[];
}

export function onImport(cluster: Cluster, event: ImportEvent, now: Now): Reaction {
  const isNew = event.into === undefined;
  const { sweep, number } = event;
  const record = { ...sweep, seq: cluster.nextSweepSeq, number, reused: 0, failed: 0, stopped: "", gpuMs: 0 };
  const change: ImportedChange = {
    kind: "runs-imported",
    sweep: isNew ? record : undefined,
    sweepId: event.into ?? event.sweep.id,
    shapes: event.shapes,
    runs: event.runs.map((run, i) => ({ ...run, fence: makeFence(cluster.nextFence + i) })),
  };
  const text = `${event.sweep.name}.${event.number}: ${event.runs.length} runs from ${event.sweep.sourcePath}`;
  const note: Change = { kind: "history", at: now.wallMs, what: "imported", runId: undefined, node: undefined, text };
  return { changes: [change, note], commands: [] };
}

/** Imported runs are never live: memory only has to know which numbers are taken. */
export function applyImported(cluster: Cluster, change: ImportedChange): void {
  if (change.sweep) cluster.nextSweepSeq = change.sweep.seq + 1;
  for (const run of change.runs) cluster.nextFence = Math.max(cluster.nextFence, run.fence + 1);
}
