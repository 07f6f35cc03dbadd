/**
 * Runs as people see them. Ids are selected first, cheaply and in order, and made whole by primary key in small portions:
 * so a listing of any length costs the event loop no more than one portion at a time.
 */
import { SYSTEM_PREFIX } from "../../../shared/capture/options.ts";
import { type RunId, runId, type SweepId } from "../../../shared/kernel/ids.ts";
import { runRef, sweepRef } from "../../../shared/run/names.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { describeOutcome, exitCodeOf, isTerminal, type Outcome, type RunState } from "../../../shared/run/states.ts";
import type { Database } from "../database.ts";
import { OUTCOME_OF_ALL_RANKS } from "../gang-outcome.ts";
import type { Selection } from "./refs.ts";

export interface RunFilter {
  /** Empty: any. */
  readonly states: readonly RunState[];
  readonly order: "asc" | "desc";
  /** Positions outside of these bounds are left out; both ends are included. */
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
}

/** A run's shape as it is stored, each part as JSON. */
export interface StoredShape {
  readonly templateJson: string;
  readonly resourcesJson: string;
  readonly limitsJson: string;
  readonly retryJson: string;
}

export interface RunQueries {
  /** Ids of the selected runs of one sweep by position. */
  ids(selection: Selection, filter: RunFilter): RunId[];
  /**
   * Undefined where there is none. `resultsDir` is left empty: the store does not know directories. The metrics of the host
   * (`sys/…`) are among its metrics only here, and only `withHost`: tables of runs are about what the programs say.
   */
  get(id: RunId, withHost?: boolean): RunRecord | undefined;
  /** As `get`, for many at a cost of two queries: those that there are, in the order of `ids`. */
  getMany(ids: readonly RunId[]): RunRecord[];
  /** As `getMany` for every run of a sweep, by position: the cheapest way to all of them. */
  ofSweep(id: SweepId): RunRecord[];
  /** What it is besides parameters, as JSON; undefined where there is none. */
  shape(id: RunId): StoredShape | undefined;
  /** State of one run; undefined where there is none. */
  state(id: RunId): RunState | undefined;
  /** The attempt whose output stands for the run: of the run itself, or of the one it was reused from. */
  outputRun(id: RunId): RunId;
}

