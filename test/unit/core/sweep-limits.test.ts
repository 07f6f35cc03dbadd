/** What stops a sweep besides failures: its deadline, its GPU hours, and a run that reached the target. */
import { describe, expect, test } from "vitest";
import { hasLimits, opened } from "../../../coordinator/core/sweep-standing.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { type RunId, runId, sweepId } from "../../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../../shared/run/devices.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, WALL_MS } from "../../helpers/core-rig.ts";

const SWEEP = sweepId("swp_1");
const GPUS: ResourceRequest = { gpus: 2, cpus: undefined };
const HOUR_MS = 3_600_000;

/** A node with four GPUs and a sweep of four runs with two each, of which two run. */
function started(patch: Parameters<CoreRig["submit"]>[1]) {
  const rig = new CoreRig();
  const { session } = rig.join("a", { devices: [0, 1, 2, 3].map((i) => makeDevice(`GPU-${i}`, { index: i })) });
  rig.submit(4, { resources: GPUS, ...patch });
  rig.schedule();
  for (const number of [1, 2]) {
    rig.apply({ kind: "started", session, fence: fenceOf(rig, number), startedAt: WALL_MS });
  }
  const end = (number: number, afterMs: number, outcome: Outcome = { kind: "succeeded" }) => {
    const finish = makeFinish(fenceOf(rig, number), outcome, { startedAt: WALL_MS, finishedAt: WALL_MS + afterMs });
    return rig.apply({ kind: "finished", session, finish });
  };
  return { rig, end };
}

function fenceOf(rig: CoreRig, number: number) {
  return required(rig.cluster.runs.get(idOf(number))?.fence, "its fence");
}

function idOf(number: number): RunId {
  return runId(`run_1_${number}`);
}

/** Each run that was cancelled, with the reason. */
function cancelled(rig: CoreRig): { [run: string]: string } {
  return Object.fromEntries(
    rig.changes.flatMap((change) =>
      change.kind === "run-changed" && change.row.state === "cancelled" ? [[change.row.runId, change.row.reason]] : [],
    ),
  );
}

function states(rig: CoreRig): string[] {
  return [1, 2, 3, 4].map((number) => rig.cluster.runs.get(idOf(number))?.state ?? "over");
}

describe("deadline", () => {
  const REASON = "its sweep was stopped: its deadline has passed (deadline = 2023-11-14T22:13:25.000Z)";

  test("what waits is cancelled when it has passed; what runs goes on, and is not tried again", () => {
    const { rig, end } = started({ deadline: WALL_MS + 5_000, retryMax: 3 });
    rig.wallMs += 4_999;
    rig.apply({ kind: "tick" });
    expect(states(rig)).toEqual(["running", "running", "queued", "queued"]);
    rig.wallMs += 1;
    rig.apply({ kind: "tick" });
    expect(states(rig)).toEqual(["running", "running", "over", "over"]);
    expect(cancelled(rig)).toEqual({ run_1_3: REASON, run_1_4: REASON });
    end(1, 6_000);
    end(2, 6_000, { kind: "failed", exitCode: 1 });
    expect(cancelled(rig).run_1_2).toMatch(/its sweep was stopped: its deadline has passed/);
    expect(rig.cluster.runs.size).toBe(0);
  });

  test("is told once, and holds other sweeps up in nothing", () => {
    const { rig } = started({ deadline: WALL_MS + 1 });
    rig.submit(1);
    rig.wallMs += 1;
    rig.apply({ kind: "tick" });
    rig.apply({ kind: "tick" });
    expect(rig.changes.filter((change) => change.kind === "history" && change.what === "sweep-stopped")).toHaveLength(
      1,
    );
    expect(rig.cluster.runs.get(runId("run_2_1"))?.state).toBe("queued");
  });

  test("a retry by the user takes a deadline that has passed away, and leaves one that has not", () => {
    const { rig } = started({ deadline: WALL_MS + 1 });
    rig.wallMs += 1;
    rig.apply({ kind: "tick" });
    const sweep = required(rig.cluster.sweeps.get(SWEEP), "the sweep");
    const changed = rig.changes.find((change) => change.kind === "run-changed" && change.row.runId === idOf(3));
    if (changed?.kind !== "run-changed" || changed.row.state !== "cancelled") throw new Error("not cancelled");
    const row = { ...changed.row, state: "cancelled" } as const;
    const terminal = { row, sweep: { ...sweep }, point: { index: 3, shape: 0, fingerprint: "v1:1.3" }, reused: false };
    rig.apply({ kind: "retry", runIds: [row.runId], terminal: [terminal] });
    rig.apply({ kind: "tick" });
    expect(states(rig)[2]).toBe("queued");
    expect(rig.cluster.sweeps.get(SWEEP)).toMatchObject({ stopped: "", deadline: 0 });
    expect(opened({ deadline: rig.wallMs + 1 }, rig.now).deadline).toBe(rig.wallMs + 1);
  });
});

