/**
 * A run as its results directory shows it: everything a projection needs, read at once. Also where the output of an attempt
 * belongs, for those who store it.
 */
import { required } from "../../shared/kernel/assert.ts";
import { type DeviceUuid, deviceUuid, type Fence, fence, type RunId, sweepId } from "../../shared/kernel/ids.ts";
import { type Device, type DeviceKind, isCpuSlot } from "../../shared/run/devices.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import type { CodeOrigin, CodeSnapshot, RunEnvironment } from "../../shared/run/provenance.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { HostFacts } from "../../shared/run/session.ts";
import type { Outcome, RunState } from "../../shared/run/states.ts";
import { shownCommand, shownImage } from "../../shared/spec/shown-command.ts";
import type { Params, RunTemplate } from "../../shared/spec/types.ts";
import type { Database } from "./database.ts";
import { OUTCOME_OF_ALL_RANKS } from "./gang-outcome.ts";
import { createOrigins } from "./origins.ts";
import { createRemediedParams } from "./remedied-params.ts";

/** Times are Unix milliseconds. */
export interface ResultRecord {
  readonly runId: RunId;
  readonly runRef: string;
  readonly sweepRef: string;
  readonly sweepName: string;
  readonly index: number;
  readonly state: RunState;
  /** In one line; empty where the state says it all. */
  readonly reason: string;
  /** Of its last attempt. */
  readonly params: Params;
  /** Names of parameters that a remedy changed after a failure; absent: none. */
  readonly remedied?: readonly string[];
  /** As people would type it, filled in. */
  readonly command: string;
  /** Container image that it runs in; null: none, and absent for what was made elsewhere. */
  readonly image?: string | null;
  readonly cwd: string;
  /** Those of its sweep, and those that people and the program itself gave it. */
  readonly tags: readonly string[];
  /** What people and the program wrote on it; empty where nobody did. */
  readonly note: string;
  /** What an entry of one of EXP's own files says of itself. */
  readonly expEntry?: { readonly name: string; readonly description: string | null };
  readonly createdAt: number;
  /** When its first attempt was assigned, which names its directory; of a run that never had one, when it was made. */
  readonly firstAssignedAt: number;
  /** Undefined while it is live. */
  readonly finishedAt: number | undefined;
  /** The run that completed this configuration before. */
  readonly reusedFrom: string | undefined;
  /** Absent for what was made elsewhere. */
  readonly provenance?: RunProvenance;
  /** By number. */
  readonly attempts: readonly ResultAttempt[];
}

/** Where a run came from, and what it ran on. */
export interface RunProvenance {
  readonly code: CodeOrigin | null;
  readonly snapshot: CodeSnapshot | null;
  /** Handle of the run that it repeats. */
  readonly repeats: string | null;
  /** Its `firstAssignedAt`, which names its directory. */
  readonly repeatsAssignedAt: number | null;
  readonly template: unknown;
  readonly resources: unknown;
  /** Of code, environment and data, where they count; empty where they do not. */
  readonly digests: { readonly code: string; readonly env: string; readonly data: string } | null;
  /** By fence, where it is known. */
  readonly environments: ReadonlyMap<Fence, RunEnvironment>;
}

export interface ResultAttempt {
  readonly number: number;
  readonly fence: Fence;
  readonly node: string;
  readonly hostname: string;
  /** Such as "linux 6.8.0 x64". */
  readonly platform: string;
  readonly devices: readonly ResultDevice[];
  /** Undefined while it runs. */
  readonly outcome: Outcome | undefined;
  readonly assignedAt: number;
  /** Undefined when it never started. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Of an attempt on several nodes: ranks 1 and on. */
  readonly peers?: readonly ResultAttempt[];
}

export interface ResultDevice {
  readonly uuid: DeviceUuid;
  /** Undefined where the node no longer lists the device. */
  readonly index: number | undefined;
  readonly kind: DeviceKind | undefined;
}

/** Where the output of an attempt belongs, and who may write it. */
export interface AttemptPlace {
  /** Empty for imported work, which nobody writes any more. */
  readonly agentId: string;
  readonly sweepRef: string;
  readonly runRef: string;
  readonly firstAssignedAt: number;
  /** From 1. */
  readonly attempt: number;
  /** Among the nodes of its run, from 0. */
  readonly rank: number;
}