export function createRunQueries(db: Database): RunQueries {
  const plain = (order: string) =>
    db.prepare(`SELECT run_id FROM runs WHERE sweep_id = ? AND idx BETWEEN ? AND ? ORDER BY idx ${order} LIMIT ?`);
  // CROSS JOIN keeps the narrow index first: the cost follows the matches, not the size of the sweep.
  const byState = (order: string) =>
    db.prepare(`SELECT r.run_id FROM run_states s CROSS JOIN runs r ON r.run_id = s.run_id
      WHERE s.sweep_id = ? AND r.idx BETWEEN ? AND ? AND s.state IN (SELECT value FROM json_each(?))
      ORDER BY r.idx ${order} LIMIT ?`);
  const statements = {
    asc: { plain: plain("ASC"), byState: byState("ASC") },
    desc: { plain: plain("DESC"), byState: byState("DESC") },
  };
  const columns = `
    SELECT r.run_id, r.idx, r.params_json, r.created_at, r.reused_from, w.name, w.number AS sweep_number,
      s.state, s.reason, s.priority, s.attempt, s.fence, s.finished_at,
      a.node, a.devices_json, a.phase, a.started_at, ${OUTCOME_OF_ALL_RANKS} AS outcome_json,
      CASE WHEN a.gang_first IS NULL THEN a.sealed
        ELSE (SELECT min(g.sealed) FROM attempts g WHERE g.gang_first = a.fence) END AS sealed, p.at AS pruned_at
    FROM runs r
    JOIN run_states s ON s.run_id = r.run_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id
    LEFT JOIN attempts a ON a.fence = s.fence
    LEFT JOIN pruned_runs p ON p.run_id = r.run_id AND p.fence = coalesce(s.fence, 0)`;
  const one = db.prepare(`${columns} WHERE r.run_id = ?`);
  const many = db.prepare(`${columns} WHERE r.run_id IN (SELECT value FROM json_each(?))`);
  const whole = db.prepare(`${columns} WHERE r.sweep_id = ? ORDER BY r.idx`);
  // One object for each row and column costs more than all the rest.
  whole.setReturnArrays(true);
  const wholeLasts = db.prepare(`SELECT m.fence, m.key, m.value, m.text FROM run_states s
    JOIN runs r ON r.run_id = s.run_id
    LEFT JOIN run_states o ON o.run_id = r.reused_from
    JOIN metric_lasts m ON m.fence = coalesce(o.fence, s.fence)
    WHERE s.sweep_id = ? AND m.key NOT GLOB '${SYSTEM_PREFIX}*'`);
  wholeLasts.setReturnArrays(true);
  const allLasts = db.prepare(`SELECT fence, key, value, text FROM metric_lasts
    WHERE fence IN (SELECT value FROM json_each(?))`);
  const lasts = db.prepare(`SELECT fence, key, value, text FROM metric_lasts
    WHERE fence IN (SELECT value FROM json_each(?)) AND key NOT GLOB '${SYSTEM_PREFIX}*'`);
  const source = db.prepare(`
    SELECT w.name, w.number, r.idx, s.fence FROM runs r
    JOIN run_states s ON s.run_id = r.run_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id
    WHERE r.run_id = ?`);
  const shapeOf = db.prepare(`SELECT h.template_json AS templateJson, h.resources_json AS resourcesJson,
      h.limits_json AS limitsJson, h.retry_json AS retryJson
    FROM runs r JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape WHERE r.run_id = ?`);
  const stateOf = db.prepare("SELECT state FROM run_states WHERE run_id = ?");
  const reusedFrom = db.prepare("SELECT reused_from FROM runs WHERE run_id = ?");

  /** Last values by fence, as entries: a metric may bear any name. */
  function metricsOf(fences: readonly number[], from = lasts): Map<number, [key: string, value: number][]> {
    const found = new Map<number, [string, number][]>();
    if (fences.length === 0) return found;
    for (const row of from.all(JSON.stringify(fences)) as unknown as MetricRow[]) {
      keepMetric(found, row.fence, row.key, row.value, row.text);
    }
    return found;
  }

  function recordsOf(
    rows: readonly Row[],
    known?: Map<number, [key: string, value: number][]>,
    from = lasts,
  ): RunRecord[] {
    const found = rows.map((row) => ({
      row,
      origin: row.reused_from === null ? undefined : (source.get(row.reused_from) as unknown as SourceRow),
    }));
    const fenceOf = ({ row, origin }: (typeof found)[number]) => (origin ? origin.fence : row.fence);
    const metrics =
      known ??
      metricsOf(
        found.flatMap((each) => fenceOf(each) ?? []),
        from,
      );
    return found.map((each) =>
      recordOf(each.row, each.origin, Object.fromEntries(metrics.get(fenceOf(each) ?? 0) ?? [])),
    );
  }

  return {
    ids(selection, filter) {
      const ranges = selection.picks === "all" ? [{ from: 1, to: selection.total }] : [...selection.picks];
      if (filter.order === "desc") ranges.reverse();
      const { plain, byState } = statements[filter.order];
      const states = filter.states.length > 0 ? JSON.stringify(filter.states) : undefined;
      const found: RunId[] = [];
      for (const range of ranges) {
        const from = Math.max(range.from, filter.from ?? 0);
        const to = Math.min(range.to, filter.to ?? Number.MAX_SAFE_INTEGER);
        const left = (filter.limit ?? Number.MAX_SAFE_INTEGER) - found.length;
        if (left <= 0) break;
        if (from > to) continue;
        const rows =
          states === undefined
            ? plain.all(selection.sweepId, from, to, left)
            : byState.all(selection.sweepId, from, to, states, left);
        for (const row of rows as unknown as { run_id: string }[]) found.push(runId(row.run_id));
      }
      return found;
    },

    get(id, withHost = false) {
      const row = one.get(id) as unknown as Row | undefined;
      return row && recordsOf([row], undefined, withHost ? allLasts : lasts)[0];
    },

    getMany(ids) {
      const rows = many.all(JSON.stringify(ids)) as unknown as Row[];
      const byId = new Map<string, RunRecord>(recordsOf(rows).map((record) => [record.id, record]));
      return ids.flatMap((id) => byId.get(id) ?? []);
    },

    ofSweep(id) {
      const metrics = new Map<number, [string, number][]>();
      const rows = wholeLasts.all(id) as unknown as [number, string, number | null, string | null][];
      for (const [fence, key, value, text] of rows) keepMetric(metrics, fence, key, value, text);
      return recordsOf((whole.all(id) as unknown as WholeRow[]).map(rowOf), metrics);
    },

    shape: (id) => shapeOf.get(id) as unknown as StoredShape | undefined,

    state(id) {
      return (stateOf.get(id) as { state: RunState } | undefined)?.state;
    },

    outputRun(id) {
      const row = reusedFrom.get(id) as { reused_from: string | null } | undefined;
      return row?.reused_from == null ? id : runId(row.reused_from);
    },
  };
}

