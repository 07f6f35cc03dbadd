/** Work that several runs ask for is done once: who waits, who has the result, and what happens when the one who does it ends. */
import { describe, expect, test } from "vitest";
import type { RunRow } from "../../../coordinator/core/changes.ts";
import { explain } from "../../../coordinator/core/explain.ts";
import { nodeName, type RunId, runId, type SessionId } from "../../../shared/kernel/ids.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, WALL_MS } from "../../helpers/core-rig.ts";

const WORK = "w";

/** A node with room for three runs, the first sweep's run on it, and a second sweep that asks for the same. */
function shared(patch: { shares?: boolean } = {}) {
  const rig = new CoreRig();
  const { session } = rig.join("a", { devices: [0, 1, 2].map((i) => makeDevice(`a/cpu-${i}`)) });
  rig.submit(1, {}, WORK);
  rig.schedule();
  rig.apply({ kind: "started", session, fence: fenceOf(rig, "run_1_1"), startedAt: WALL_MS });
  rig.submit(1, patch, WORK);
  rig.schedule();
  return { rig, session };
}

function fenceOf(rig: CoreRig, id: string) {
  const fence = rig.cluster.runs.get(runId(id))?.fence;
  if (fence === undefined) throw new Error(`${id} has no fence`);
  return fence;
}

function end(rig: CoreRig, session: SessionId, id: string, outcome: Outcome): void {
  rig.apply({ kind: "finished", session, finish: makeFinish(fenceOf(rig, id), outcome) });
}

function stateOf(rig: CoreRig, id: string): string {
  const run = rig.cluster.runs.get(runId(id));
  if (run) return run.waitsFor === undefined ? run.state : `waits for ${run.waitsFor}`;
  const changes = rig.changes.filter((change) => change.kind === "run-changed" && change.row.runId === id);
  const last = changes.at(-1);
  return last?.kind === "run-changed" ? last.row.state : "none";
}

/** From which run each run has its result. */
function reused(rig: CoreRig): { [run: string]: RunId } {
  return Object.fromEntries(
    rig.changes.flatMap((change) => {
      if (change.kind === "run-reused") return [[change.runId, change.from]];
      if (change.kind !== "sweep-added") return [];
      return change.runs.flatMap(({ id, reusedFrom }) => (reusedFrom === undefined ? [] : [[id, reusedFrom]]));
    }),
  );
}

describe("a point whose work is being done", () => {
  test("waits, and says for whom", () => {
    const { rig } = shared();
    expect(stateOf(rig, "run_2_1")).toBe("waits for run_1_1");
    expect(explain(rig.cluster, runId("run_2_1"), WALL_MS)?.reason).toBe(
      "waits for test.1.1, which does the same work",
    );
    expect(rig.schedule()).toHaveLength(1);
  });

  test("succeeds with it", () => {
    const { rig, session } = shared();
    end(rig, session, "run_1_1", { kind: "succeeded" });
    expect([stateOf(rig, "run_1_1"), stateOf(rig, "run_2_1")]).toEqual(["succeeded", "succeeded"]);
    expect(reused(rig)).toEqual({ run_2_1: "run_1_1" });
    expect(rig.cluster.runs.size + rig.cluster.sweeps.size + rig.cluster.doers.size + rig.cluster.waiters.size).toBe(0);
  });

  test.each<{ outcome: Outcome; first: string }>([
    { outcome: { kind: "failed", exitCode: 1 }, first: "failed" },
    { outcome: { kind: "skipped" }, first: "skipped" },
    { outcome: { kind: "oom" }, first: "failed" },
  ])("is queued for real when that one ends as $outcome.kind", ({ outcome, first }) => {
    const { rig, session } = shared();
    end(rig, session, "run_1_1", outcome);
    expect([stateOf(rig, "run_1_1"), stateOf(rig, "run_2_1")]).toEqual([first, "queued"]);
    rig.schedule();
    expect(stateOf(rig, "run_2_1")).toBe("assigned");
  });

  test("takes over from one that was cancelled, and when the host is lost", () => {
    for (const lost of [false, true]) {
      const { rig, session } = shared();
      rig.submit(1, {}, WORK);
      if (!lost) rig.apply({ kind: "cancel", runIds: [runId("run_1_1")] });
      expect(stateOf(rig, "run_2_1")).toBe("waits for run_1_1");
      end(rig, session, "run_1_1", lost ? { kind: "lost", reason: "stopped" } : { kind: "cancelled" });
      rig.schedule();
      // The first in the queue does it, the others wait for that one.
      const [doer, ...others] = lost ? ["run_1_1", "run_2_1", "run_3_1"] : ["run_2_1", "run_3_1"];
      expect(stateOf(rig, doer ?? "")).toBe("assigned");
      for (const other of others) expect(stateOf(rig, other)).toBe(`waits for ${doer}`);
    }
  });

  test("one that is asked for in spite of it runs beside it, and is waited for too", () => {
    const { rig, session } = shared({ shares: false });
    expect(stateOf(rig, "run_2_1")).toBe("assigned");
    rig.submit(1, {}, WORK);
    expect(stateOf(rig, "run_3_1")).toBe("waits for run_1_1");
    end(rig, session, "run_1_1", { kind: "failed", exitCode: 1 });
    expect(stateOf(rig, "run_3_1")).toBe("waits for run_2_1");
    end(rig, session, "run_2_1", { kind: "succeeded" });
    expect(reused(rig)).toEqual({ run_3_1: "run_2_1" });
  });

  test("one that waits can be cancelled", () => {
    const { rig } = shared();
    rig.apply({ kind: "cancel", runIds: [runId("run_2_1")] });
    expect([stateOf(rig, "run_2_1"), rig.cluster.waiters.size]).toEqual(["cancelled", 0]);
  });
});

