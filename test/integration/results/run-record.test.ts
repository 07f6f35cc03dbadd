/** What the store says of a run for its results directory, and where the output of an attempt belongs. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectRun } from "../../../coordinator/results/project.ts";
import { runDirectory } from "../../../coordinator/results/run-directory.ts";
import { createAnnotations } from "../../../coordinator/store/annotations.ts";
import { type Database, openDatabase } from "../../../coordinator/store/database.ts";
import { createOriginWriter } from "../../../coordinator/store/origins.ts";
import { createAttemptLocator, createRunRecordLoader } from "../../../coordinator/store/run-record.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { deviceUuid, fence, runId } from "../../../shared/kernel/ids.ts";
import type { Device } from "../../../shared/run/devices.ts";
import { FloatParam } from "../../../shared/spec/types.ts";
import { createSeeder, SEED_TIME } from "../../helpers/seed-store.ts";

let db: Database;
let root: string;

beforeEach(() => {
  db = openDatabase(":memory:");
  root = mkdtempSync(join(tmpdir(), "exp-record-"));
});

afterEach(() => {
  db.close();
  rmSync(root, { recursive: true, force: true });
});

function gpu(index: number): Device {
  const uuid = deviceUuid(`GPU-${index}`);
  return { uuid, index, kind: "gpu", model: "A100", memoryBytes: 80e9, health: "clean", reason: "", foreign: [] };
}

function seed() {
  const seeder = createSeeder(db);
  const sweep = seeder.sweep({
    name: "digits",
    runs: [
      { state: "failed", reason: "exit code 1", params: '{"lr":1.0,"optim.steps":3}', devices: ["GPU-1"] },
      { state: "cancelled", reason: "cancelled by the user" },
    ],
  });
  db.prepare("DELETE FROM attempts WHERE run_id = ?").run(required(sweep.runIds[1], "run 2"));
  seeder.node("gpu-01", [gpu(0), gpu(1)]);
  return { sweep, seeder };
}

test("a run with its attempts and their devices", () => {
  const { sweep, seeder } = seed();
  const id = required(sweep.runIds[0], "run 1");
  seeder.attempt(id, 2, { state: "failed", outcome: { kind: "signalled", signal: 9 }, devices: ["GPU-gone"] });
  const record = createRunRecordLoader(db)(id);
  expect(record).toMatchObject({
    runRef: "digits.1.1",
    sweepRef: "digits.1",
    sweepName: "digits",
    state: "failed",
    reason: "exit code 1",
    command: "python train.py",
    cwd: "/w",
    firstAssignedAt: SEED_TIME + 1_000,
    finishedAt: SEED_TIME + 5_000,
  });
  expect([...record.params]).toEqual([
    ["lr", new FloatParam(1)],
    ["optim.steps", 3],
  ]);
  expect(record.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
    [1, { kind: "failed", exitCode: 3 }],
    [2, { kind: "signalled", signal: 9 }],
  ]);
  expect(record.attempts.map(({ devices }) => devices)).toEqual([
    [{ uuid: "GPU-1", index: 1, kind: "gpu" }],
    [{ uuid: "GPU-gone", index: undefined, kind: undefined }],
  ]);
});

test("tags and note that people gave it, beside the tags of its sweep; its name in one of EXP's own files", () => {
  const { sweep } = seed();
  const [id, other] = [required(sweep.runIds[0], "run 1"), required(sweep.runIds[1], "run 2")];
  const load = createRunRecordLoader(db);
  expect(load(id)).toMatchObject({ tags: [], note: "" });
  db.prepare("UPDATE sweeps SET tags_json = ?").run('["base"]');
  createAnnotations(db).set(id, { tags: ["paper", "base"], note: "table 2" });
  expect(load(id)).toMatchObject({ tags: ["base", "paper"], note: "table 2" });
  expect(load(other)).toMatchObject({ tags: ["base"], note: "" });
  expect(load(id)).not.toHaveProperty("expEntry");
  const named = (name: string) =>
    db
      .prepare("UPDATE sweep_shapes SET template_json = json_set(template_json, '$.env', json(?))")
      .run(JSON.stringify({ EXPERIMENT_NAME: name }));
  named("cost $$5");
  db.prepare("UPDATE runs SET params_json = ?").run('{"description":"small net"}');
  expect(load(id)).toMatchObject({ expEntry: { name: "cost $5", description: "small net" } });
  named("run-${lr}");
  expect(load(id)).not.toHaveProperty("expEntry");
});

test("the run that it repeats, and when that one began", () => {
  const { sweep, seeder } = seed();
  const first = required(sweep.runIds[0], "run 1");
  const again = seeder.sweep({ name: "again", runs: [{ state: "succeeded" }] });
  createOriginWriter(db)(again.id, { originJson: "null", snapshot: undefined, repeats: first, resumes: false });
  const { provenance } = createRunRecordLoader(db)(required(again.runIds[0], "the repetition"));
  expect(provenance).toMatchObject({ repeats: "digits.1.1", repeatsAssignedAt: SEED_TIME + 1_000 });
});

test("a run that never began is named after the time it was made", () => {
  const { sweep } = seed();
  const record = createRunRecordLoader(db)(required(sweep.runIds[1], "run 2"));
  expect(record).toMatchObject({ attempts: [], firstAssignedAt: SEED_TIME, createdAt: SEED_TIME });
  const directory = runDirectory(root, record);
  projectRun(record, directory);
  expect(JSON.parse(readFileSync(join(directory, "run.json"), "utf8"))).toMatchObject({ error_type: "Cancelled" });
});

test("an attempt is found by its fence, in the directory of its run's first attempt", () => {
  const { sweep, seeder } = seed();
  const locate = createAttemptLocator(db);
  const id = required(sweep.runIds[0], "run 1");
  const second = seeder.attempt(id, 2, { state: "running" });
  db.prepare("UPDATE attempts SET assigned_at = assigned_at + 60000 WHERE fence = ?").run(second);
  const place = required(locate(second), "the second attempt");
  expect(place).toMatchObject({ sweepRef: "digits.1", runRef: "digits.1.1", attempt: 2 });
  expect(place.agentId).not.toBe("");
  expect(runDirectory(root, place)).toBe(runDirectory(root, createRunRecordLoader(db)(id)));
  expect(locate(fence(999))).toBeUndefined();
});

test("an unknown run is a bug of the caller", () => {
  expect(() => createRunRecordLoader(db)(runId("run_none"))).toThrow(/run_none is missing/);
});
