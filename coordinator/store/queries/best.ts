/** What a leaderboard is made of: the runs of a sweep with what is known of one metric. */
import { SYSTEM_PREFIX } from "../../../shared/capture/options.ts";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { RunState } from "../../../shared/run/states.ts";
import type { Objective } from "../../../shared/spec/types.ts";
import type { Database } from "../database.ts";
import type { Selection } from "./refs.ts";

export interface Scored {
  readonly runId: RunId;
  /** Position in the sweep. */
  readonly index: number;
  readonly state: RunState;
  readonly paramsJson: string;
  /** What counts of its values; undefined where it logged none that is finite. */
  readonly value: number | undefined;
  /** True where the last value stands for a bound that is not known, as of imported runs. */
  readonly lastOnly: boolean;
}

export interface Ranked {
  readonly runId: RunId;
  readonly value: number;
  /** From 1; equal values share a rank. */
  readonly rank: number;
}

export interface BestQueries {
  /** Every selected run whatever its state, by position, in portions. */
  scores(selection: Selection, objective: Objective): Iterable<Scored[]>;
  /** Succeeded runs, the best first; equal values by position. Values that are no finite number are left out. */
  rank(selection: Selection, objective: Objective, limit: number): Ranked[];
  /** Names of the metrics that the succeeded runs logged; not those of the host. */
  metricNames(selection: Selection): string[];
}

const PORTION = 5_000;

export function createBestQueries(db: Database): BestQueries {
  // A reused run stands with the numbers of the run it came from.
  const origin = "LEFT JOIN run_states o ON o.run_id = r.reused_from";
  const score = db.prepare(`SELECT r.run_id, r.idx, s.state, r.params_json, m.value, m.min, m.max
    FROM runs r JOIN run_states s ON s.run_id = r.run_id ${origin}
    LEFT JOIN metric_lasts m ON m.fence = coalesce(o.fence, s.fence) AND m.key = ?
    WHERE r.sweep_id = ? AND r.idx BETWEEN ? AND ? ORDER BY r.idx LIMIT ${PORTION}`);
  const from = `FROM run_states s
    JOIN runs r ON r.run_id = s.run_id ${origin}
    JOIN metric_lasts m ON m.fence = coalesce(o.fence, s.fence)`;
  const where = "s.sweep_id = ? AND s.state = 'succeeded' AND r.idx BETWEEN ? AND ?";
  const ranked = (value: string, order: string) =>
    db.prepare(`SELECT r.run_id, r.idx, ${value} AS value ${from}
      WHERE ${where} AND m.key = ? AND ${value} IS NOT NULL ORDER BY ${value} ${order}, r.idx LIMIT ?`);
  const rankedBy = (value: string) => ({ maximize: ranked(value, "DESC"), minimize: ranked(value, "ASC") });
  const statements = {
    last: rankedBy("m.value"),
    min: rankedBy("coalesce(m.min, m.value)"),
    max: rankedBy("coalesce(m.max, m.value)"),
  };
  const names = db.prepare(
    `SELECT DISTINCT m.key ${from} WHERE ${where} AND m.key NOT GLOB '${SYSTEM_PREFIX}*' ORDER BY m.key`,
  );

  return {
    *scores(selection, objective) {
      const counted = countedValue(objective);
      for (const range of rangesOf(selection)) {
        for (let next = range.from; next <= range.to; ) {
          const rows = score.all(objective.metric, selection.sweepId, next, range.to) as unknown as ScoreRow[];
          const last = rows.at(-1);
          if (!last) break;
          yield rows.map((row) => scoredOf(row, counted));
          next = last.idx + 1;
        }
      }
    },

    rank(selection, objective, limit) {
      const statement = statements[countedValue(objective)][objective.goal];
      const rows = rangesOf(selection).flatMap(
        ({ from, to }) =>
          statement.all(selection.sweepId, from, to, objective.metric, limit) as unknown as {
            run_id: string;
            idx: number;
            value: number;
          }[],
      );
      const sign = objective.goal === "maximize" ? -1 : 1;
      rows.sort((a, b) => sign * (a.value - b.value) || a.idx - b.idx);
      const result: Ranked[] = [];
      for (const [i, row] of rows.slice(0, limit).entries()) {
        const previous = result.at(-1);
        const rank = previous?.value === row.value ? previous.rank : i + 1;
        result.push({ runId: runId(row.run_id), value: row.value, rank });
      }
      return result;
    },

    metricNames(selection) {
      const keys = rangesOf(selection).flatMap(({ from, to }) =>
        (names.all(selection.sweepId, from, to) as unknown as { key: string }[]).map(({ key }) => key),
      );
      return [...new Set(keys)].sort();
    },
  };
}

interface ScoreRow {
  readonly run_id: string;
  readonly idx: number;
  readonly state: RunState;
  readonly params_json: string;
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

/** "best" is the bound that the goal looks for. */
export function countedValue({ goal, reduce = "best" }: Pick<Objective, "goal" | "reduce">): "last" | "min" | "max" {
  if (reduce !== "best") return reduce;
  return goal === "maximize" ? "max" : "min";
}

function scoredOf(row: ScoreRow, counted: "last" | "min" | "max"): Scored {
  const bound = counted === "last" ? row.value : row[counted];
  return {
    runId: runId(row.run_id),
    index: row.idx,
    state: row.state,
    paramsJson: row.params_json,
    value: bound ?? row.value ?? undefined,
    lastOnly: bound === null && row.value !== null,
  };
}

function rangesOf(selection: Selection): readonly { from: number; to: number }[] {
  return selection.picks === "all" ? [{ from: 1, to: selection.total }] : selection.picks;
}
