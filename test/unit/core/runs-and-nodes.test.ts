/** What users ask of runs and nodes, and what time brings. */
import { describe, expect, test } from "vitest";
import type { NodeAction, TerminalRun } from "../../../coordinator/core/events.ts";
import { requeueAfterMs } from "../../../coordinator/core/settings.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { type Fence, fence, nodeName, runId, sessionId } from "../../../shared/kernel/ids.ts";
import type { TerminalState } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, WALL_MS } from "../../helpers/core-rig.ts";

const A = nodeName("a");

describe("cancel", () => {
  test("a queued run ends at once", () => {
    const rig = new CoreRig();
    const [run] = rig.submit(1);
    const { commands } = rig.apply({ kind: "cancel", runIds: [required(run, "run").id] });
    expect(commands).toEqual([]);
    expect(rig.cluster.runs.size).toBe(0);
    expect(rig.cluster.groups.size).toBe(0);
    expect(rig.cluster.sweeps.size).toBe(0);
  });

  test("a running one is told to stop, once, and it is written first", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    const { changes, commands } = rig.apply({ kind: "cancel", runIds: [run.id, run.id] });
    expect(commands).toEqual([{ kind: "kill", session, fence: attempt.fence, reason: "cancel" }]);
    expect(changes.map(({ kind }) => kind)).toEqual(["run-changed", "history", "attempt-changed"]);
    expect(run).toMatchObject({ state: "running", cancelRequested: true });
    expect(attempt.stopping).toBe("cancel");
    expect(rig.apply({ kind: "cancel", runIds: [run.id] })).toEqual({ changes: [], commands: [] });
  });

  test("while its node is away it is only written", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    rig.apply({ kind: "disconnected", session });
    expect(rig.apply({ kind: "cancel", runIds: [run.id] }).commands).toEqual([]);
    expect(attempt.stopping).toBe("cancel");
  });

  test("a run whose node never comes back is cancelled when its lease has passed", () => {
    const rig = new CoreRig();
    const { run, session } = rig.running();
    rig.apply({ kind: "disconnected", session });
    rig.apply({ kind: "cancel", runIds: [run.id] });
    rig.monotonicMs = requeueAfterMs(rig.settings) + 1;
    rig.apply({ kind: "tick" });
    expect(rig.cluster.runs.size).toBe(0);
    const rows = rig.changes.flatMap((change) => (change.kind === "run-changed" ? [change.row.state] : []));
    expect(rows.at(-1)).toBe("cancelled");
  });

  test("one that is being stopped for its node is cancelled in the end", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    rig.apply({ kind: "node-action", name: A, action: "stop" });
    rig.apply({ kind: "cancel", runIds: [run.id] });
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "lost", reason: "stopped" }) });
    expect(rig.cluster.runs.size).toBe(0);
  });

  test("an unknown run is left alone", () => {
    expect(new CoreRig().apply({ kind: "cancel", runIds: [runId("run_x")] })).toEqual({ changes: [], commands: [] });
  });
});

