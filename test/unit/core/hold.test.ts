/** Pause, resume, edit, hold and after. */
import { describe, expect, test } from "vitest";
import { explain } from "../../../coordinator/core/explain.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { runId, sweepId } from "../../../shared/kernel/ids.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish } from "../../helpers/core-rig.ts";

const ONE = runId("run_1_1");
const HELD = "by the user; `exp resume` lets it go";

function end(rig: CoreRig, outcome: Outcome): void {
  const [attempt] = rig.cluster.attempts.values();
  const { fence, node } = required(attempt, "an attempt");
  const { session } = required(rig.cluster.nodes.get(node), "its node");
  rig.apply({ kind: "finished", session, finish: makeFinish(fence, outcome) });
}

describe("pause", () => {
  test("holds a queued run; resume lets it go, at its place", () => {
    const rig = new CoreRig();
    rig.submit(2);
    rig.apply({ kind: "pause", runIds: [ONE] });
    expect(rig.cluster.runs.get(ONE)).toMatchObject({ state: "held", reason: HELD, paused: true });
    expect(explain(rig.cluster, ONE, rig.wallMs)?.reason).toBe(`held: ${HELD}`);
    rig.join("a");
    expect(rig.schedule().map((attempt) => attempt.runId)).toEqual(["run_1_2"]);
    rig.apply({ kind: "resume", runIds: [ONE] });
    expect(rig.cluster.runs.get(ONE)).toMatchObject({ state: "queued", reason: "", paused: false });
    end(rig, { kind: "succeeded" });
    expect(rig.schedule().map((attempt) => attempt.runId)).toEqual([ONE]);
  });

  test.each<[string, Outcome, object]>([
    ["is lost", { kind: "lost", reason: "reboot" }, { state: "held", reason: `${HELD} (lost: the host rebooted)` }],
    [
      "fails with tries left",
      { kind: "failed", exitCode: 1 },
      { state: "held", failures: 1, reason: `${HELD} (exit code 1 (retry 1 of 1))` },
    ],
    ["succeeds", { kind: "succeeded" }, {}],
  ])("a running run goes on, and when it %s", (_, outcome, after) => {
    const rig = new CoreRig();
    const { run } = rig.running({ retryMax: 1 });
    const { commands } = rig.apply({ kind: "pause", runIds: [run.id] });
    expect(commands).toEqual([]);
    expect(run).toMatchObject({ state: "running", paused: true });
    end(rig, outcome);
    if (outcome.kind === "succeeded") expect(rig.cluster.runs.has(run.id)).toBe(false);
    else expect(rig.cluster.runs.get(run.id)).toMatchObject(after);
  });

  test("resume before it comes back leaves no trace", () => {
    const rig = new CoreRig();
    const { run } = rig.running();
    rig.apply({ kind: "pause", runIds: [run.id] });
    rig.apply({ kind: "resume", runIds: [run.id] });
    end(rig, { kind: "lost", reason: "reboot" });
    expect(rig.cluster.runs.get(run.id)?.state).toBe("queued");
  });

  test("a held run can be cancelled, and retried", () => {
    const rig = new CoreRig();
    rig.submit(2);
    rig.apply({ kind: "pause", runIds: [ONE, runId("run_1_2")] });
    rig.apply({ kind: "cancel", runIds: [ONE] });
    expect(rig.cluster.runs.has(ONE)).toBe(false);
    rig.apply({ kind: "retry", runIds: [runId("run_1_2")], terminal: [] });
    expect(rig.cluster.runs.get(runId("run_1_2"))).toMatchObject({ state: "queued", paused: false });
  });

  test("one that waits for the same work of another no longer does", () => {
    const rig = new CoreRig();
    rig.join("a");
    rig.submit(1, {}, "v1:work");
    rig.schedule();
    const [twin] = rig.submit(1, {}, "v1:work");
    const { id, waitsFor } = required(twin, "the twin");
    expect(waitsFor).toBe(ONE);
    rig.apply({ kind: "pause", runIds: [id] });
    expect(rig.cluster.runs.get(id)).toMatchObject({ state: "held", waitsFor: undefined });
    end(rig, { kind: "succeeded" });
    rig.apply({ kind: "resume", runIds: [id] });
    rig.apply({ kind: "schedule" });
    expect(rig.cluster.runs.has(id)).toBe(false);
  });
});

test("a sweep with hold starts held", () => {
  const rig = new CoreRig();
  rig.join("a");
  rig.submit(1, { hold: true });
  expect(rig.cluster.runs.get(ONE)).toMatchObject({ state: "held", reason: HELD, paused: true });
  expect(rig.schedule()).toEqual([]);
  rig.apply({ kind: "resume", runIds: [ONE] });
  expect(rig.schedule()).toHaveLength(1);
});

test("resume lets go what was held for its crashes, and forgets them", () => {
  const rig = new CoreRig();
  const { run } = rig.running();
  for (let i = 0; run.state !== "held"; i++) {
    expect(i).toBeLessThan(10);
    end(rig, { kind: "lost", reason: "reboot" });
    rig.wallMs += 400_000;
    rig.apply({ kind: "tick" });
    rig.schedule();
  }
  rig.apply({ kind: "resume", runIds: [run.id] });
  expect(run).toMatchObject({ state: "queued", crashes: 0, paused: false });
});

test("edit changes the place in the queue", () => {
  const rig = new CoreRig();
  rig.submit(3);
  rig.apply({ kind: "edit", runIds: [runId("run_1_3")], priority: 7 });
  expect(rig.react({ kind: "edit", runIds: [runId("run_1_3")], priority: 7 }).changes).toEqual([]);
  rig.join("a");
  expect(rig.schedule().map((attempt) => attempt.runId)).toEqual(["run_1_3"]);
});

test("a run's own priority counts before that of its sweep", () => {
  const rig = new CoreRig();
  rig.submit(1, { priority: 5 });
  rig.submit(1, { priority: 0 });
  rig.apply({ kind: "edit", runIds: [runId("run_2_1")], priority: 6 });
  rig.join("a");
  expect(rig.schedule().map((attempt) => attempt.runId)).toEqual(["run_2_1"]);
});

describe("after", () => {
  test("waits until the other sweep is over, however it ended", () => {
    const rig = new CoreRig();
    rig.join("a", { devices: [makeDevice("a/cpu-0"), makeDevice("a/cpu-1")] });
    rig.submit(2);
    const [later] = rig.submit(1, { after: [sweepId("swp_1")] });
    expect(rig.schedule()).toHaveLength(2);
    const { id } = required(later, "the later run");
    expect(explain(rig.cluster, id, rig.wallMs)?.reason).toBe("waits until test.1 (2 runs left) is over");
    end(rig, { kind: "failed", exitCode: 1 });
    expect(rig.schedule()).toHaveLength(1);
    expect(explain(rig.cluster, id, rig.wallMs)?.reason).toBe("waits until test.1 (1 run left) is over");
    end(rig, { kind: "succeeded" });
    expect(rig.schedule().map((attempt) => attempt.runId)).toEqual([id]);
  });

  test("one that is over already is not waited for", () => {
    const rig = new CoreRig();
    rig.join("a");
    rig.submit(1, { after: [sweepId("swp_long_ago")] });
    expect(rig.schedule()).toHaveLength(1);
  });
});
