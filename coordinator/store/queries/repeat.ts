/** A run with all that it takes to run it once more. */
import { type RunId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import { requestFromJson } from "../../../shared/run/devices.ts";
import type { RetryPolicy } from "../../../shared/run/retry.ts";
import { paramsFromJson } from "../../../shared/spec/params-json.ts";
import { templateFromJson } from "../../../shared/spec/template-json.ts";
import type { Objective, Params, RunLimits, RunShape } from "../../../shared/spec/types.ts";
import type { SweepIdentity } from "../../core/changes.ts";
import type { Database } from "../database.ts";

export interface RepeatableRun {
  readonly sweepId: SweepId;
  readonly index: number;
  readonly fingerprint: string;
  readonly name: string;
  readonly project: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly objective: Objective | undefined;
  readonly identity: SweepIdentity | undefined;
  readonly shape: RunShape;
  readonly params: Params;
}

/** Undefined where there is no such run. */
export function createRepeatLoader(db: Database): (id: RunId) => RepeatableRun | undefined {
  const one =
    db.prepare(`SELECT r.sweep_id, r.idx, r.fingerprint, r.params_json, w.name, w.project, w.description, w.tags_json,
      w.objective_metric, w.objective_goal, w.objective_reduce, i.identity_json, h.template_json, h.resources_json, h.limits_json,
      h.retry_json, h.tags_json AS own_tags_json
    FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape
    LEFT JOIN sweep_identities i ON i.sweep_id = r.sweep_id WHERE r.run_id = ?`);
  return (id) => {
    const row = one.get(id) as { readonly [column: string]: string | number | null } | undefined;
    if (!row) return undefined;
    const text = (column: string) => String(row[column] ?? "");
    const objective = { metric: row.objective_metric, goal: row.objective_goal, reduce: row.objective_reduce };
    return {
      sweepId: sweepId(text("sweep_id")),
      index: Number(row.idx),
      fingerprint: text("fingerprint"),
      name: text("name"),
      project: text("project"),
      description: text("description"),
      tags: JSON.parse(text("tags_json")) as string[],
      objective: row.objective_metric === null ? undefined : (objective as Objective),
      identity: row.identity_json === null ? undefined : (JSON.parse(text("identity_json")) as SweepIdentity),
      shape: {
        template: templateFromJson(text("template_json")),
        resources: requestFromJson(text("resources_json")),
        limits: JSON.parse(text("limits_json")) as RunLimits,
        retry: JSON.parse(text("retry_json")) as RetryPolicy,
        tags: JSON.parse(text("own_tags_json")) as string[],
      },
      params: paramsFromJson(text("params_json")),
    };
  };
}