describe("retry", () => {
  function terminal(state: TerminalState, patch: Partial<TerminalRun> = {}): TerminalRun {
    const row = {
      runId: runId("run_9_1"),
      sweepId: required([...rig.cluster.sweeps.keys()][0], "sweep"),
      state,
      reason: "exit code 1",
      priority: 0,
      attempt: 3,
      fence: fence(7),
      failures: 2,
      crashes: 1,
      givenUp: true,
      cancelRequested: true,
      paused: true,
      avoid: nodeName("a"),
      notBefore: 5,
      waitsFor: undefined,
      finishedAt: WALL_MS,
    } as const;
    const sweep = required([...rig.cluster.sweeps.values()][0], "sweep");
    return {
      row: { ...row, state },
      sweep,
      point: { index: 2, shape: 0, fingerprint: "v1:x" },
      reused: false,
      ...patch,
    };
  }
  let rig = new CoreRig();
  const fresh = (): void => {
    rig = new CoreRig();
    rig.submit(1);
  };

  test.each([
    { what: "failed", patch: {}, state: "failed", revived: true },
    { what: "cancelled", patch: {}, state: "cancelled", revived: true },
    { what: "skipped", patch: {}, state: "skipped", revived: true },
    { what: "succeeded", patch: {}, state: "succeeded", revived: false },
    { what: "reused from earlier work", patch: { reused: true }, state: "failed", revived: false },
  ] as const)("$what: queued again $revived", ({ patch, state, revived }) => {
    fresh();
    rig.apply({ kind: "retry", runIds: [], terminal: [terminal(state, patch)] });
    const run = rig.cluster.runs.get(runId("run_9_1"));
    expect(run !== undefined).toBe(revived);
    if (!run) return;
    const counters = { failures: 0, crashes: 0, givenUp: false, cancelRequested: false, notBefore: 0, reason: "" };
    expect(run).toMatchObject({ state: "queued", attempt: 3, ...counters });
  });

  test("one that is named twice is revived once", () => {
    fresh();
    const { changes } = rig.apply({ kind: "retry", runIds: [], terminal: [terminal("failed"), terminal("failed")] });
    expect(changes.filter(({ kind }) => kind === "run-revived")).toHaveLength(1);
  });

  test("a delayed one starts now; a running one is left alone", () => {
    rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retryMax: 1 });
    expect(rig.apply({ kind: "retry", runIds: [run.id], terminal: [] }).changes).toEqual([]);
    const finish = makeFinish(attempt.fence, { kind: "failed", exitCode: 1 });
    rig.apply({ kind: "finished", session, finish });
    expect(rig.cluster.delayed.size).toBe(1);
    rig.apply({ kind: "retry", runIds: [run.id], terminal: [] });
    expect(rig.cluster.delayed.size).toBe(0);
    expect(rig.schedule()).toHaveLength(1);
  });
});

describe("nodes", () => {
  test.each<{ before: NodeAction; action: NodeAction; cordoned: boolean; draining: boolean }>([
    { before: "uncordon", action: "cordon", cordoned: true, draining: false },
    { before: "uncordon", action: "drain", cordoned: false, draining: true },
    { before: "uncordon", action: "stop", cordoned: false, draining: true },
    { before: "cordon", action: "uncordon", cordoned: false, draining: false },
    { before: "cordon", action: "drain", cordoned: true, draining: true },
    { before: "drain", action: "cordon", cordoned: true, draining: true },
    { before: "drain", action: "uncordon", cordoned: false, draining: false },
    { before: "stop", action: "cordon", cordoned: true, draining: true },
  ])("$before, then $action", ({ before, action, cordoned, draining }) => {
    const rig = new CoreRig();
    const { session } = rig.join("a");
    rig.apply({ kind: "node-action", name: A, action: before });
    const { commands } = rig.apply({ kind: "node-action", name: A, action });
    expect(rig.cluster.nodes.get(A)).toMatchObject({ cordoned, draining });
    expect(commands).toEqual([{ kind: "drain", session, draining }]);
    rig.submit(1);
    expect(rig.schedule()).toHaveLength(cordoned || draining ? 0 : 1);
  });

  test("stop tells every attempt once, and what runs goes back to the queue", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    const { commands } = rig.apply({ kind: "node-action", name: A, action: "stop" });
    expect(commands).toContainEqual({ kind: "kill", session, fence: attempt.fence, reason: "stop" });
    const again = rig.apply({ kind: "node-action", name: A, action: "stop" }).commands;
    expect(again.map(({ kind }) => kind)).toEqual(["drain"]);
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "lost", reason: "stopped" }) });
    expect(run).toMatchObject({ state: "queued", notBefore: 0, failures: 0, crashes: 0 });
  });

  test("a node that nobody knows is left alone", () => {
    const reaction = new CoreRig().apply({ kind: "node-action", name: nodeName("zz"), action: "drain" });
    expect(reaction).toEqual({ changes: [], commands: [] });
  });
});

