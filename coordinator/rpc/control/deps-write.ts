/** What the verbs that change something work with. */
import type { Clock } from "../../../shared/kernel/clock.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { TerminalRun } from "../../core/events.ts";
import type { Engine } from "../../engine.ts";
import type { Queries } from "../../store/queries/queries.ts";
import type { Staging } from "../../store/staging.ts";
import type { Submissions } from "../../store/submissions.ts";
import type { Expander } from "../expand/expander.ts";

export interface WriteDeps {
  readonly engine: Engine;
  readonly queries: Queries;
  readonly submissions: Submissions;
  readonly staging: Staging;
  readonly expander: Expander;
  readonly loadTerminalRun: (id: RunId) => TerminalRun | undefined;
  /** A new ULID. */
  readonly newUlid: () => string;
  readonly clock: Clock;
}

/** Ids of every run that the references name. Throws AppError for one that names nothing. */
export function namedRuns(queries: Queries, refs: readonly string[]): RunId[] {
  const selections = queries.refs.resolve(refs);
  return selections.flatMap((selection) => queries.runs.ids(selection, { states: [], order: "asc" }));
}
