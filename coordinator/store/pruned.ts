/** Which results directories were removed, and which runs must keep theirs. */
import { type RunId, runId } from "../../shared/kernel/ids.ts";
import { TERMINAL_STATES } from "../../shared/run/states.ts";
import { type Database, transaction } from "./database.ts";

/** Why a run keeps its results, in words. */
export type KeepReason =
  | "not over"
  | "output still on its way"
  | "other runs stand on its results"
  | "marked as favourite"
  | "imported: its files are not the coordinator's"
  | "removed before";

export interface PrunedRuns {
  /** Of these runs, those that must not be touched. */
  keepers(ids: readonly RunId[]): Map<RunId, KeepReason>;
  /** Notes durably that the directory of a run goes; why not, where it must stay after all. */
  begin(id: RunId, at: number, bytes: number): KeepReason | undefined;
  /** Nothing of it is left. */
  finish(id: RunId): void;
  /** Begun, and perhaps not finished: `isCurrent` while the run has had no attempt since. */
  unfinished(): { readonly id: RunId; readonly isCurrent: boolean }[];
  isPruned(id: RunId): boolean;
}

interface KeepRow {
  readonly run_id: string;
  readonly state: string;
  readonly fence: number | null;
  readonly unsealed: number;
  readonly reused: number;
  readonly favourite: number;
  readonly imported: number;
  readonly pruned: number;
}

export function createPrunedRuns(db: Database): PrunedRuns {
  const facts = db.prepare(`
    SELECT s.run_id, s.state, s.fence,
      EXISTS (SELECT 1 FROM attempts a WHERE a.run_id = s.run_id AND (a.phase <> 'ended' OR a.sealed = 0)) AS unsealed,
      EXISTS (SELECT 1 FROM runs r WHERE r.reused_from = s.run_id) AS reused,
      EXISTS (SELECT 1 FROM annotations n WHERE n.run_id = s.run_id AND n.favourite = 1) AS favourite,
      EXISTS (SELECT 1 FROM imported_runs i WHERE i.run_id = s.run_id) AS imported,
      EXISTS (SELECT 1 FROM pruned_runs p WHERE p.run_id = s.run_id AND p.fence = coalesce(s.fence, 0)) AS pruned
    FROM run_states s WHERE s.run_id IN (SELECT value FROM json_each(?))`);
  const begin = db.prepare(`INSERT INTO pruned_runs (run_id, fence, at, bytes, done) VALUES (?, ?, ?, ?, 0)
    ON CONFLICT (run_id) DO UPDATE SET fence = excluded.fence, at = excluded.at, bytes = excluded.bytes, done = 0`);
  const letGo = db.prepare(`UPDATE artifacts SET state = 'removed', reason = 'its results were removed'
    WHERE run_id = ? AND state <> 'removed'`);
  const finish = db.prepare("UPDATE pruned_runs SET done = 1 WHERE run_id = ?");
  const open = db.prepare(`SELECT p.run_id, p.fence = coalesce(s.fence, 0) AS current
    FROM pruned_runs p JOIN run_states s ON s.run_id = p.run_id WHERE p.done = 0`);
  const factsOf = (ids: readonly RunId[]) => facts.all(JSON.stringify(ids)) as unknown as KeepRow[];

  return {
    keepers(ids) {
      const kept = new Map<RunId, KeepReason>();
      for (const row of factsOf(ids)) {
        const reason = reasonOf(row);
        if (reason) kept.set(runId(row.run_id), reason);
      }
      return kept;
    },
    begin: (id, at, bytes) =>
      transaction(db, () => {
        const [row] = factsOf([id]);
        if (!row) return "removed before";
        const reason = reasonOf(row);
        if (!reason) {
          begin.run(id, row.fence ?? NO_ATTEMPT, at, bytes);
          letGo.run(id);
        }
        return reason;
      }),
    finish: (id) => {
      finish.run(id);
    },
    unfinished: () =>
      (open.all() as unknown as { run_id: string; current: number }[]).map((row) => ({
        id: runId(row.run_id),
        isCurrent: row.current === 1,
      })),
    isPruned: (id) => factsOf([id])[0]?.pruned === 1,
  };
}

const NO_ATTEMPT = 0;

function reasonOf(row: KeepRow): KeepReason | undefined {
  if (!TERMINAL_STATES.some((state) => state === row.state)) return "not over";
  if (row.pruned === 1) return "removed before";
  if (row.imported === 1) return "imported: its files are not the coordinator's";
  if (row.unsealed === 1) return "output still on its way";
  if (row.reused === 1) return "other runs stand on its results";
  return row.favourite === 1 ? "marked as favourite" : undefined;
}
