/** Attempts of a run, how much of their output is stored, and what happened to the run. */
import { SYSTEM_PREFIX } from "../../../shared/capture/options.ts";
import { type Fence, fence, type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import type { StreamName } from "../../../shared/subjects.ts";
import type { Database } from "../database.ts";

export interface AttemptRecord {
  readonly number: number;
  readonly fence: Fence;
  /** Among the nodes of its run, from 0. */
  readonly rank: number;
  /** Nodes that it is on. */
  readonly nodes: number;
  readonly node: string;
  readonly devices: readonly string[];
  readonly phase: "assigned" | "running" | "ended";
  readonly outcome: Outcome | undefined;
  readonly assignedAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** All its output is stored, and nothing more will come. */
  readonly sealed: boolean;
  /** Sizes of its streams at the end; undefined while it runs, and where its host never said. */
  readonly finalSizes: { readonly [stream in StreamName]?: number } | undefined;
}

export interface HistoryRecord {
  readonly at: number;
  readonly kind: string;
  readonly text: string;
  /** Name of the token with which it was asked for; empty: none that was handed out. */
  readonly by: string;
}

export interface AttemptQueries {
  /** By number; of those on several nodes rank 0, whose output and metrics stand for the run. */
  ofRun(id: RunId): AttemptRecord[];
  /** By number and rank. */
  everyRank(id: RunId): AttemptRecord[];
  get(id: Fence): AttemptRecord | undefined;
  /** Runs of these attempts. */
  runsOf(fences: readonly Fence[]): RunId[];
  /** Bytes from the start of a stream that are safely stored. */
  committed(id: Fence, stream: StreamName): number;
  /**
   * Bytes of its output that were stored by a time (Unix ms), as the last note before it says: somewhat fewer than there were.
   * Undefined where no note was taken: of what was over in a moment, or ran before notes were taken.
   */
  outputBy(id: Fence, ms: number): number | undefined;
  /** The last finite values of what hosts measure of attempts (`sys/…`). */
  hostLasts(fences: readonly Fence[]): Map<Fence, Map<string, number>>;
  /** The first events of a run, at most `limit`. */
  history(id: RunId, limit: number): HistoryRecord[];
}

export function createAttemptQueries(db: Database): AttemptQueries {
  const columns = `SELECT fence, number, node, devices_json, phase, outcome_json, assigned_at, started_at, finished_at,
    sealed, final_sizes_json, gang_first, gang_size FROM attempts`;
  const ofRun = db.prepare(
    `${columns} WHERE run_id = ? AND (gang_first IS NULL OR gang_first = fence) ORDER BY number, fence`,
  );
  const everyRank = db.prepare(`${columns} WHERE run_id = ? ORDER BY number, fence`);
  const one = db.prepare(`${columns} WHERE fence = ?`);
  const owners = db.prepare("SELECT DISTINCT run_id FROM attempts WHERE fence IN (SELECT value FROM json_each(?))");
  const output = db.prepare("SELECT committed FROM outputs WHERE fence = ? AND stream = ?");
  const noted = db.prepare("SELECT bytes FROM output_times WHERE fence = ? AND at <= ? ORDER BY at DESC LIMIT 1");
  const isNoted = db.prepare("SELECT 1 FROM output_times WHERE fence = ? LIMIT 1");
  const hostLasts = db.prepare(`SELECT fence, key, value FROM metric_lasts
    WHERE fence IN (SELECT value FROM json_each(?)) AND key GLOB '${SYSTEM_PREFIX}*' AND value IS NOT NULL`);
  const events = db.prepare(
    "SELECT at, kind, text, coalesce(token, '') AS \"by\" FROM events WHERE run_id = ? ORDER BY seq LIMIT ?",
  );
  return {
    ofRun: (id) => (ofRun.all(id) as unknown as AttemptRow[]).map(attemptRecordOf),
    everyRank: (id) => (everyRank.all(id) as unknown as AttemptRow[]).map(attemptRecordOf),
    get(id) {
      const row = one.get(id) as unknown as AttemptRow | undefined;
      return row && attemptRecordOf(row);
    },
    runsOf: (fences) =>
      (owners.all(JSON.stringify(fences)) as unknown as { run_id: string }[]).map((row) => runId(row.run_id)),
    committed: (id, stream) => (output.get(id, stream) as { committed: number } | undefined)?.committed ?? 0,
    outputBy(id, ms) {
      if (!isNoted.get(id)) return undefined;
      return (noted.get(id, ms) as { bytes: number } | undefined)?.bytes ?? 0;
    },
    hostLasts(fences) {
      const lasts = new Map<Fence, Map<string, number>>();
      const rows = hostLasts.all(JSON.stringify(fences)) as unknown as { fence: number; key: string; value: number }[];
      for (const row of rows) {
        const id = fence(row.fence);
        const values = lasts.get(id) ?? new Map<string, number>();
        lasts.set(id, values.set(row.key, row.value));
      }
      return lasts;
    },
    history: (id, limit) => (events.all(id, limit) as unknown as HistoryRecord[]).map((row) => ({ ...row })),
  };
}

export interface AttemptRow {
  readonly fence: number;
  readonly number: number;
  readonly node: string;
  readonly devices_json: string;
  readonly phase: AttemptRecord["phase"];
  readonly outcome_json: string | null;
  readonly assigned_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly sealed: number;
  readonly final_sizes_json: string | null;
  readonly gang_first: number | null;
  readonly gang_size: number | null;
}

export function attemptRecordOf(row: AttemptRow): AttemptRecord {
  return {
    number: row.number,
    fence: fence(row.fence),
    rank: row.fence - (row.gang_first ?? row.fence),
    nodes: row.gang_size ?? 1,
    node: row.node,
    devices: JSON.parse(row.devices_json) as string[],
    phase: row.phase,
    outcome: row.outcome_json === null ? undefined : (JSON.parse(row.outcome_json) as Outcome),
    assignedAt: row.assigned_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    sealed: row.sealed === 1,
    finalSizes:
      row.final_sizes_json === null
        ? undefined
        : ((JSON.parse(row.final_sizes_json) as AttemptRecord["finalSizes"] | null) ?? undefined),
  };
}
