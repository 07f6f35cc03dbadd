/** Builds the cluster in memory from the store: what a start does, and what memory is compared with in tests. */
import { randomUUID } from "node:crypto";
import { required } from "../../shared/kernel/assert.ts";
import { deviceUuid, fence, nodeName, runId, type SweepId, sessionId, sweepId } from "../../shared/kernel/ids.ts";
import { type Device, requestFromJson } from "../../shared/run/devices.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { HostFacts } from "../../shared/run/session.ts";
import type { Outcome, RunState } from "../../shared/run/states.ts";
import { addAttempt, addRuns, noteGangEnd, runOfRow } from "../core/apply-change.ts";
import type { RunPoint, RunStateRow } from "../core/changes.ts";
import {
  type Attempt,
  type Cluster,
  coreShape,
  emptyCluster,
  type Node,
  type Reserved,
  type Run,
  type StopReason,
  type Sweep,
} from "../core/cluster.ts";
import type { FingerprintIndex } from "../reuse/fingerprint-index.ts";
import type { Database } from "./database.ts";
import { transaction } from "./database.ts";
import { LIVE_LIST } from "./state-lists.ts";

/** Sessions of one term; a term's sessions never repeat those of another. */
const SESSIONS_PER_TERM = 1_000_000;

/** Begins a new term: durable before anything is told to an agent. Makes the store's identity at its first start. */
export function beginTerm(db: Database): number {
  return transaction(db, () => {
    const put = db.prepare(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    );
    if (readMeta(db, "store_id") === undefined) put.run("store_id", randomUUID());
    const term = Number(readMeta(db, "term") ?? 0) + 1;
    put.run("term", String(term));
    return term;
  });
}

/** `monotonicMs`: silence of every node is counted from here. */
export function loadCluster(db: Database, term: number, monotonicMs: number): Cluster {
  const cluster = emptyCluster({
    storeId: readMeta(db, "store_id") ?? "",
    term,
    nextFence: Math.max(
      Number(readMeta(db, "fence_floor") ?? 1),
      number(db, "SELECT max(fence) AS value FROM attempts") + 1,
    ),
    nextSession: term * SESSIONS_PER_TERM,
    nextSweepSeq: number(db, "SELECT max(seq) AS value FROM sweeps") + 1,
  });
  // Before the runs: one that comes back to a queue is looked up here.
  loadFingerprints(db, "completed", cluster.completed);
  loadFingerprints(db, "failed", cluster.failed);
  const sweep = createSweepLoader(db);
  for (const { sweep_id: id } of rows(db, LIVE_SWEEPS)) {
    const live = sweep(sweepId(String(id)));
    if (live) cluster.sweeps.set(live.id, live);
  }
  addRuns(cluster, liveRuns(db));
  for (const row of rows(db, "SELECT * FROM attempts WHERE phase <> 'ended' ORDER BY fence"))
    addAttempt(cluster, attemptOf(row));
  for (const row of rows(db, ENDED_OF_LIVE_GANGS)) {
    const attempt = attemptOf(row);
    noteGangEnd(cluster, required(attempt.gang, "the gang of a member"), {
      attempt,
      outcome: JSON.parse(String(row.outcome_json)) as Outcome,
      finishedAt: Number(row.finished_at),
      causes: row.causes_json === null ? [] : (JSON.parse(String(row.causes_json)) as string[]),
    });
  }
  for (const row of rows(db, "SELECT * FROM nodes ORDER BY name")) {
    const node = nodeOf(row, monotonicMs);
    cluster.nodes.set(node.name, node);
  }
  return cluster;
}

function* liveRuns(db: Database): Generator<Run> {
  for (const row of rows(db, LIVE_RUNS)) yield runOfRow(runStateOf(row), pointOf(row));
}

function loadFingerprints(db: Database, table: "completed" | "failed", index: FingerprintIndex): void {
  index.reserve(number(db, `SELECT count(*) AS value FROM ${table}`));
  for (const row of rows(db, `SELECT fingerprint, run_id FROM ${table}`)) {
    index.set(row.fingerprint as string, runId(row.run_id as string));
  }
}

const LIVE_SWEEPS = `SELECT sweep_id FROM sweeps w
  WHERE EXISTS (SELECT 1 FROM run_states s WHERE s.sweep_id = w.sweep_id AND s.state IN (${LIVE_LIST})) ORDER BY seq`;
const LIVE_RUNS = `SELECT s.*, r.idx, r.shape, r.fingerprint FROM sweeps w
  CROSS JOIN run_states s ON s.sweep_id = w.sweep_id JOIN runs r ON r.run_id = s.run_id
  WHERE s.state IN (${LIVE_LIST}) ORDER BY w.seq, r.idx`;

