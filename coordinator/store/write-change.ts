/**
 * Makes changes durable: the only writer of the control tables. Mirrors `applyChange`. Runs inside the engine's
 * transaction; statements are prepared once.
 */
import type { StatementSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { unreachable } from "../../shared/kernel/assert.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import { requestToJson } from "../../shared/run/devices.ts";
import { templateToJson } from "../../shared/spec/template-json.ts";
import type { RunShape } from "../../shared/spec/types.ts";
import type { Change, RunStateRow, SweepRecord } from "../core/changes.ts";
import type { Attempt, Node } from "../core/cluster.ts";
import type { SweepExtended } from "../core/reactor-apply.ts";
import type { Database } from "./database.ts";
import { createImportWriter } from "./imports.ts";
import { createOriginWriter } from "./origins.ts";
import { createRunNewsWriter } from "./run-news.ts";
import { createRunInsert } from "./staging.ts";

export type WriteChange = (change: Change) => void;

/** `tells`: there are channels to tell of runs. */
export function createWriter(db: Database, tells = false): WriteChange {
  const sql = prepare(db, tells);
  const writeImported = createImportWriter(db);
  return (change) => {
    switch (change.kind) {
      case "sweep-added":
        writeSweep(sql, change.sweep);
        sql.runs(change.sweep, change.runs);
        return;
      case "staged-added":
        writeStaged(sql, change);
        return;
      case "runs-imported":
        if (change.sweep) writeSweep(sql, change.sweep);
        writeImported(change);
        return;
      case "sweep-changed":
        sql.changeSweep.run(change.failed, change.stopped, change.gpuMs, change.deadline, change.sweepId);
        return;
      case "sweep-extended":
        writeExtended(sql, change);
        return;
      case "run-changed":
      case "run-revived":
        writeRunState(sql, change.row);
        sql.news.run(change.row.sweepId, change.row.runId, change.row.state);
        return;
      case "attempt-added":
        writeAttempt(sql, change.attempt, change.at);
        return;
      case "attempt-revived": {
        const { attempt } = change;
        const reserved = attempt.reserved === undefined ? null : JSON.stringify(attempt.reserved);
        sql.reviveAttempt.run(attempt.phase, attempt.stopping, attempt.startedAt ?? null, reserved, attempt.fence);
        return;
      }
      case "attempt-changed":
        sql.changeAttempt.run(change.phase, change.stopping, change.startedAt ?? null, change.fence);
        return;
      case "attempt-ended":
        sql.endAttempt.run(
          JSON.stringify(change.outcome),
          change.startedAt ?? null,
          change.finishedAt,
          change.finalSizes === undefined ? null : JSON.stringify(change.finalSizes),
          change.fence,
          change.causes === undefined ? null : JSON.stringify(change.causes),
        );
        return;
      case "attempt-sealed":
        sql.sealAttempt.run(change.fence);
        sql.news.sealed(change.fence);
        return;
      case "completed-added":
        sql.complete.run(change.fingerprint, change.runId);
        sql.notFailed.run(change.fingerprint);
        return;
      case "failed-added":
        sql.failed.run(change.fingerprint, change.runId);
        return;
      case "run-reused":
        sql.reuse.run(change.from, change.runId);
        sql.countReused.run(change.sweepId);
        return;
      case "node-saved":
        writeNode(sql, change.node);
        return;
      case "node-link":
        return;
      case "fence-floor":
        sql.fenceFloor.run(String(change.nextFence));
        return;
      case "history":
        sql.history.run(
          change.at,
          change.what,
          change.runId ?? null,
          change.node ?? null,
          change.text,
          change.by ?? null,
        );
        return;
      default:
        unreachable(change);
    }
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: Database, tells: boolean) {
  const make = (text: string): StatementSync => db.prepare(text);
  return {
    sweep:
      make(`INSERT INTO sweeps (sweep_id, seq, name, number, submit_id, created_at, total, reused, priority, parallel,
      objective_metric, objective_goal, objective_reduce, source_path, source_text, project, description, note, tags_json,
      shares, after_json, failures_max, failed, stopped, gpu_ms_max, gpu_ms, deadline, objective_target)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    identity: make(`INSERT INTO sweep_identities (sweep_id, identity_json) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET identity_json = excluded.identity_json`),
    codeTree: make("INSERT INTO code_trees (hash, manifest) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    extend: make(`UPDATE sweeps SET total = ?, reused = reused + ?, priority = ?, parallel = ?, failures_max = ?,
      failed = ?, stopped = ?, gpu_ms_max = ?, gpu_ms = ?, deadline = ?, objective_metric = ?, objective_goal = ?,
      objective_reduce = ?, objective_target = ?, source_path = ?, source_text = ?, project = ?, description = ?, note = ?,
      tags_json = ? WHERE sweep_id = ?`),
    stop: make(`INSERT INTO sweep_stops (sweep_id, rules_json) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET rules_json = excluded.rules_json`),
    noStop: make("DELETE FROM sweep_stops WHERE sweep_id = ?"),
    reshape: make("UPDATE runs SET shape = ? WHERE run_id = ?"),
    changeSweep: make("UPDATE sweeps SET failed = ?, stopped = ?, gpu_ms = ?, deadline = ? WHERE sweep_id = ?"),
    shape: make(`INSERT INTO sweep_shapes (sweep_id, number, template_json, resources_json, limits_json, retry_json,
      tags_json) VALUES (?, ?, ?, ?, ?, ?, ?)`),
    runs: createRunInsert(db),
    origin: createOriginWriter(db),
    news: createRunNewsWriter(db, tells),
    unstage: make("DELETE FROM staged_sweeps WHERE sweep_id = ?"),
    settle: make(`UPDATE run_states SET state = 'succeeded', reason = '', paused = 0, finished_at = ?, waits_for = NULL
      WHERE run_id = ?`),
    wait: make("UPDATE run_states SET waits_for = ? WHERE run_id = ?"),
    runState:
      make(`INSERT INTO run_states (run_id, sweep_id, state, reason, priority, attempt, fence, failures, crashes,
      given_up, cancel_requested, paused, avoid, not_before, finished_at, waits_for)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, priority = excluded.priority,
      attempt = excluded.attempt, fence = excluded.fence, failures = excluded.failures, crashes = excluded.crashes,
      given_up = excluded.given_up, cancel_requested = excluded.cancel_requested, paused = excluded.paused,
      avoid = excluded.avoid, not_before = excluded.not_before, finished_at = excluded.finished_at,
      waits_for = excluded.waits_for`),
    attempt:
      make(`INSERT INTO attempts (fence, run_id, number, node, devices_json, reserved_json, phase, stopping, assigned_at,
      started_at, gang_first, gang_size, behind, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`),
    reviveAttempt:
      make(`UPDATE attempts SET phase = ?, stopping = ?, started_at = ?, reserved_json = ?, behind = NULL, finished_at = NULL,
      outcome_json = NULL, final_sizes_json = NULL, sealed = 0 WHERE fence = ?`),
    changeAttempt: make("UPDATE attempts SET phase = ?, stopping = ?, started_at = ? WHERE fence = ?"),
    endAttempt: make(`UPDATE attempts SET phase = 'ended', outcome_json = ?1, started_at = ?2, finished_at = ?3,
      final_sizes_json = ?4, sealed = 0, causes_json = ?6 WHERE fence = ?5`),
    sealAttempt: make("UPDATE attempts SET sealed = 1 WHERE fence = ?"),
    complete: make(
      "INSERT INTO completed (fingerprint, run_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET run_id = excluded.run_id",
    ),
    notFailed: make("DELETE FROM failed WHERE fingerprint = ?"),
    failed: make(
      "INSERT INTO failed (fingerprint, run_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET run_id = excluded.run_id",
    ),
    reuse: make("UPDATE runs SET reused_from = ? WHERE run_id = ?"),
    countReused: make("UPDATE sweeps SET reused = reused + 1 WHERE sweep_id = ?"),
    node: make(`INSERT INTO nodes (name, agent_id, machine_id, boot_id, incarnation, session, version, labels_json, host_json,
      devices_json, cordoned, draining, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET agent_id = excluded.agent_id, machine_id = excluded.machine_id,
      boot_id = excluded.boot_id, incarnation = excluded.incarnation, session = excluded.session,
      version = excluded.version, labels_json = excluded.labels_json, host_json = excluded.host_json,
      devices_json = excluded.devices_json, cordoned = excluded.cordoned, draining = excluded.draining,
      seen_at = excluded.seen_at`),
    fenceFloor: make(
      "INSERT INTO meta (key, value) VALUES ('fence_floor', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
    history: make("INSERT INTO events (at, kind, run_id, node, text, token) VALUES (?, ?, ?, ?, ?, ?)"),
  };
}

function writeSweep(sql: Statements, sweep: SweepRecord): void {
  sql.sweep.run(
    sweep.id,
    sweep.seq,
    sweep.name,
    sweep.number,
    sweep.submitId,
    sweep.createdAt,
    sweep.total,
    sweep.reused,
    sweep.priority,
    sweep.parallel,
    sweep.objective?.metric ?? null,
    sweep.objective?.goal ?? null,
    sweep.objective?.reduce ?? "best",
    sweep.sourcePath,
    sweep.sourceText,
    sweep.project,
    sweep.description,
    sweep.note,
    JSON.stringify(sweep.tags),
    sweep.shares ? 1 : 0,
    JSON.stringify(sweep.after),
    sweep.failuresMax,
    sweep.failed,
    sweep.stopped,
    sweep.gpuMsMax,
    sweep.gpuMs,
    sweep.deadline,
    sweep.objective?.target ?? null,
  );
  for (const [number, shape] of sweep.shapes.entries()) writeShape(sql, sweep.id, number, shape);
  writeIdentity(sql, sweep.id, sweep);
  if (sweep.origin) sql.origin(sweep.id, sweep.origin);
  if (sweep.notify) sql.news.settings(sweep.id, sweep.notify);
  if (sweep.stop) sql.stop.run(sweep.id, JSON.stringify(sweep.stop));
  sql.news.sweep(sweep.id);
}

/** The runs are there; those whose fate has changed since they were written are told so. */
function writeStaged(sql: Statements, { sweep, reused, moved }: Extract<Change, { kind: "staged-added" }>): void {
  writeSweep(sql, sweep);
  sql.unstage.run(sweep.id);
  for (const { runId, from } of reused) {
    sql.reuse.run(from, runId);
    sql.settle.run(sweep.createdAt, runId);
  }
  for (const run of moved) sql.wait.run(run.waitsFor ?? null, run.id);
}

function writeExtended(sql: Statements, { sweep, settings, runs, reshaped }: SweepExtended): void {
  const { total, priority, hold, at, sourcePath, sourceText, shapes } = settings;
  const { parallel, failuresMax, failed, stopped, gpuMsMax, gpuMs, deadline } = sweep;
  const { metric = null, goal = null, reduce = "best", target = null } = settings.objective ?? {};
  const reused = runs.filter(({ reusedFrom }) => reusedFrom !== undefined).length;
  const standing = [failed, stopped, gpuMsMax, gpuMs, deadline, metric, goal, reduce, target];
  const texts = [sourcePath, sourceText, settings.project, settings.description, settings.note];
  const tags = JSON.stringify(settings.tags);
  sql.extend.run(total, reused, priority, parallel, failuresMax, ...standing, ...texts, tags, sweep.id);
  writeIdentity(sql, sweep.id, settings);
  sql.news.settings(sweep.id, settings.notify);
  if (settings.stop) sql.stop.run(sweep.id, JSON.stringify(settings.stop));
  else sql.noStop.run(sweep.id);
  sql.news.sweep(sweep.id);
  for (const [i, shape] of shapes.entries()) {
    writeShape(sql, sweep.id, sweep.shapes.length - shapes.length + i, shape);
  }
  for (const { runId, shape } of reshaped) sql.reshape.run(shape, runId);
  if (runs.length > 0) sql.runs({ id: sweep.id, createdAt: at, priority, hold }, runs);
}

function writeIdentity(
  sql: Statements,
  id: SweepId,
  { identity, codeManifest }: Pick<SweepRecord, "identity" | "codeManifest">,
): void {
  if (identity) sql.identity.run(id, JSON.stringify(identity));
  if (identity && codeManifest) sql.codeTree.run(identity.code, zstdCompressSync(codeManifest));
}

function writeShape(sql: Statements, id: SweepId, number: number, shape: RunShape): void {
  sql.shape.run(
    id,
    number,
    templateToJson(shape.template),
    requestToJson(shape.resources),
    JSON.stringify(shape.limits),
    JSON.stringify(shape.retry),
    JSON.stringify(shape.tags),
  );
}

function writeRunState(sql: Statements, row: RunStateRow): void {
  sql.runState.run(
    row.runId,
    row.sweepId,
    row.state,
    row.reason,
    row.priority,
    row.attempt,
    row.fence ?? null,
    row.failures,
    row.crashes,
    row.givenUp ? 1 : 0,
    row.cancelRequested ? 1 : 0,
    row.paused ? 1 : 0,
    row.avoid ?? null,
    row.notBefore,
    row.finishedAt ?? null,
    row.waitsFor ?? null,
  );
}

function writeAttempt(sql: Statements, attempt: Attempt, at: number): void {
  sql.attempt.run(
    attempt.fence,
    attempt.runId,
    attempt.number,
    attempt.node,
    JSON.stringify(attempt.devices),
    attempt.reserved === undefined ? null : JSON.stringify(attempt.reserved),
    attempt.phase,
    attempt.stopping,
    at,
    attempt.startedAt ?? null,
    attempt.gang?.first ?? null,
    attempt.gang?.size ?? null,
    attempt.behind ?? null,
  );
}

function writeNode(sql: Statements, node: Node): void {
  sql.node.run(
    node.name,
    node.agentId,
    node.machineId,
    node.bootId,
    node.incarnation,
    node.session,
    node.version,
    JSON.stringify(node.labels),
    JSON.stringify(node.host),
    JSON.stringify(node.devices),
    node.cordoned ? 1 : 0,
    node.draining ? 1 : 0,
    node.seenAt,
  );
}
