/** What an Assign carries: read from the store when it is sent, so that memory need not hold every specification. */
import { required } from "../../shared/kernel/assert.ts";
import { deviceUuid, type Fence, runId } from "../../shared/kernel/ids.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import type { Assignment } from "../../shared/run/session.ts";
import type { Database } from "./database.ts";

interface Row {
  readonly run_id: string;
  readonly number: number;
  readonly devices_json: string;
  readonly idx: number;
  readonly params_json: string;
  readonly name: string;
  readonly sweep_number: number;
  readonly template_json: string;
  readonly time_limit_ms: number;
  readonly stop_grace_ms: number;
}

/** The assignment of an attempt that was committed. `leaseMs` is the coordinator's setting. */
export function createAssignmentLoader(db: Database, leaseMs: number): (fence: Fence) => Assignment {
  const query = db.prepare(`SELECT a.run_id, a.number, a.devices_json, r.idx, r.params_json, w.name,
      w.number AS sweep_number, w.template_json, w.time_limit_ms, w.stop_grace_ms
    FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id WHERE a.fence = ?`);
  return (fence) => {
    const row = required(query.get(fence) as Row | undefined, `the row of fence ${fence}`);
    const sweep = sweepRef(row.name, row.sweep_number);
    return {
      fence,
      runId: runId(row.run_id),
      runRef: runRef(sweep, row.idx),
      sweepRef: sweep,
      runIndex: row.idx,
      attempt: row.number,
      devices: (JSON.parse(row.devices_json) as string[]).map(deviceUuid),
      templateJson: row.template_json,
      paramsJson: row.params_json,
      timeLimitMs: row.time_limit_ms,
      stopGraceMs: row.stop_grace_ms,
      leaseMs,
    };
  };
}