/** Throws where there is no such run. */
export function createRunRecordLoader(db: Database): (id: RunId) => ResultRecord {
  const one = db.prepare(`
    SELECT r.idx, r.params_json, r.created_at, r.reused_from, w.name, w.number, w.tags_json, h.template_json,
      r.sweep_id, h.resources_json, h.retry_json, i.identity_json, h.tags_json AS own_tags_json, s.state, s.reason, s.finished_at,
      n.tags_json AS run_tags_json, n.note
    FROM runs r JOIN run_states s ON s.run_id = r.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape
    LEFT JOIN sweep_identities i ON i.sweep_id = r.sweep_id
    LEFT JOIN annotations n ON n.run_id = r.run_id WHERE r.run_id = ?`);
  const attempts = db.prepare(`
    SELECT a.number, a.fence, a.node, a.devices_json, ${OUTCOME_OF_ALL_RANKS} AS outcome_json, a.assigned_at, a.started_at, a.finished_at,
      n.host_json, n.devices_json AS node_devices_json, a.gang_first
    FROM attempts a LEFT JOIN nodes n ON n.name = a.node WHERE a.run_id = ? ORDER BY a.number, a.fence`);
  const facts = createNodeFacts();
  const provenance = createProvenanceLoader(db);
  const paramsOf = createRemediedParams(db);
  return (id) => {
    const row = required(one.get(id) as unknown as RunRow | undefined, `run ${id}`);
    const template = JSON.parse(row.template_json) as RunTemplate;
    const everyRow = attempts.all(id) as unknown as AttemptRow[];
    const attemptRows = everyRow.filter(({ fence, gang_first }) => gang_first === null || gang_first === fence);
    const sweep = sweepRef(row.name, row.number);
    const name = runRef(sweep, row.idx);
    const last = attemptRows.at(-1);
    const { params, changed } = paramsOf({
      runId: id,
      attempt: last?.number ?? 1,
      index: row.idx,
      sweepName: row.name,
      paramsJson: row.params_json,
      retry: JSON.parse(row.retry_json) as RetryPolicy,
    });
    const ran = last && {
      node: last.node,
      attempt: last.number,
      gpus: textsOf(last.devices_json).filter((uuid) => !isCpuSlot(uuid)).length,
    };
    const shown = { id, name, index: row.idx, sweep, ...ran };
    return {
      runId: id,
      runRef: name,
      sweepRef: sweep,
      sweepName: row.name,
      index: row.idx,
      state: row.state,
      reason: row.reason,
      params,
      ...(changed.size > 0 && { remedied: [...changed] }),
      command: shownCommand(template, params, shown),
      image: shownImage(template, params, shown) ?? null,
      cwd: template.cwd,
      tags: [...new Set([row.tags_json, row.own_tags_json, row.run_tags_json ?? "[]"].flatMap(textsOf))],
      note: row.note ?? "",
      ...expEntryOf(template, params),
      createdAt: row.created_at,
      firstAssignedAt:
        attemptRows.length === 0 ? row.created_at : Math.min(...attemptRows.map((attempt) => attempt.assigned_at)),
      finishedAt: row.finished_at ?? undefined,
      reusedFrom: row.reused_from ?? undefined,
      provenance: provenance(id, row),
      attempts: attemptRows.map((row) => {
        const others = everyRow.filter(({ fence, gang_first }) => gang_first === row.fence && fence !== row.fence);
        const attempt = attemptOf(row, facts(row));
        return others.length === 0
          ? attempt
          : { ...attempt, peers: others.map((other) => attemptOf(other, facts(other))) };
      }),
    };
  };
}

function createProvenanceLoader(db: Database): (id: RunId, row: RunRow) => RunProvenance {
  const origins = createOrigins(db);
  const handle = db.prepare(`SELECT w.name, w.number, r.idx,
      coalesce((SELECT min(assigned_at) FROM attempts a WHERE a.run_id = r.run_id), r.created_at) AS first_assigned_at
    FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    WHERE r.run_id = ?`);
  return (id, row) => {
    const { code = null, snapshot = null, repeats = null } = origins.ofSweep(sweepId(row.sweep_id)) ?? {};
    const repeated = repeats === null ? undefined : (handle.get(repeats) as unknown as HandleRow | undefined);
    const identity =
      row.identity_json === null ? undefined : (JSON.parse(row.identity_json) as RunProvenance["digests"]);
    return {
      code,
      snapshot,
      repeats: repeated ? runRef(sweepRef(repeated.name, repeated.number), repeated.idx) : null,
      repeatsAssignedAt: repeated?.first_assigned_at ?? null,
      template: JSON.parse(row.template_json) as unknown,
      resources: JSON.parse(row.resources_json) as unknown,
      digests: identity ? { code: identity.code, env: identity.env, data: identity.data } : null,
      environments: origins.environments(id),
    };
  };
}

