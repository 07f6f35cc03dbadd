/** What a submission asks the store: was it made before, what is its number, and which of its points are done. */
import { type RunId, runId } from "../../shared/kernel/ids.ts";
import type { Database } from "./database.ts";
import { createImports, type Imports } from "./imports.ts";

export interface Submission {
  readonly name: string;
  readonly number: number;
  readonly total: number;
  readonly reused: number;
}

export interface Submissions {
  /** The answer of an earlier call with this id. */
  find(submitId: string): Submission | undefined;
  /** Number of the next sweep of this name, from 1. */
  nextNumber(name: string): number;
  /** The run that completed a configuration. */
  completedBy(fingerprint: string): RunId | undefined;
  /** Work that was done elsewhere. */
  readonly imports: Imports;
}

export function createSubmissions(db: Database): Submissions {
  const find = db.prepare("SELECT name, number, total, reused FROM sweeps WHERE submit_id = ?");
  const last = db.prepare("SELECT max(number) AS number FROM sweeps WHERE name = ?");
  const completed = db.prepare("SELECT run_id FROM completed WHERE fingerprint = ?");
  return {
    find: (submitId) => find.get(submitId) as Submission | undefined,
    nextNumber: (name) => ((last.get(name) as { number: number | null }).number ?? 0) + 1,
    completedBy: (fingerprint) => {
      const row = completed.get(fingerprint) as { run_id: string } | undefined;
      return row && runId(row.run_id);
    },
    imports: createImports(db),
  };
}