interface Row {
  readonly run_id: string;
  readonly idx: number;
  readonly params_json: string;
  readonly created_at: number;
  readonly reused_from: string | null;
  readonly name: string;
  readonly sweep_number: number;
  readonly state: RunState;
  readonly reason: string;
  readonly priority: number;
  readonly attempt: number;
  readonly fence: number | null;
  readonly finished_at: number | null;
  readonly node: string | null;
  readonly devices_json: string | null;
  readonly phase: string | null;
  readonly started_at: number | null;
  readonly outcome_json: string | null;
  readonly sealed: number | null;
  readonly pruned_at: number | null;
}

/** The columns of a Row in the order of the query. */
type WholeRow = readonly [
  string,
  number,
  string,
  number,
  string | null,
  string,
  number,
  RunState,
  string,
  number,
  number,
  number | null,
  number | null,
  string | null,
  string | null,
  string | null,
  number | null,
  string | null,
  number | null,
  number | null,
];

function rowOf(row: WholeRow): Row {
  return {
    run_id: row[0],
    idx: row[1],
    params_json: row[2],
    created_at: row[3],
    reused_from: row[4],
    name: row[5],
    sweep_number: row[6],
    state: row[7],
    reason: row[8],
    priority: row[9],
    attempt: row[10],
    fence: row[11],
    finished_at: row[12],
    node: row[13],
    devices_json: row[14],
    phase: row[15],
    started_at: row[16],
    outcome_json: row[17],
    sealed: row[18],
    pruned_at: row[19],
  };
}

interface MetricRow {
  readonly fence: number;
  readonly key: string;
  readonly value: number | null;
  readonly text: string | null;
}

interface SourceRow {
  readonly name: string;
  readonly number: number;
  readonly idx: number;
  readonly fence: number | null;
}

function recordOf(row: Row, origin: SourceRow | undefined, metrics: { [key: string]: number }): RunRecord {
  const sweep = sweepRef(row.name, row.sweep_number);
  const terminal = isTerminal(row.state);
  // A run that waits again is nowhere: its last attempt is history, not its present.
  const placed = row.phase !== null && row.state !== "queued" && row.state !== "held";
  // Of several nodes, rank 0 may have ended while others go on.
  const outcome = placed && terminal && row.outcome_json ? (JSON.parse(row.outcome_json) as Outcome) : undefined;
  const reusedFrom = origin ? runRef(sweepRef(origin.name, origin.number), origin.idx) : "";
  return {
    id: row.run_id,
    ref: runRef(sweep, row.idx),
    sweep,
    index: row.idx,
    state: row.state,
    reason: reusedFrom === "" ? row.reason || outcomeReason(row.state, outcome) : `reused from ${reusedFrom}`,
    paramsJson: row.params_json,
    priority: row.priority,
    attempt: row.attempt,
    fence: row.fence ?? undefined,
    node: placed ? (row.node ?? undefined) : undefined,
    devices: placed ? (JSON.parse(row.devices_json ?? "[]") as string[]) : [],
    exitCode: outcome ? exitCodeOf(outcome) : undefined,
    createdAt: row.created_at,
    startedAt: placed ? (row.started_at ?? undefined) : undefined,
    finishedAt: row.finished_at ?? undefined,
    metrics,
    sealed: terminal && (row.fence === null || row.sealed === 1),
    resultsDir: "",
    reusedFrom,
    ...(row.pruned_at !== null && { prunedAt: row.pruned_at }),
  };
}

function outcomeReason(state: RunState, outcome: Outcome | undefined): string {
  return state === "failed" && outcome ? describeOutcome(outcome) : "";
}

/** Adds a last value to those of its attempt, where it is a number. */
function keepMetric(
  found: Map<number, [key: string, value: number][]>,
  fence: number,
  key: string,
  value: number | null,
  text: string | null,
): void {
  const number = value ?? nonFinite(text);
  if (number === undefined) return;
  const known = found.get(fence);
  if (known) known.push([key, number]);
  else found.set(fence, [[key, number]]);
}

/** Texts that stand for numbers which SQLite cannot keep; any other text is no number. */
function nonFinite(text: string | null): number | undefined {
  switch (text?.toLowerCase().replace(/^\+/, "")) {
    case "nan":
      return Number.NaN;
    case "inf":
    case "infinity":
      return Number.POSITIVE_INFINITY;
    case "-inf":
    case "-infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}