/** Its name is in the environment, as EXP has it; a name of the user's own that is made of parameters does not count. */
function expEntryOf({ env }: RunTemplate, params: Params): Pick<ResultRecord, "expEntry"> {
  const name = env.EXPERIMENT_NAME;
  if (name === undefined || name.replaceAll("$$", "").includes("$")) return {};
  const description = params.get("description");
  return {
    expEntry: {
      name: name.replaceAll("$$", () => "$"),
      description: typeof description === "string" && description !== "" ? description : null,
    },
  };
}

function textsOf(json: string): readonly string[] {
  return JSON.parse(json) as string[];
}

/** Undefined for a fence that names no attempt. */
export function createAttemptLocator(db: Database): (fence: Fence) => AttemptPlace | undefined {
  const one = db.prepare(`
    SELECT n.agent_id, w.name, w.number AS sweep_number, r.idx, a.number, a.fence - coalesce(a.gang_first, a.fence) AS rank,
      (SELECT min(assigned_at) FROM attempts WHERE run_id = a.run_id) AS first_assigned_at
    FROM attempts a JOIN runs r ON r.run_id = a.run_id JOIN sweeps w ON w.sweep_id = r.sweep_id
    LEFT JOIN nodes n ON n.name = a.node
    -- Of what was imported only the points are here.
    WHERE a.fence = ? AND (n.name IS NOT NULL OR EXISTS (SELECT 1 FROM outputs o WHERE o.fence = a.fence))`);
  return (id) => {
    const row = one.get(id) as unknown as PlaceRow | undefined;
    if (!row) return undefined;
    const sweep = sweepRef(row.name, row.sweep_number);
    return {
      agentId: row.agent_id ?? "",
      sweepRef: sweep,
      runRef: runRef(sweep, row.idx),
      firstAssignedAt: row.first_assigned_at,
      attempt: row.number,
      rank: row.rank,
    };
  };
}

interface RunRow {
  readonly sweep_id: string;
  readonly resources_json: string;
  readonly retry_json: string;
  readonly identity_json: string | null;
  readonly idx: number;
  readonly params_json: string;
  readonly created_at: number;
  readonly reused_from: string | null;
  readonly name: string;
  readonly number: number;
  readonly tags_json: string;
  readonly own_tags_json: string;
  readonly template_json: string;
  readonly state: RunState;
  readonly reason: string;
  readonly finished_at: number | null;
  readonly run_tags_json: string | null;
  readonly note: string | null;
}

interface HandleRow {
  readonly name: string;
  readonly number: number;
  readonly idx: number;
  readonly first_assigned_at: number;
}

interface AttemptRow {
  readonly number: number;
  readonly fence: number;
  readonly node: string;
  readonly devices_json: string;
  readonly outcome_json: string | null;
  readonly assigned_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly host_json: string | null;
  readonly node_devices_json: string | null;
  readonly gang_first: number | null;
}

interface PlaceRow {
  readonly agent_id: string | null;
  readonly name: string;
  readonly sweep_number: number;
  readonly idx: number;
  readonly number: number;
  readonly rank: number;
  readonly first_assigned_at: number;
}

interface NodeFacts {
  readonly hostname: string;
  readonly platform: string;
  readonly devices: ReadonlyMap<string, Device>;
}

/** Parses what a node said of itself once, not for each of its runs. */
function createNodeFacts(): (row: AttemptRow) => NodeFacts {
  const known = new Map<string, { host: string; devices: string; facts: NodeFacts }>();
  return (row) => {
    const host = row.host_json ?? "{}";
    const devices = row.node_devices_json ?? "[]";
    const entry = known.get(row.node);
    if (entry && entry.host === host && entry.devices === devices) return entry.facts;
    const facts = factsOf(JSON.parse(host) as Partial<HostFacts>, JSON.parse(devices) as Device[]);
    known.set(row.node, { host, devices, facts });
    return facts;
  };
}

function factsOf(host: Partial<HostFacts>, devices: readonly Device[]): NodeFacts {
  return {
    hostname: host.hostname ?? "",
    platform: [host.os, host.kernel, host.arch].filter(Boolean).join(" "),
    devices: new Map(devices.map((device) => [device.uuid, device])),
  };
}

function attemptOf(row: AttemptRow, facts: NodeFacts): ResultAttempt {
  return {
    number: row.number,
    fence: fence(row.fence),
    node: row.node,
    hostname: facts.hostname,
    platform: facts.platform,
    devices: (JSON.parse(row.devices_json) as string[]).map((uuid) => {
      const device = facts.devices.get(uuid);
      return { uuid: deviceUuid(uuid), index: device?.index, kind: device?.kind };
    }),
    outcome: row.outcome_json === null ? undefined : (JSON.parse(row.outcome_json) as Outcome),
    assignedAt: row.assigned_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  };
}