/** What has ended of gangs of which others live. */
const ENDED_OF_LIVE_GANGS = `SELECT * FROM attempts WHERE phase = 'ended' AND gang_first IN
  (SELECT gang_first FROM attempts WHERE phase <> 'ended' AND gang_first IS NOT NULL) ORDER BY fence`;

type Row = { [column: string]: unknown };

function rows(db: Database, sql: string): Iterable<Row> {
  return db.prepare(sql).iterate() as Iterable<Row>;
}

function number(db: Database, sql: string): number {
  const row = db.prepare(sql).get() as { value: number | null };
  return row.value ?? 0;
}

function readMeta(db: Database, key: string): string | undefined {
  const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
  return row?.value;
}

/** A sweep as the core wants it; undefined where there is none. */
export function createSweepLoader(db: Database): (id: SweepId) => Sweep | undefined {
  const one = db.prepare("SELECT * FROM sweeps WHERE sweep_id = ?");
  const shapes = db.prepare("SELECT resources_json, retry_json FROM sweep_shapes WHERE sweep_id = ? ORDER BY number");
  return (id) => {
    const row = one.get(id) as Row | undefined;
    if (!row) return undefined;
    return {
      id,
      seq: Number(row.seq),
      name: String(row.name),
      number: Number(row.number),
      shapes: (shapes.all(id) as Row[]).map((shape) =>
        coreShape({
          resources: requestFromJson(String(shape.resources_json)),
          retry: JSON.parse(String(shape.retry_json)) as RetryPolicy,
        }),
      ),
      parallel: Number(row.parallel),
      shares: row.shares === 1,
      after: (JSON.parse(String(row.after_json)) as string[]).map(sweepId),
      failuresMax: Number(row.failures_max),
      gpuMsMax: Number(row.gpu_ms_max),
      deadline: Number(row.deadline),
      gpuMs: Number(row.gpu_ms),
      failed: Number(row.failed),
      stopped: String(row.stopped),
    };
  };
}

/** What never changes of a run, from a row of `runs`. */
export function pointOf(row: Row): RunPoint {
  return { index: Number(row.idx), shape: Number(row.shape), fingerprint: String(row.fingerprint) };
}

/** A row of `run_states` as the core wants it. */
export function runStateOf(row: Row): RunStateRow {
  const fenceValue = optional(row.fence);
  return {
    runId: runId(String(row.run_id)),
    sweepId: sweepId(String(row.sweep_id)),
    state: String(row.state) as RunState,
    reason: String(row.reason),
    priority: Number(row.priority),
    attempt: Number(row.attempt),
    fence: fenceValue === undefined ? undefined : fence(fenceValue),
    failures: Number(row.failures),
    crashes: Number(row.crashes),
    givenUp: row.given_up === 1,
    cancelRequested: row.cancel_requested === 1,
    paused: row.paused === 1,
    avoid: row.avoid === null ? undefined : nodeName(String(row.avoid)),
    notBefore: Number(row.not_before),
    waitsFor: row.waits_for === null ? undefined : runId(String(row.waits_for)),
    finishedAt: optional(row.finished_at),
  };
}

function attemptOf(row: Row): Attempt {
  return {
    fence: fence(Number(row.fence)),
    runId: runId(String(row.run_id)),
    number: Number(row.number),
    ...(row.gang_first !== null && {
      gang: { first: fence(Number(row.gang_first)), size: Number(row.gang_size) },
    }),
    node: nodeName(String(row.node)),
    devices: (JSON.parse(String(row.devices_json)) as string[]).map(deviceUuid),
    reserved: row.reserved_json === null ? undefined : (JSON.parse(String(row.reserved_json)) as Reserved),
    ...(row.behind !== null && { behind: fence(Number(row.behind)) }),
    phase: row.phase === "running" ? "running" : "assigned",
    stopping: String(row.stopping) as StopReason,
    startedAt: optional(row.started_at),
  };
}

function nodeOf(row: Row, monotonicMs: number): Node {
  return {
    name: nodeName(String(row.name)),
    agentId: String(row.agent_id),
    machineId: String(row.machine_id),
    bootId: String(row.boot_id),
    incarnation: Number(row.incarnation),
    session: sessionId(Number(row.session)),
    version: String(row.version),
    labels: JSON.parse(String(row.labels_json)) as { [key: string]: string },
    host: JSON.parse(String(row.host_json)) as HostFacts,
    devices: JSON.parse(String(row.devices_json)) as Device[],
    cordoned: row.cordoned === 1,
    draining: row.draining === 1,
    seenAt: Number(row.seen_at),
    connected: false,
    silent: false,
    lastHeardMs: monotonicMs,
    helloSeq: 0,
  };
}

function optional(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
