/** Imported runs: terminal rows that memory knows nothing of but the numbers they took, found again by what they did. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NewSweep } from "../../../coordinator/core/events.ts";
import type { ImportEvent, NewImportedRun } from "../../../coordinator/core/imported.ts";
import { type Database, openDatabase, transaction } from "../../../coordinator/store/database.ts";
import { createImports } from "../../../coordinator/store/imports.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { createQueries } from "../../../coordinator/store/queries/queries.ts";
import { createTerminalRunLoader } from "../../../coordinator/store/terminal-runs.ts";
import { createWriter } from "../../../coordinator/store/write-change.ts";
import { type RunId, runId, sweepId } from "../../../shared/kernel/ids.ts";
import type { RunShape } from "../../../shared/spec/types.ts";
import { CoreRig, makeShape } from "../../helpers/core-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";

let dir = "";
let db: Database;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-imports-"));
  db = openDatabase(join(dir, "store.db"));
});

afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

const SHAPE: RunShape = {
  template: { command: "python x.py", args: "none", cwd: "/", env: {} },
  resources: { gpus: undefined, cpus: undefined },
  limits: { timeMs: 0, idleMs: 0, stopGraceMs: 0 },
  retry: { max: 0 },
  tags: ["demo"],
};

function aRun(index: number, more: Partial<NewImportedRun> = {}): NewImportedRun {
  return {
    id: runId(`run_i${index}`),
    index,
    shape: 0,
    fingerprint: `v2:${String(index).padStart(64, "0")}`,
    paramsJson: `{"lr":${index}}`,
    startedAt: 1000 * index,
    finishedAt: 1000 * index + 500,
    metrics: [
      { key: "acc", value: index / 10, step: 3, count: 3 },
      { key: "loss", value: Number.NaN, step: undefined, count: 1 },
    ],
    key: `config:${index}`,
    comparedText: `{"lr":${index}}`,
    origin: `origin ${index}`,
    directory: `/data/root/d${index}`,
    ...more,
  };
}

function aSweep(): NewSweep {
  const rig = new CoreRig();
  rig.submit(1);
  const added = rig.changes.find((change) => change.kind === "sweep-added");
  if (added?.kind !== "sweep-added") throw new Error("no sweep");
  return added.sweep;
}

/** Submits one run that an imported one may stand for; gives the run that it is taken from. */
function submitOver(rig: CoreRig, number: number, shares: boolean, imported: RunId): RunId | undefined {
  const sweep = {
    ...aSweep(),
    id: sweepId(`swp_over_${number}`),
    submitId: `over-${number}`,
    shapes: [makeShape()],
    shares,
  };
  const run = { id: runId(`run_over_${number}`), index: 1, shape: 0, priority: undefined, paramsJson: "{}" };
  const { changes } = rig.apply({
    kind: "submit",
    sweep,
    number: 100 + number,
    runs: [{ ...run, fingerprint: `v2:${"a".repeat(64)}`, imported }],
  });
  const [added] = changes;
  return added?.kind === "sweep-added" ? added.runs[0]?.reusedFrom : undefined;
}

function anImport(runs: readonly NewImportedRun[], into = false): ImportEvent {
  const id = sweepId("swp_imported");
  return {
    kind: "import",
    sweep: {
      ...aSweep(),
      ...{ id, name: "before", submitId: "import-1", shapes: [], sourcePath: "/data/root", description: "imported" },
    },
    number: 1,
    into: into ? id : undefined,
    shapes: into ? [] : [{ number: 0, shape: SHAPE }],
    runs,
  };
}

function check(rig: CoreRig): void {
  const write = createWriter(db);
  transaction(db, () => {
    for (const change of rig.changes.splice(0)) write(change);
  });
  const loaded = loadCluster(db, 1, 0);
  expect(compareClusters({ ...loaded, storeId: rig.cluster.storeId }, rig.cluster)).toBeUndefined();
}

test("memory and store agree before, between and after imports", () => {
  const rig = new CoreRig();
  rig.running();
  check(rig);
  rig.apply(anImport([aRun(1), aRun(2)]));
  check(rig);
  rig.submit(1);
  check(rig);
  rig.apply(anImport([aRun(3)], true));
  check(rig);
  expect(db.prepare("SELECT name, number, total FROM sweeps WHERE name = 'before'").all()).toEqual([
    { name: "before", number: 1, total: 3 },
  ]);
});

test("they are listed as any others, and stand for what they did", () => {
  const rig = new CoreRig();
  rig.apply(anImport([aRun(1), aRun(2, { key: "config:1", finishedAt: 1 }), aRun(3, { key: undefined })]));
  check(rig);
  const queries = createQueries(db);
  expect(queries.runs.get(runId("run_i1"))).toMatchObject({
    ...{ ref: "before.1.1", state: "succeeded", paramsJson: '{"lr":1}', attempt: 1, node: "(imported)", exitCode: 0 },
    ...{ metrics: { acc: 0.1, loss: Number.NaN }, startedAt: 1000, finishedAt: 1500, sealed: true },
  });
  expect(queries.sweeps.get(sweepId("swp_imported"))).toMatchObject({
    total: 3,
    counts: { succeeded: 3 },
    state: "succeeded",
  });
  const [selection] = queries.refs.resolve(["before.1"]);
  expect(
    selection && queries.best.rank(selection, { metric: "acc", goal: "maximize" }, 9).map(({ runId: id }) => id),
  ).toEqual([...["run_i3", "run_i2", "run_i1"]]);
  const imports = createImports(db);
  // By the time they ended: the second did first.
  expect([1, 2, 3].map((nth) => imports.find("config:1", nth))).toEqual(["run_i2", "run_i1", undefined]);
  expect(imports.known(["origin 1", "origin 9"])).toEqual(new Set(["origin 1"]));
  expect([...imports.configs()].map(({ id }) => id)).toEqual(["run_i1", "run_i2"]);
  expect(imports.directory(runId("run_i3"))).toBe("/data/root/d3");
  expect(imports.directory(runId("run_other"))).toBeUndefined();
  expect(imports.sweepOf("import-1")).toMatchObject({
    name: "before",
    number: 1,
    total: 3,
    shapes: [{ tagsJson: '["demo"]' }],
  });
  expect(imports.sweepOf("import-2")).toBeUndefined();
});

test("nothing was ever imported", () => {
  expect(createImports(db).isEmpty()).toBe(true);
});

test("a new run stands on an imported one, unless it is asked for again", () => {
  const rig = new CoreRig();
  rig.apply(anImport([aRun(1)]));
  expect(submitOver(rig, 1, true, runId("run_i1"))).toBe("run_i1");
  check(rig);
  expect(submitOver(rig, 2, false, runId("run_i1"))).toBeUndefined();
  check(rig);
});

test("a retry leaves imported runs alone", () => {
  const rig = new CoreRig();
  rig.apply(anImport([aRun(1)]));
  check(rig);
  const terminal = createTerminalRunLoader(db)(runId("run_i1"));
  rig.apply({ kind: "retry", runIds: [runId("run_i1")], terminal: terminal ? [terminal] : [] });
  expect(rig.changes).toEqual([]);
});
