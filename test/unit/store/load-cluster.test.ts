/** The store says what memory says: whole simulated histories, with crashes, on a real SQLite file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Change } from "../../../coordinator/core/changes.ts";
import { type Database, openDatabase, transaction } from "../../../coordinator/store/database.ts";
import { beginTerm, loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { createTerminalRunLoader } from "../../../coordinator/store/terminal-runs.ts";
import { createWriter } from "../../../coordinator/store/write-change.ts";
import { fence, nodeName, runId } from "../../../shared/kernel/ids.ts";
import { CoreRig, makeDevice, makeFinish, WALL_MS } from "../../helpers/core-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";
import { simulate } from "../../sim/simulation.ts";
import { SqliteStore } from "../../sim/sqlite-store.ts";

let dir = "";
let db: Database;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-store-"));
  db = openDatabase(join(dir, "store.db"));
});

afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

function rows(sql: string): unknown[] {
  return db.prepare(sql).all();
}

/** Writes what a rig decided, and compares what a start would load with its memory. */
function check(rig: CoreRig): void {
  const write = createWriter(db);
  transaction(db, () => {
    for (const change of rig.changes.splice(0)) write(change);
  });
  const loaded = loadCluster(db, 1, 0);
  expect(compareClusters({ ...loaded, storeId: rig.cluster.storeId }, rig.cluster)).toBeUndefined();
}

describe("a start loads what memory was", () => {
  // Each history compares at every crash and at its end; a difference is a violation like any other.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("simulated history %i", { timeout: 60_000 }, (seed) => {
    db.exec("PRAGMA synchronous = OFF");
    const result = simulate(seed, { store: new SqliteStore(db) });
    expect(result.violation).toBeUndefined();
    // The model of the store in the simulator tells the truth: the same seed goes the same way with it.
    expect(result.hash).toBe(simulate(seed).hash);
    expect(result.runs).toBeGreaterThan(0);
  });

  test("an empty store", () => {
    expect(loadCluster(db, 1, 0)).toMatchObject({ nextFence: 1, nextSweepSeq: 1, nextSession: 1_000_000 });
  });

  test("each kind of change", () => {
    const rig = new CoreRig();
    const { attempt, run, session } = rig.running({
      parallel: 2,
      retryMax: 1,
      resources: { gpus: undefined, cpus: 1 },
    });
    rig.submit(3, { priority: 4 });
    check(rig);
    rig.apply({ kind: "cancel", runIds: [runId("run_2_3")] });
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "cordon" });
    rig.apply({
      kind: "devices",
      session,
      devices: [makeDevice("a/cpu-0"), makeDevice("GPU-7", { health: "unknown" })],
    });
    check(rig);
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
    check(rig);
    const report = { fence: attempt.fence, runId: run.id, devices: attempt.devices };
    rig.join("a", {
      attempts: [{ ...report, phase: "running", startedAt: WALL_MS }],
      maxFenceSeen: 90,
      storeId: "store",
    });
    expect(rig.cluster.attempts.get(fence(1))?.phase).toBe("running");
    check(rig);
    const finish = makeFinish(attempt.fence, { kind: "failed", exitCode: 1 }, { finalSizes: { output: 12 } });
    const node = rig.cluster.nodes.get(nodeName("a"));
    rig.apply({ kind: "finished", session: node?.session ?? session, finish });
    check(rig);
    expect(rows("SELECT phase, outcome_json, final_sizes_json, sealed FROM attempts")).toEqual([
      { phase: "ended", outcome_json: '{"kind":"failed","exitCode":1}', final_sizes_json: '{"output":12}', sealed: 0 },
    ]);
    rig.apply({ kind: "sealed", fence: attempt.fence });
    check(rig);
    expect(rows("SELECT sealed FROM attempts")).toEqual([{ sealed: 1 }]);
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "uncordon" });
    rig.wallMs += 1_000_000;
    rig.apply({ kind: "tick" });
    expect(rig.schedule().map((each) => each.fence)).toContain(91);
    check(rig);
  });

  test("a run that is revived from the store is as it was", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    const finish = makeFinish(attempt.fence, { kind: "failed", exitCode: 1 });
    rig.apply({ kind: "finished", session, finish });
    check(rig);
    const terminal = createTerminalRunLoader(db)(run.id);
    expect(terminal).toMatchObject({ row: { state: "failed", attempt: 1 }, point: { index: 1 }, reused: false });
    rig.apply({ kind: "retry", runIds: [run.id], terminal: terminal ? [terminal] : [] });
    check(rig);
    expect(createTerminalRunLoader(db)(run.id)).toBeUndefined();
  });

  test("points taken from earlier work are terminal from the start", () => {
    const rig = new CoreRig();
    rig.submit(2);
    const [added] = rig.changes.splice(0, rig.changes.length);
    if (added?.kind !== "sweep-added") throw new Error("no sweep");
    const reused: Change = {
      ...added,
      runs: added.runs.map((point, i) => (i === 0 ? { ...point, reusedFrom: runId("run_old") } : point)),
    };
    createWriter(db)(reused);
    expect([...loadCluster(db, 1, 0).runs.keys()]).toEqual(["run_1_2"]);
    expect(createTerminalRunLoader(db)(runId("run_1_1"))).toMatchObject({ reused: true, row: { state: "succeeded" } });
  });

  test("a completed configuration names the last run that completed it", () => {
    const write = createWriter(db);
    for (const id of ["run_a", "run_b"]) write({ kind: "completed-added", fingerprint: "v1:x", runId: runId(id) });
    expect(rows("SELECT * FROM completed")).toEqual([{ fingerprint: "v1:x", run_id: "run_b" }]);
  });

  test("terms grow, the store keeps its identity", () => {
    expect([beginTerm(db), beginTerm(db), beginTerm(db)]).toEqual([1, 2, 3]);
    const first = loadCluster(db, 3, 0);
    expect(first.storeId).not.toBe("");
    expect(loadCluster(db, 4, 0)).toMatchObject({ storeId: first.storeId, nextSession: 4_000_000 });
  });
});
