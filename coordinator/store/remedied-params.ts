/** The parameters that an attempt runs with: those of its run, changed after earlier failures as `[[retry.remedy]]` has it. */
import { causesOfOutcome } from "../../shared/run/causes.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { Outcome } from "../../shared/run/states.ts";
import { paramsFromJson } from "../../shared/spec/params-json.ts";
import { type Remedied, remedied } from "../../shared/spec/remedies.ts";
import type { SweepIdentity } from "../core/changes.ts";
import type { Database } from "./database.ts";

/** Of a run; `attempt` is the number of the one that runs. */
export interface AttemptOfRun {
  readonly runId: string;
  readonly attempt: number;
  readonly index: number;
  readonly sweepName: string;
  readonly paramsJson: string;
  readonly retry: RetryPolicy;
}

export function createRemediedParams(db: Database): (of: AttemptOfRun) => Remedied {
  const earlier = db.prepare(`SELECT number, outcome_json, causes_json FROM attempts
    WHERE run_id = ? AND number < ? AND outcome_json IS NOT NULL ORDER BY number`);
  const identity = db.prepare(
    "SELECT i.identity_json AS json FROM runs r JOIN sweep_identities i ON i.sweep_id = r.sweep_id WHERE r.run_id = ?",
  );
  return ({ runId, attempt, index, sweepName, paramsJson, retry }) => {
    const params = paramsFromJson(paramsJson);
    if (!retry.remedies || attempt <= 1) return { params, changed: new Set() };
    // On several nodes, what any of them failed by.
    const byNumber = Map.groupBy(earlier.all(runId, attempt) as unknown as EarlierRow[], ({ number }) => number);
    const failures = Array.from(byNumber.values(), (rows) =>
      rows.flatMap((row) => [
        ...causesOfOutcome(JSON.parse(row.outcome_json) as Outcome),
        ...(JSON.parse(row.causes_json ?? "[]") as string[]),
      ]),
    );
    const known = identity.get(runId) as { json: string } | undefined;
    const derived = known && (JSON.parse(known.json) as SweepIdentity).params?.derived;
    return remedied(params, retry.remedies, failures, derived ?? [], { index, sweepName });
  };
}

interface EarlierRow {
  readonly number: number;
  readonly outcome_json: string;
  readonly causes_json: string | null;
}
