/** All that is read from the store for people and their tools. The engine never decides on any of it. */
import type { Database } from "../database.ts";
import { createImports, type Imports } from "../imports.ts";
import { type AttemptQueries, createAttemptQueries } from "./attempts.ts";
import { type BestQueries, createBestQueries } from "./best.ts";
import { createHistoryQueries, type HistoryQueries } from "./history.ts";
import { createRefQueries, type RefQueries } from "./refs.ts";
import { createRunQueries, type RunQueries } from "./runs.ts";
import { createSweepQueries, type SweepQueries } from "./sweeps.ts";

export interface Queries {
  readonly refs: RefQueries;
  readonly runs: RunQueries;
  readonly sweeps: SweepQueries;
  readonly attempts: AttemptQueries;
  readonly best: BestQueries;
  readonly history: HistoryQueries;
  readonly imports: Imports;
}

/** Prepares every statement once; they live as long as the database. */
export function createQueries(db: Database): Queries {
  return {
    refs: createRefQueries(db),
    runs: createRunQueries(db),
    sweeps: createSweepQueries(db),
    attempts: createAttemptQueries(db),
    best: createBestQueries(db),
    history: createHistoryQueries(db),
    imports: createImports(db),
  };
}
