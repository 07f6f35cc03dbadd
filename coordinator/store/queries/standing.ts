/** A sweep as it stands, for the comparison with an edited file. */
import { type RunId, runId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { WITHDRAWN } from "../../core/reactor-apply.ts";
import type { StandingRun } from "../../reuse/sweep-difference.ts";
import type { Database } from "../database.ts";

export interface StandingSweep {
  readonly project: string;
  readonly description: string;
  readonly note: string;
  readonly tags: readonly string[];
  /** Sweeps that it waits for. */
  readonly after: readonly SweepId[];
  readonly priority: number;
  readonly parallel: number;
  readonly failuresMax: number;
  readonly gpuMsMax: number;
  /** Unix ms; 0: none. */
  readonly deadline: number;
  readonly target: number | undefined;
  readonly total: number;
  /** Template, resources, limits, retries and tags of each shape, as stored. */
  readonly shapes: readonly string[];
  /** By index. */
  readonly runs: readonly StandingRun<RunId>[];
}

export interface StandingQueries {
  get(id: SweepId): StandingSweep | undefined;
  paramsJson(id: RunId): string;
}

export function createStandingQueries(db: Database): StandingQueries {
  const sweep = db.prepare(`SELECT priority, parallel, failures_max, gpu_ms_max, deadline, objective_target, total,
      project, description, note, tags_json, after_json
    FROM sweeps WHERE sweep_id = ?`);
  const shapes = db.prepare(`SELECT template_json || resources_json || limits_json || retry_json || tags_json AS text
    FROM sweep_shapes WHERE sweep_id = ? ORDER BY number`);
  const runs = db.prepare(`SELECT r.run_id, r.fingerprint, r.shape, s.state, s.priority, s.reason
    FROM runs r JOIN run_states s ON s.run_id = r.run_id WHERE r.sweep_id = ? ORDER BY r.idx`);
  const params = db.prepare("SELECT params_json FROM runs WHERE run_id = ?");
  return {
    get(id) {
      const row = sweep.get(id) as unknown as SweepRow | undefined;
      if (!row) return undefined;
      return {
        project: row.project,
        description: row.description,
        note: row.note,
        tags: JSON.parse(row.tags_json) as string[],
        after: (JSON.parse(row.after_json) as string[]).map(sweepId),
        priority: row.priority,
        parallel: row.parallel,
        failuresMax: row.failures_max,
        gpuMsMax: row.gpu_ms_max,
        deadline: row.deadline,
        target: row.objective_target ?? undefined,
        total: row.total,
        shapes: (shapes.all(id) as { text: string }[]).map(({ text }) => text),
        runs: (runs.all(id) as unknown as RunRow[]).map((run) => ({
          id: runId(run.run_id),
          fingerprint: run.fingerprint,
          shape: run.shape,
          state: run.state,
          priority: run.priority,
          withdrawn: run.reason === WITHDRAWN,
        })),
      };
    },
    paramsJson: (id) => (params.get(id) as { params_json: string } | undefined)?.params_json ?? "{}",
  };
}

interface SweepRow {
  readonly project: string;
  readonly description: string;
  readonly note: string;
  readonly tags_json: string;
  readonly after_json: string;
  readonly priority: number;
  readonly parallel: number;
  readonly failures_max: number;
  readonly gpu_ms_max: number;
  readonly deadline: number;
  readonly objective_target: number | null;
  readonly total: number;
}

interface RunRow {
  readonly run_id: string;
  readonly fingerprint: string;
  readonly shape: number;
  readonly state: RunState;
  readonly priority: number;
  readonly reason: string;
}
