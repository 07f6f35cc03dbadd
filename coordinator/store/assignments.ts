/** What an Assign carries: read from the store when it is sent, so that memory need not hold every specification. */
import { required } from "../../shared/kernel/assert.ts";
import { deviceUuid, type Fence, fence as makeFence, runId } from "../../shared/kernel/ids.ts";
import { logPatterns } from "../../shared/run/causes.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import { causesAsked, type RetryPolicy } from "../../shared/run/retry.ts";
import type { Assignment, GangNode, GangPlace } from "../../shared/run/session.ts";
import { paramsToJson } from "../../shared/spec/params-json.ts";
import type { RunLimits } from "../../shared/spec/types.ts";
import { createArtifacts } from "./artifacts.ts";
import type { Database } from "./database.ts";
import { createRemediedParams } from "./remedied-params.ts";

interface Row {
  readonly run_id: string;
  readonly number: number;
  readonly devices_json: string;
  readonly gpu_milli: number | null;
  readonly gang_first: number | null;
  readonly behind: number | null;
  readonly idx: number;
  readonly params_json: string;
  readonly name: string;
  readonly sweep_number: number;
  readonly template_json: string;
  readonly limits_json: string;
  readonly retry_json: string;
  readonly snapshot: string | null;
  readonly root: string | null;
}

/**
 * Ports at which the ranks of a run may meet, below those that systems hand out: another for each of the runs that are likely
 * to be on one host at a time.
 */
const MEETING_PORT_MIN = 20_000;
const MEETING_PORTS = 10_000;

/** The assignment of an attempt that was committed. `leaseMs` is the coordinator's setting. */
export function createAssignmentLoader(db: Database, leaseMs: number): (fence: Fence) => Assignment {
  const query =
    db.prepare(`SELECT a.run_id, a.number, a.devices_json, a.reserved_json ->> 'gpuMilli' AS gpu_milli, a.gang_first, a.behind, r.idx, r.params_json, w.name,
      w.number AS sweep_number, h.template_json, h.limits_json, h.retry_json,
      o.snapshot, o.root
    FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape
    LEFT JOIN sweep_origins o ON o.sweep_id = r.sweep_id AND h.template_json ->> 'code' IS NOT NULL WHERE a.fence = ?`);
  const ranks = db.prepare(`SELECT a.node AS name, coalesce(n.host_json ->> 'address', '') AS address
    FROM attempts a LEFT JOIN nodes n ON n.name = a.node WHERE a.gang_first = ? ORDER BY a.fence`);
  const gangOf = (first: number, fence: Fence): GangPlace => ({
    rank: fence - first,
    nodes: ranks.all(first) as unknown as GangNode[],
    port: MEETING_PORT_MIN + (first % MEETING_PORTS),
  });
  const artifacts = createArtifacts(db);
  const paramsOf = createRemediedParams(db);
  return (fence) => {
    const row = required(query.get(fence) as Row | undefined, `the row of fence ${fence}`);
    const retry = JSON.parse(row.retry_json) as RetryPolicy;
    const limits = JSON.parse(row.limits_json) as RunLimits;
    const sweep = sweepRef(row.name, row.sweep_number);
    const { run_id, number, idx, name, params_json } = row;
    const place = { runId: run_id, attempt: number, index: idx, sweepName: name, paramsJson: params_json, retry };
    return {
      fence,
      runId: runId(row.run_id),
      runRef: runRef(sweep, row.idx),
      sweepRef: sweep,
      runIndex: row.idx,
      attempt: row.number,
      devices: (JSON.parse(row.devices_json) as string[]).map(deviceUuid),
      ...(row.gpu_milli !== null && { gpuMilli: row.gpu_milli }),
      ...(row.gang_first !== null && { gang: gangOf(row.gang_first, fence) }),
      ...(row.behind !== null && { behind: makeFence(row.behind) }),
      templateJson: row.template_json,
      paramsJson: retry.remedies ? paramsToJson(paramsOf(place).params) : row.params_json,
      timeLimitMs: limits.timeMs,
      // Rank 0 speaks for all.
      idleLimitMs: fence === (row.gang_first ?? fence) ? limits.idleMs : 0,
      stopGraceMs: limits.stopGraceMs,
      leaseMs,
      ...(row.snapshot !== null && row.root !== null && { code: { hash: row.snapshot, root: row.root } }),
      ...artifacts.resumePoint(row.gang_first === null ? fence : makeFence(row.gang_first)),
      // All ranks go on from the same one.
      ...(row.gang_first !== null && { mayResume: false }),
      logPatterns: logPatterns(causesAsked(retry)),
    };
  };
}