describe("work that nobody has begun", () => {
  test("two sweeps queue for it; whoever is placed does it", () => {
    const rig = new CoreRig();
    rig.submit(1, {}, WORK);
    rig.submit(1, { priority: 5 }, WORK);
    expect([stateOf(rig, "run_1_1"), stateOf(rig, "run_2_1")]).toEqual(["queued", "queued"]);
    rig.join("a", { devices: [0, 1].map((i) => makeDevice(`a/cpu-${i}`)) });
    expect(rig.schedule()).toHaveLength(1);
    expect([stateOf(rig, "run_1_1"), stateOf(rig, "run_2_1")]).toEqual(["waits for run_2_1", "assigned"]);
  });

  test("one that fits nowhere holds nobody up", () => {
    const rig = new CoreRig();
    rig.submit(1, { resources: { gpus: 8, cpus: undefined } }, WORK);
    rig.submit(1, {}, WORK);
    rig.join("a");
    rig.schedule();
    expect([stateOf(rig, "run_1_1"), stateOf(rig, "run_2_1")]).toEqual(["waits for run_2_1", "assigned"]);
  });
});

describe("work that was done", () => {
  function done() {
    const rig = new CoreRig();
    const { session } = rig.join("a", { devices: [0, 1, 2].map((i) => makeDevice(`a/cpu-${i}`)) });
    rig.submit(1, {}, WORK);
    rig.schedule();
    end(rig, session, "run_1_1", { kind: "succeeded" });
    return { rig, session };
  }

  test("is reused, unless it is asked for again", () => {
    const { rig } = done();
    expect(rig.submit(2, {}, WORK).map(({ id }) => id)).toEqual(["run_2_2"]);
    expect(reused(rig)).toEqual({ run_2_1: "run_1_1" });
    expect(rig.submit(1, { shares: false }, WORK)).toHaveLength(1);
    const added = rig.changes.filter((change) => change.kind === "sweep-added");
    expect(added.map(({ sweep }) => sweep.reused)).toEqual([0, 1, 0]);
  });

  test("fills the hole that a failed run left, when that is tried again", () => {
    const { rig, session } = shared({ shares: false });
    end(rig, session, "run_1_1", { kind: "failed", exitCode: 1 });
    end(rig, session, "run_2_1", { kind: "succeeded" });
    const sweep = rig.changes.flatMap((change) => (change.kind === "sweep-added" ? [change] : []))[0];
    const row = rig.changes.flatMap((change) =>
      change.kind === "run-changed" && change.row.runId === "run_1_1" ? [change.row] : [],
    );
    const point = sweep?.runs[0] as RunRow;
    const last = row.at(-1);
    if (!sweep || last?.state !== "failed") throw new Error("it failed");
    const core = { ...sweep.sweep, shapes: [...rig.cluster.sweeps.values()][0]?.shapes ?? [] };
    const terminal = { row: { ...last, state: last.state }, sweep: core, point, reused: false };
    rig.apply({ kind: "retry", runIds: [runId("run_1_1")], terminal: [terminal] });
    // Asked twice in one breath: it is live by then, and left alone.
    expect(rig.react({ kind: "retry", runIds: [runId("run_1_1")], terminal: [terminal] }).changes).toEqual([]);
    rig.schedule();
    expect(stateOf(rig, "run_1_1")).toBe("succeeded");
    expect(reused(rig)).toEqual({ run_1_1: "run_2_1" });
  });

  test("a late word of success serves those that queue for the same", () => {
    const rig = new CoreRig();
    const { run, attempt } = rig.running();
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
    rig.apply({ kind: "submit", ...again(rig, run.fingerprint) });
    const finish = makeFinish(attempt.fence, { kind: "succeeded" });
    const report = {
      fence: attempt.fence,
      runId: run.id,
      devices: attempt.devices,
      phase: "finished",
      finish,
    } as const;
    rig.join("a", { attempts: [report], maxFenceSeen: attempt.fence, storeId: "store" });
    expect([stateOf(rig, run.id), stateOf(rig, "run_again")]).toEqual(["succeeded", "succeeded"]);
  });

  function again(rig: CoreRig, fingerprint: string) {
    const added = rig.changes.find((change) => change.kind === "sweep-added");
    if (added?.kind !== "sweep-added") throw new Error("no sweep");
    const { reused: _, ...sweep } = added.sweep;
    const run = { ...(added.runs[0] as RunRow), id: runId("run_again"), fingerprint };
    return { sweep: { ...sweep, id: `${sweep.id}x` as typeof sweep.id, submitId: "again" }, number: 2, runs: [run] };
  }
});

describe("work that failed", () => {
  test("is remembered until it is completed", () => {
    const { rig, session } = shared();
    end(rig, session, "run_1_1", { kind: "failed", exitCode: 1 });
    expect(rig.cluster.failed.get(`v1:${WORK}.1`)).toBe("run_1_1");
    rig.schedule();
    end(rig, session, "run_2_1", { kind: "succeeded" });
    expect(rig.cluster.failed.get(`v1:${WORK}.1`)).toBeUndefined();
    expect(rig.cluster.completed.get(`v1:${WORK}.1`)).toBe("run_2_1");
  });

  test("a cancelled run did not fail", () => {
    const { rig } = shared();
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "cordon" });
    rig.apply({ kind: "cancel", runIds: [runId("run_2_1")] });
    expect(rig.cluster.failed.size).toBe(0);
  });
});