describe("heartbeats", () => {
  test("renew what is this node's, and kill what is not", () => {
    const rig = new CoreRig();
    const { attempt, session } = rig.running();
    rig.monotonicMs = 5_000;
    const stray: Fence = fence(99);
    const beat = { kind: "heartbeat", session, seq: 4, fences: [attempt.fence, stray] } as const;
    expect(rig.apply(beat).commands).toEqual([
      { kind: "heartbeat-ack", session, seq: 4, renewed: [attempt.fence] },
      { kind: "kill", session, fence: stray, reason: "superseded" },
    ]);
    expect(rig.cluster.nodes.get(A)?.lastHeardMs).toBe(5_000);
  });

  test("of a session that is over count for nothing", () => {
    const rig = new CoreRig();
    rig.running();
    rig.monotonicMs = 5_000;
    const beat = { kind: "heartbeat", session: sessionId(999), seq: 4, fences: [] } as const;
    expect(rig.apply(beat)).toEqual({ changes: [], commands: [] });
    expect(rig.cluster.nodes.get(A)?.lastHeardMs).toBe(0);
  });
});

describe("time", () => {
  test("silence makes runs unknown, a heartbeat makes them what they were", () => {
    const rig = new CoreRig();
    const { run, session } = rig.running();
    rig.monotonicMs = rig.settings.unknownAfterMs;
    rig.apply({ kind: "tick" });
    expect(run.state).toBe("running");
    rig.monotonicMs += 1;
    rig.apply({ kind: "tick" });
    expect(run.state).toBe("unknown");
    expect(rig.cluster.nodes.get(A)?.silent).toBe(true);
    expect(rig.apply({ kind: "tick" }).changes).toEqual([]);
    rig.apply({ kind: "heartbeat", session, seq: 1, fences: [] });
    expect(run.state).toBe("running");
    expect(rig.cluster.nodes.get(A)?.silent).toBe(false);
  });

  test("a closed connection alone makes nothing unknown", () => {
    const rig = new CoreRig();
    const { run, session } = rig.running();
    rig.apply({ kind: "disconnected", session });
    rig.apply({ kind: "tick" });
    expect(run.state).toBe("running");
  });

  test("a run is re-queued only after lease, time to kill, and margin for two clocks", () => {
    const rig = new CoreRig({ leaseMs: 100_000, killMs: 20_000 });
    const { run, session } = rig.running();
    rig.apply({ kind: "disconnected", session });
    rig.monotonicMs = 121_200;
    rig.apply({ kind: "tick" });
    expect(run.state).toBe("unknown");
    rig.monotonicMs = 121_201;
    rig.apply({ kind: "tick" });
    expect(run).toMatchObject({ state: "queued", givenUp: true, crashes: 1 });
    expect(rig.cluster.holders.lines()).toEqual([]);
  });

  test("every heartbeat begins the count anew", () => {
    const rig = new CoreRig();
    const { run, session, attempt } = rig.running();
    for (let i = 1; i <= 5; i++) {
      rig.monotonicMs += requeueAfterMs(rig.settings) - 1;
      rig.apply({ kind: "heartbeat", session, seq: i, fences: [attempt.fence] });
      rig.apply({ kind: "tick" });
    }
    expect(run.state).toBe("running");
  });

  test("the wall clock decides nothing: years ahead or back change no lease", () => {
    for (const years of [-10, 10]) {
      const rig = new CoreRig();
      const { run } = rig.running();
      rig.wallMs += years * 365 * 86_400_000;
      expect(rig.apply({ kind: "tick" }).changes).toEqual([]);
      expect(run.state).toBe("running");
    }
  });

  test("a retry delay ends at its time, or when the wall clock was set back", () => {
    for (const jumpMs of [1_000_000, -86_400_000]) {
      const rig = new CoreRig();
      const { attempt, session, run } = rig.running({ retryMax: 1 });
      rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "failed", exitCode: 1 }) });
      expect(rig.apply({ kind: "tick" }).changes).toEqual([]);
      rig.wallMs += jumpMs;
      rig.apply({ kind: "tick" });
      expect(run.notBefore).toBe(0);
      expect(rig.schedule()).toHaveLength(1);
    }
  });

  test("devices that are busy for somebody else are not offered until they are reported clean", () => {
    const rig = new CoreRig();
    const { session } = rig.join("a", { devices: [makeDevice("a/cpu-0", { health: "foreign" })] });
    rig.submit(1);
    expect(rig.schedule()).toEqual([]);
    rig.apply({ kind: "devices", session, devices: [makeDevice("a/cpu-0")] });
    expect(rig.schedule()).toHaveLength(1);
  });
});
