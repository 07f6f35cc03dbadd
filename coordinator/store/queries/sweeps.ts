/** Sweeps as people see them: what was submitted, and its runs by state. */
import type { SweepId } from "../../../shared/kernel/ids.ts";
import { sweepRef } from "../../../shared/run/names.ts";
import type { SweepSummary } from "../../../shared/run/records.ts";
import { RUN_STATES } from "../../../shared/run/states.ts";
import { sweepStateOf } from "../../../shared/run/views.ts";
import { USUAL_REPLICATES } from "../../../shared/spec/param-origins.ts";
import type { Reduce, Objective as SweepObjective } from "../../../shared/spec/types.ts";
import type { SweepIdentity } from "../../core/changes.ts";
import type { Database } from "../database.ts";
import { TERMINAL_LIST } from "../state-lists.ts";
import type { Selection } from "./refs.ts";

export interface Objective extends SweepObjective {
  readonly reduce: Reduce;
}

/** How the selected runs stand. */
export interface Progress {
  readonly total: number;
  /** States without runs are left out. */
  readonly counts: { readonly [state: string]: number };
  /** Terminal runs whose output is still on its way. */
  readonly catchingUp: number;
}

export interface SweepQueries {
  get(id: SweepId): SweepSummary | undefined;
  objective(id: SweepId): Objective | undefined;
  /** The file it was made from. */
  source(id: SweepId): { readonly path: string; readonly text: string };
  /** Of all its runs. */
  tags(id: SweepId): readonly string[];
  /** Names of the parameters by which replicates of a point differ. */
  replicates(id: SweepId): readonly string[];
  progress(selection: Selection): Progress;
  /** All runs ever, by state. Reads one index entry for each run: for rare use. */
  allCounts(): { [state: string]: number };
}

export function createSweepQueries(db: Database): SweepQueries {
  const one = db.prepare(`SELECT name, number, total, reused, created_at, objective_metric, objective_goal,
      objective_reduce
    FROM sweeps WHERE sweep_id = ?`);
  const source = db.prepare("SELECT source_path AS path, source_text AS text FROM sweeps WHERE sweep_id = ?");
  const tags = db.prepare("SELECT tags_json FROM sweeps WHERE sweep_id = ?");
  const identity = db.prepare("SELECT identity_json FROM sweep_identities WHERE sweep_id = ?");
  const counts = db.prepare("SELECT state, count(*) AS runs FROM run_states WHERE sweep_id = ? GROUP BY state");
  const picked = db.prepare(`SELECT s.state, count(*) AS runs FROM runs r JOIN run_states s ON s.run_id = r.run_id
    WHERE r.sweep_id = ? AND r.idx BETWEEN ? AND ? GROUP BY s.state`);
  // The condition repeats that of the partial index attempts_open, so that only open attempts are read.
  const open = db.prepare(`SELECT count(*) AS runs FROM attempts a
    JOIN run_states s ON s.run_id = a.run_id AND s.fence = a.fence
    JOIN runs r ON r.run_id = a.run_id
    WHERE (a.phase <> 'ended' OR a.sealed = 0) AND s.sweep_id = ? AND r.idx BETWEEN ? AND ?
      AND s.state IN (${TERMINAL_LIST})`);
  const all = db.prepare("SELECT state, count(*) AS runs FROM run_states GROUP BY state");

  const stagedCounts = db.prepare(`SELECT s.state, -count(*) AS runs FROM staged_sweeps w
    JOIN run_states s ON s.sweep_id = w.sweep_id GROUP BY s.state`);

  /** Runs whose sweep is not there yet count for nothing. */
  const staged = () => stagedCounts.all() as unknown as CountRow[];
  const rowOf = (id: SweepId) => one.get(id) as unknown as Row | undefined;

  return {
    get(id) {
      const row = rowOf(id);
      if (!row) return undefined;
      const byState = sumOf(counts.all(id) as unknown as CountRow[]);
      return {
        ref: sweepRef(row.name, row.number),
        name: row.name,
        state: sweepStateOf(byState),
        total: row.total,
        counts: byState,
        reused: row.reused,
        createdAt: row.created_at,
        objective: objectiveOf(row),
      };
    },

    objective(id) {
      const row = rowOf(id);
      return row && objectiveOf(row);
    },

    source: (id) => ({ path: "", text: "", ...(source.get(id) as { path: string; text: string } | undefined) }),

    tags: (id) => JSON.parse((tags.get(id) as { tags_json: string } | undefined)?.tags_json ?? "[]") as string[],

    replicates(id) {
      const row = identity.get(id) as { identity_json: string } | undefined;
      const { params } = row ? (JSON.parse(row.identity_json) as SweepIdentity) : {};
      return params?.replicates ?? USUAL_REPLICATES;
    },

    progress(selection) {
      const { sweepId, total, picks } = selection;
      const ranges = picks === "all" ? [{ from: 1, to: total }] : picks;
      const rows =
        picks === "all"
          ? counts.all(sweepId)
          : ranges.flatMap(({ from, to }) => picked.all(sweepId, from, to) as unknown[]);
      const byState = sumOf(rows as CountRow[]);
      let catchingUp = 0;
      for (const { from, to } of ranges) catchingUp += (open.get(sweepId, from, to) as { runs: number }).runs;
      return { total: Object.values(byState).reduce((sum, runs) => sum + runs, 0), counts: byState, catchingUp };
    },

    allCounts: () => sumOf([...(all.all() as unknown as CountRow[]), ...staged()]),
  };
}

interface Row {
  readonly name: string;
  readonly number: number;
  readonly total: number;
  readonly reused: number;
  readonly created_at: number;
  readonly objective_metric: string | null;
  readonly objective_goal: string | null;
  readonly objective_reduce: Reduce;
}

interface CountRow {
  readonly state: string;
  readonly runs: number;
}

/** Sums by state, in the order in which states are listed. */
function sumOf(rows: readonly CountRow[]): { [state: string]: number } {
  const sums: { [state: string]: number } = {};
  for (const state of RUN_STATES) {
    for (const row of rows) if (row.state === state) sums[state] = (sums[state] ?? 0) + row.runs;
  }
  return sums;
}

function objectiveOf(row: Row): Objective | undefined {
  if (row.objective_metric === null) return undefined;
  const goal = row.objective_goal === "minimize" ? "minimize" : "maximize";
  return { metric: row.objective_metric, goal, reduce: row.objective_reduce };
}
