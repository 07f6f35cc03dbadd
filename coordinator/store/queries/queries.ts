/** All that is read from the store for people and their tools. The engine never decides on any of it. */

import type { RunId } from "../../../shared/kernel/ids.ts";
import { type Annotation, createAnnotations } from "../annotations.ts";
import { type Artifacts, createArtifacts } from "../artifacts.ts";
import type { Database } from "../database.ts";
import { createImports, type Imports } from "../imports.ts";
import { createOrigins, type Origins } from "../origins.ts";
import { createRunRecordLoader, type ResultRecord } from "../run-record.ts";
import { type AttemptQueries, createAttemptQueries } from "./attempts.ts";
import { type BestQueries, createBestQueries } from "./best.ts";
import { createHistoryQueries, type HistoryQueries } from "./history.ts";
import { createPastWork, type PastWork } from "./past-work.ts";
import { createRefQueries, type RefQueries } from "./refs.ts";
import { createRepeatLoader, type RepeatableRun } from "./repeat.ts";
import { createRunQueries, type RunQueries } from "./runs.ts";
import { createStandingQueries, type StandingQueries } from "./standing.ts";
import { createSweepQueries, type SweepQueries } from "./sweeps.ts";

export interface Queries {
  readonly refs: RefQueries;
  readonly runs: RunQueries;
  readonly sweeps: SweepQueries;
  readonly attempts: AttemptQueries;
  readonly artifacts: Artifacts;
  readonly best: BestQueries;
  readonly history: HistoryQueries;
  readonly imports: Imports;
  readonly origins: Origins;
  readonly past: PastWork;
  readonly standing: StandingQueries;
  /** A run with its command and tags, as its results show it. Throws where there is no such run. */
  readonly record: (id: RunId) => ResultRecord;
  readonly repeatable: (id: RunId) => RepeatableRun | undefined;
  readonly annotation: (id: RunId) => Annotation;
}

/** Prepares every statement once; they live as long as the database. `tells`: there are channels to tell of artifacts. */
export function createQueries(db: Database, tells = false): Queries {
  return {
    refs: createRefQueries(db),
    runs: createRunQueries(db),
    sweeps: createSweepQueries(db),
    attempts: createAttemptQueries(db),
    artifacts: createArtifacts(db, tells),
    best: createBestQueries(db),
    history: createHistoryQueries(db),
    imports: createImports(db),
    origins: createOrigins(db),
    past: createPastWork(db),
    standing: createStandingQueries(db),
    record: createRunRecordLoader(db),
    repeatable: createRepeatLoader(db),
    annotation: createAnnotations(db).get,
  };
}
