/** How a sweep stands, for messages about it. */
import { required } from "../../shared/kernel/assert.ts";
import type { RunId, SweepId } from "../../shared/kernel/ids.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import type { RunState } from "../../shared/run/states.ts";
import type { Objective } from "../../shared/spec/types.ts";
import type { Database } from "./database.ts";
import type { BestQueries } from "./queries/best.ts";
import { LIVE_LIST } from "./state-lists.ts";

export interface BestRun {
  readonly run: string;
  readonly metric: string;
  readonly value: number;
}

export interface FailedRun {
  readonly run: string;
  readonly reason: string;
}

export interface FinishedSweep {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  /** Succeeded ones that were not run again. */
  readonly reused: number;
  readonly tookMs: number;
  /** Why it was stopped; empty while it was not. */
  readonly stopped: string;
  readonly best: BestRun | undefined;
}

export interface SweepEnd {
  readonly finished: FinishedSweep;
  /** When the last of its runs ended; Unix ms. */
  readonly atMs: number;
  /** All output of its runs is here. */
  readonly isStored: boolean;
}

export interface SweepStanding {
  isLive(id: SweepId): boolean;
  names(id: SweepId): { readonly sweep: string; readonly project: string };
  total(id: SweepId): number;
  failedRun(id: RunId): FailedRun;
  /** Undefined without an objective, or where no run that succeeded has a value. */
  best(id: SweepId): BestRun | undefined;
  /** Undefined while it has live runs. */
  end(id: SweepId): SweepEnd | undefined;
}

export function createSweepStanding(db: Database, best: Pick<BestQueries, "rank">): SweepStanding {
  const oneLive = db.prepare(`SELECT 1 FROM run_states WHERE sweep_id = ? AND state IN (${LIVE_LIST}) LIMIT 1`);
  const sweep = db.prepare(`SELECT seq, name, number, project, total, created_at, stopped, reused, objective_metric,
    objective_goal, objective_reduce FROM sweeps WHERE sweep_id = ?`);
  const run = db.prepare(`SELECT w.name, w.number, r.idx, s.reason FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN run_states s ON s.run_id = r.run_id WHERE r.run_id = ?`);
  const states = db.prepare(
    "SELECT state, count(*) AS n, max(finished_at) AS at FROM run_states WHERE sweep_id = ? GROUP BY state",
  );
  const unstored = db.prepare(`SELECT 1 FROM attempts a JOIN runs r ON r.run_id = a.run_id
    WHERE (a.phase <> 'ended' OR a.sealed = 0) AND r.sweep_id = ? LIMIT 1`);
  const rowOf = (id: SweepId) => required(sweep.get(id) as unknown as SweepRow | undefined, `sweep ${id}`);
  const refOf = (id: RunId) => {
    const row = required(run.get(id) as unknown as RunRow | undefined, `run ${id}`);
    return { run: runRef(sweepRef(row.name, row.number), row.idx), reason: row.reason };
  };
  const isLive = (id: SweepId) => oneLive.get(id) !== undefined;
  const bestOf = (id: SweepId): BestRun | undefined => {
    const row = rowOf(id);
    if (row.objective_metric === null || row.objective_goal === null) return undefined;
    const objective: Objective = {
      metric: row.objective_metric,
      goal: row.objective_goal,
      reduce: row.objective_reduce,
    };
    const ref = sweepRef(row.name, row.number);
    const [first] = best.rank({ sweepId: id, seq: row.seq, ref, total: row.total, picks: "all" }, objective, 1);
    return first && { run: refOf(first.runId).run, metric: objective.metric, value: first.value };
  };
  return {
    isLive,
    names(id) {
      const { name, number, project } = rowOf(id);
      return { sweep: sweepRef(name, number), project };
    },
    total: (id) => rowOf(id).total,
    failedRun: refOf,
    best: bestOf,
    end(id) {
      if (isLive(id)) return undefined;
      const rows = states.all(id) as unknown as { state: RunState; n: number; at: number | null }[];
      const count = (state: RunState) => rows.find((row) => row.state === state)?.n ?? 0;
      const row = rowOf(id);
      const atMs = Math.max(row.created_at, ...rows.map(({ at }) => at ?? 0));
      return {
        finished: {
          succeeded: count("succeeded"),
          failed: count("failed"),
          cancelled: count("cancelled"),
          skipped: count("skipped"),
          reused: row.reused,
          tookMs: atMs - row.created_at,
          stopped: row.stopped,
          best: bestOf(id),
        },
        atMs,
        isStored: unstored.get(id) === undefined,
      };
    },
  };
}

interface SweepRow {
  readonly seq: number;
  readonly name: string;
  readonly number: number;
  readonly project: string;
  readonly total: number;
  readonly created_at: number;
  readonly stopped: string;
  readonly reused: number;
  readonly objective_metric: string | null;
  readonly objective_goal: Objective["goal"] | null;
  readonly objective_reduce: NonNullable<Objective["reduce"]>;
}

interface RunRow {
  readonly name: string;
  readonly number: number;
  readonly idx: number;
  readonly reason: string;
}
