/** The leaderboard: succeeded runs by the last value of one metric. */
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { Database } from "../database.ts";
import type { Selection } from "./refs.ts";

export interface Ranked {
  readonly runId: RunId;
  readonly value: number;
  /** From 1; equal values share a rank. */
  readonly rank: number;
}

export interface BestQueries {
  /** The best first; equal values by position. Values that are no finite number are left out. */
  rank(selection: Selection, metric: string, goal: "maximize" | "minimize", limit: number): Ranked[];
  /** Names of the metrics that the succeeded runs logged. */
  metricNames(selection: Selection): string[];
}

export function createBestQueries(db: Database): BestQueries {
  // A reused run stands with the numbers of the run it came from.
  const from = `FROM run_states s
    JOIN runs r ON r.run_id = s.run_id
    LEFT JOIN run_states o ON o.run_id = r.reused_from
    JOIN metric_lasts m ON m.fence = coalesce(o.fence, s.fence)`;
  const where = "s.sweep_id = ? AND s.state = 'succeeded' AND r.idx BETWEEN ? AND ?";
  const ranked = (order: string) =>
    db.prepare(`SELECT r.run_id, r.idx, m.value ${from}
      WHERE ${where} AND m.key = ? AND m.value IS NOT NULL ORDER BY m.value ${order}, r.idx LIMIT ?`);
  const statements = { maximize: ranked("DESC"), minimize: ranked("ASC") };
  const names = db.prepare(`SELECT DISTINCT m.key ${from} WHERE ${where} ORDER BY m.key`);

  return {
    rank(selection, metric, goal, limit) {
      const rows = rangesOf(selection).flatMap(
        ({ from, to }) =>
          statements[goal].all(selection.sweepId, from, to, metric, limit) as unknown as {
            run_id: string;
            idx: number;
            value: number;
          }[],
      );
      const sign = goal === "maximize" ? -1 : 1;
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

function rangesOf(selection: Selection): readonly { from: number; to: number }[] {
  return selection.picks === "all" ? [{ from: 1, to: selection.total }] : selection.picks;
}
