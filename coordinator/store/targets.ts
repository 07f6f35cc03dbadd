/** Whether a run is as good as the objective of its sweep asks for: `[objective] target`. */
import { type Fence, type RunId, type SweepId, sweepId } from "../../shared/kernel/ids.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import type { Objective } from "../../shared/spec/types.ts";
import type { Database } from "./database.ts";
import { countedValue } from "./queries/best.ts";

export interface TargetReached {
  readonly sweepId: SweepId;
  /** In one line. */
  readonly why: string;
  readonly from: string;
}

/** A run that is as good as its sweep asks for. */
export interface TargetRun {
  readonly run: string;
  readonly metric: string;
  readonly value: number;
  readonly target: number;
}

export interface Targets {
  /**
   * By the run of this attempt, all of whose output is stored; undefined where its sweep has no target, was stopped before, or
   * the run did not succeed.
   */
  reachedBy(fence: Fence): TargetReached | undefined;
  /** The run, where it is the one by which its sweep was stopped. */
  stoppedBy(id: RunId): TargetRun | undefined;
}

export function createTargets(db: Database): Targets {
  const select = `SELECT w.sweep_id, w.name, w.number, w.stopped, r.idx, w.objective_metric AS metric,
    w.objective_goal AS goal, w.objective_reduce AS reduce, w.objective_target AS target, m.value, m.min, m.max
    FROM attempts a JOIN run_states s ON s.run_id = a.run_id JOIN runs r ON r.run_id = a.run_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN metric_lasts m ON m.fence = a.fence AND m.key = w.objective_metric
    WHERE w.objective_target IS NOT NULL AND s.state = 'succeeded' AND s.fence = a.fence`;
  const find = db.prepare(`${select} AND a.fence = ? AND w.stopped = ''`);
  const ofRun = db.prepare(`${select} AND a.run_id = ? AND w.stopped <> ''`);
  return {
    reachedBy(fence) {
      const row = find.get(fence) as unknown as TargetRow | undefined;
      const reached = row && targetRun(row);
      return reached && { sweepId: sweepId(row.sweep_id), why: whyText(reached), from: "[objective] target" };
    },
    stoppedBy(id) {
      const row = ofRun.get(id) as unknown as TargetRow | undefined;
      const reached = row && targetRun(row);
      return reached && row.stopped.includes(whyText(reached)) ? reached : undefined;
    },
  };
}

/** Undefined where the run is not as good. */
function targetRun(row: TargetRow): TargetRun | undefined {
  const { metric, goal, target } = row;
  const counted = countedValue(row);
  const value = (counted === "last" ? undefined : row[counted]) ?? row.value;
  if (value === null || (goal === "maximize" ? value < target : value > target)) return undefined;
  return { run: runRef(sweepRef(row.name, row.number), row.idx), metric, value, target };
}

function whyText({ run, metric, value, target }: TargetRun): string {
  return `${run} has ${metric} = ${value}, the target is ${target}`;
}

interface TargetRow extends Objective {
  readonly sweep_id: string;
  readonly name: string;
  readonly number: number;
  readonly stopped: string;
  readonly idx: number;
  readonly target: number;
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
}
