/** Whether a run is as good as the objective of its sweep asks for: `[objective] target`. */
import { type Fence, type SweepId, sweepId } from "../../shared/kernel/ids.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import type { Objective } from "../../shared/spec/types.ts";
import type { Database } from "./database.ts";
import { countedValue } from "./queries/best.ts";

export interface TargetReached {
  readonly sweepId: SweepId;
  /** In one line. */
  readonly why: string;
}

export interface Targets {
  /**
   * By the run of this attempt, all of whose output is stored; undefined where its sweep has no target, was stopped before, or
   * the run did not succeed.
   */
  reachedBy(fence: Fence): TargetReached | undefined;
}

export function createTargets(db: Database): Targets {
  const find = db.prepare(`SELECT w.sweep_id, w.name, w.number, r.idx, w.objective_metric AS metric,
    w.objective_goal AS goal, w.objective_reduce AS reduce, w.objective_target AS target, m.value, m.min, m.max
    FROM attempts a JOIN run_states s ON s.run_id = a.run_id JOIN runs r ON r.run_id = a.run_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN metric_lasts m ON m.fence = a.fence AND m.key = w.objective_metric
    WHERE a.fence = ? AND w.objective_target IS NOT NULL AND w.stopped = '' AND s.state = 'succeeded' AND s.fence = a.fence`);
  return {
    reachedBy(fence) {
      const row = find.get(fence) as unknown as TargetRow | undefined;
      if (!row) return undefined;
      const { metric, goal, target } = row;
      const counted = countedValue(row);
      const value = (counted === "last" ? undefined : row[counted]) ?? row.value;
      if (value === null || (goal === "maximize" ? value < target : value > target)) return undefined;
      const ref = runRef(sweepRef(row.name, row.number), row.idx);
      return { sweepId: sweepId(row.sweep_id), why: `${ref} has ${metric} = ${value}, the target is ${target}` };
    },
  };
}

interface TargetRow extends Objective {
  readonly sweep_id: string;
  readonly name: string;
  readonly number: number;
  readonly idx: number;
  readonly target: number;
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
}