describe("limits.gpu_hours", () => {
  const REASON = "its sweep was stopped: its GPU hours are used up ([limits] gpu_hours = 3)";

  test("counts the time of every GPU, also of what still runs", () => {
    const { rig, end } = started({ gpuMsMax: 3 * HOUR_MS });
    end(1, HOUR_MS / 2);
    expect(rig.cluster.sweeps.get(SWEEP)).toMatchObject({ gpuMs: HOUR_MS, stopped: "" });
    rig.wallMs = WALL_MS + HOUR_MS - 1;
    rig.apply({ kind: "tick" });
    expect(states(rig)).toEqual(["over", "running", "queued", "queued"]);
    rig.wallMs += 1;
    rig.apply({ kind: "tick" });
    expect(states(rig)).toEqual(["over", "running", "over", "over"]);
    expect(cancelled(rig)).toEqual({ run_1_3: REASON, run_1_4: REASON });
  });

  test("stops with the end of an attempt, in the same step", () => {
    const { rig, end } = started({ gpuMsMax: 3 * HOUR_MS });
    const { changes } = end(1, 2 * HOUR_MS);
    expect(changes).toContainEqual({
      kind: "sweep-changed",
      sweepId: SWEEP,
      failed: 0,
      stopped: REASON,
      gpuMs: 4 * HOUR_MS,
      deadline: 0,
    });
    expect(states(rig)).toEqual(["over", "running", "over", "over"]);
  });

  test("CPU slots cost nothing, and a clock that was set back is no gain", () => {
    const rig = new CoreRig();
    const { session } = rig.join("a", { devices: [makeDevice("a/cpu-0"), makeDevice("GPU-0")] });
    rig.submit(3, { gpuMsMax: HOUR_MS, resources: { gpus: 0, cpus: 1 } });
    rig.schedule();
    const finish = makeFinish(fenceOf(rig, 1), { kind: "succeeded" }, { finishedAt: WALL_MS + 9 * HOUR_MS });
    rig.apply({ kind: "finished", session, finish });
    expect(rig.cluster.sweeps.get(SWEEP)?.gpuMs).toBe(0);
    const other = started({ gpuMsMax: HOUR_MS });
    other.end(1, -5_000);
    expect(other.rig.cluster.sweeps.get(SWEEP)?.gpuMs).toBe(0);
  });
});

describe("objective.target", () => {
  const why = "test.1.1 has loss = 0.5, the target is 0.6";
  const event = { kind: "stop-sweep", sweepId: SWEEP, why, from: "[objective] target" } as const;
  const REASON = "its sweep was stopped: test.1.1 has loss = 0.5, the target is 0.6 ([objective] target)";

  test("what waits is cancelled with the run that reached it; what runs goes on", () => {
    const { rig, end } = started({});
    end(1, 5);
    rig.apply(event);
    expect(states(rig)).toEqual(["over", "running", "over", "over"]);
    expect(cancelled(rig)).toEqual({ run_1_3: REASON, run_1_4: REASON });
    expect(rig.react({ ...event, why: "again" }).changes).toEqual([]);
    end(2, 5, { kind: "lost", reason: "reboot" });
    expect(cancelled(rig).run_1_2).toContain(REASON);
  });

  test("a sweep that is over already is left alone", () => {
    const rig = new CoreRig();
    expect(rig.apply(event).changes).toEqual([]);
  });
});

test("a sweep without limits is not looked at", () => {
  const { rig } = started({});
  const sweep = required(rig.cluster.sweeps.get(SWEEP), "the sweep");
  expect(hasLimits(sweep)).toBe(false);
  expect(hasLimits({ ...sweep, stopped: "by a target" })).toBe(true);
});
