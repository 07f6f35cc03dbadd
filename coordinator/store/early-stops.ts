/** What `[stop]` of their sweeps says of running attempts, and how runs stood at the rungs that they came to. */
import { type Fence, type RunId, runId, type SweepId, sweepId, fence as toFence } from "../../shared/kernel/ids.ts";
import type { Objective, Reduce, StopSettings } from "../../shared/spec/types.ts";
import type { RungValue } from "../core/early-stop.ts";
import type { Database } from "./database.ts";
import { countedValue } from "./queries/best.ts";

/** An attempt of a sweep with such rules. */
export interface StoppableAttempt {
  readonly fence: Fence;
  readonly runId: RunId;
  readonly sweepId: SweepId;
  readonly rules: StopSettings;
  /** "assigned": its output was here before the word that it runs. "succeeded": others are compared with it. */
  readonly state: "assigned" | "running" | "succeeded";
  readonly goal: Objective["goal"] | undefined;
  /** The last step that it said of any metric; undefined: it has said none. */
  readonly step: number | undefined;
  /** Undefined: it has not said its objective yet. */
  readonly objective: { readonly step: number; readonly value: RungValue } | undefined;
}

export interface SweepCondition {
  readonly sweepId: SweepId;
  readonly when: string;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
}

export interface EarlyStops {
  /** Whether any sweep has rules at all. */
  any(): boolean;
  /** Those that run now. */
  running(): Fence[];
  /** Undefined where its sweep has no rules, and where it is neither about to run, running, nor has succeeded. */
  attempt(of: Fence): StoppableAttempt | undefined;
  /** Rungs that the attempt has come to, with those of the run before. */
  rungsOf(of: StoppableAttempt): number;
  /** Notes how the run stands at a rung; what an earlier attempt of it was there counts no more. */
  noteRung(of: StoppableAttempt, rung: number, value: RungValue): void;
  /** How the run stands at a rung, and those who came to it before. */
  atRung(of: StoppableAttempt, rung: number): { readonly own: RungValue; readonly earlier: RungValue[] } | undefined;
  /** Sweeps with `[stop] sweep_when` that still have something to do. */
  sweeps(): SweepCondition[];
}

export function createEarlyStops(db: Database): EarlyStops {
  const anyRules = db.prepare("SELECT 1 FROM sweep_stops LIMIT 1");
  const runningFences = db.prepare(`SELECT a.fence FROM sweep_stops t
    CROSS JOIN run_states s ON s.sweep_id = t.sweep_id JOIN attempts a ON a.fence = s.fence WHERE s.state = 'running'`);
  const find = db.prepare(`SELECT a.fence, r.run_id, w.sweep_id, t.rules_json, w.objective_metric AS metric,
      w.objective_goal AS goal, w.objective_reduce AS reduce, s.state
    FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweep_stops t ON t.sweep_id = r.sweep_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id JOIN run_states s ON s.run_id = a.run_id
    WHERE a.fence = ? AND s.fence = a.fence AND s.state IN ('assigned', 'running', 'succeeded') AND s.cancel_requested = 0`);
  const lastStep = db.prepare("SELECT max(step) AS step FROM metric_lasts WHERE fence = ?");
  const last = db.prepare("SELECT value, step, count, min, max FROM metric_lasts WHERE fence = ? AND key = ?");
  const rungs = db.prepare(
    "SELECT coalesce(max(rung) + 1, 0) AS n FROM rung_values WHERE sweep_id = ? AND run_id = ? AND fence = ?",
  );
  const note = db.prepare(
    "INSERT OR REPLACE INTO rung_values (sweep_id, rung, run_id, fence, value) VALUES (?, ?, ?, ?, ?)",
  );
  const own = db.prepare("SELECT id, value FROM rung_values WHERE sweep_id = ? AND rung = ? AND run_id = ?");
  const earlier = db.prepare("SELECT value FROM rung_values WHERE sweep_id = ? AND rung = ? AND id < ?");
  const conditions = db.prepare(`SELECT t.sweep_id, t.rules_json, w.total FROM sweep_stops t
    JOIN sweeps w ON w.sweep_id = t.sweep_id WHERE w.stopped = '' AND t.rules_json ->> '$.sweepWhen' IS NOT NULL
    AND EXISTS (SELECT 1 FROM run_states s WHERE s.sweep_id = t.sweep_id AND s.state IN ('queued', 'held'))`);
  const states = db.prepare("SELECT state, count(*) AS n FROM run_states WHERE sweep_id = ? GROUP BY state");

  function objectiveOf(of: number, row: AttemptRow): StoppableAttempt["objective"] {
    const { metric, goal, reduce } = row;
    if (metric === null || goal === null) return undefined;
    const found = last.get(of, metric) as unknown as LastRow | undefined;
    if (!found) return undefined;
    const counted = countedValue({ goal, reduce });
    // What is no number any more is worse than what it was before.
    const value = found.value === null ? null : counted === "last" ? found.value : (found[counted] ?? found.value);
    return { step: found.step ?? found.count, value: value ?? undefined };
  }

  return {
    any: () => anyRules.get() !== undefined,
    running: () => (runningFences.all() as unknown as { fence: number }[]).map(({ fence }) => toFence(fence)),
    attempt(of) {
      const row = find.get(of) as unknown as AttemptRow | undefined;
      if (!row) return undefined;
      const { step } = lastStep.get(of) as unknown as { step: number | null };
      return {
        fence: of,
        runId: runId(row.run_id),
        sweepId: sweepId(row.sweep_id),
        rules: JSON.parse(row.rules_json) as StopSettings,
        state: row.state,
        goal: row.goal ?? undefined,
        step: step ?? undefined,
        objective: objectiveOf(of, row),
      };
    },
    rungsOf: (of) => (rungs.get(of.sweepId, of.runId, of.fence) as unknown as { n: number }).n,
    noteRung: (of, rung, value) => void note.run(of.sweepId, rung, of.runId, of.fence, value ?? null),
    atRung(of, rung) {
      const row = own.get(of.sweepId, rung, of.runId) as unknown as { id: number; value: number | null } | undefined;
      if (!row) return undefined;
      const before = earlier.all(of.sweepId, rung, row.id) as unknown as { value: number | null }[];
      return { own: row.value ?? undefined, earlier: before.map(({ value }) => value ?? undefined) };
    },
    sweeps: () =>
      (conditions.all() as unknown as ConditionRow[]).map((row) => ({
        sweepId: sweepId(row.sweep_id),
        when: (JSON.parse(row.rules_json) as StopSettings).sweepWhen ?? "",
        total: row.total,
        counts: Object.fromEntries(
          (states.all(row.sweep_id) as unknown as { state: string; n: number }[]).map(({ state, n }) => [state, n]),
        ),
      })),
  };
}

interface AttemptRow {
  readonly reduce: Reduce;
  readonly run_id: string;
  readonly sweep_id: string;
  readonly rules_json: string;
  readonly state: StoppableAttempt["state"];
  readonly metric: string | null;
  readonly goal: Objective["goal"] | null;
}

interface LastRow {
  readonly value: number | null;
  readonly step: number | null;
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
}

interface ConditionRow {
  readonly sweep_id: string;
  readonly rules_json: string;
  readonly total: number;
}
