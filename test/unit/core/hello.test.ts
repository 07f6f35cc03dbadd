/** Every row of the table in coordinator/core/reactor-hello.ts, and who is refused. */
import { describe, expect, test } from "vitest";
import type { Command } from "../../../coordinator/core/commands.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { deviceUuid, fence, nodeName, runId } from "../../../shared/kernel/ids.ts";
import type { AttemptReport, Decision, Hello } from "../../../shared/run/session.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, makeHello, WALL_MS } from "../../helpers/core-rig.ts";

type Phase = AttemptReport["phase"] | "unknown";
type StoreSays = "assigned" | "running" | "given-up" | "given-up-and-restarted" | "ended";

interface Row {
  readonly store: StoreSays;
  readonly agent: Phase;
  readonly outcome?: Outcome;
  /** Undefined: no decision. */
  readonly decision: Decision["action"] | undefined;
  readonly assigns: boolean;
  /** State of the run afterwards; undefined: terminal. */
  readonly run: string | undefined;
}

const TABLE: readonly Row[] = [
  { store: "assigned", agent: "unknown", decision: undefined, assigns: true, run: "assigned" },
  { store: "assigned", agent: "accepted", decision: "adopt", assigns: false, run: "assigned" },
  { store: "assigned", agent: "running", decision: "adopt", assigns: false, run: "running" },
  { store: "assigned", agent: "finished", decision: "finish-ack", assigns: false, run: undefined },
  { store: "running", agent: "unknown", decision: undefined, assigns: false, run: "queued" },
  { store: "running", agent: "running", decision: "adopt", assigns: false, run: "running" },
  { store: "running", agent: "finished", decision: "finish-ack", assigns: false, run: undefined },
  { store: "given-up", agent: "accepted", decision: "adopt", assigns: false, run: "assigned" },
  { store: "given-up", agent: "running", decision: "adopt", assigns: false, run: "running" },
  { store: "given-up", agent: "finished", decision: "finish-ack", assigns: false, run: undefined },
  { store: "given-up-and-restarted", agent: "running", decision: "kill", assigns: false, run: "assigned" },
  { store: "given-up-and-restarted", agent: "finished", decision: "finish-ack", assigns: false, run: "assigned" },
  { store: "ended", agent: "running", decision: "kill", assigns: false, run: undefined },
  { store: "ended", agent: "finished", decision: "finish-ack", assigns: false, run: undefined },
];

const DEVICES = [deviceUuid("a/cpu-0")];

function report(phase: Exclude<Phase, "unknown">, outcome: Outcome = { kind: "succeeded" }): AttemptReport {
  const base = { fence: fence(1), runId: runId("run_1_1"), devices: DEVICES };
  if (phase === "accepted") return { ...base, phase };
  if (phase === "running") return { ...base, phase, startedAt: WALL_MS };
  return { ...base, phase, finish: makeFinish(fence(1), outcome) };
}

/** A run on node a whose attempt, fence 1, stands as the store says it. */
function prepare(store: StoreSays): CoreRig {
  const rig = new CoreRig();
  const { session } = rig.join("a");
  rig.submit(1);
  rig.schedule();
  if (store !== "assigned") rig.apply({ kind: "started", session, fence: fence(1), startedAt: WALL_MS });
  if (store === "ended") rig.apply({ kind: "finished", session, finish: makeFinish(fence(1), { kind: "succeeded" }) });
  if (store === "given-up" || store === "given-up-and-restarted") {
    rig.apply({ kind: "disconnected", session });
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
  }
  if (store === "given-up-and-restarted") {
    rig.join("b");
    rig.wallMs += 400_000;
    rig.apply({ kind: "tick" });
    rig.schedule();
  }
  return rig;
}

function has<Kind extends Command["kind"]>(commands: readonly Command[], kind: Kind) {
  return commands.filter((command): command is Extract<Command, { kind: Kind }> => command.kind === kind);
}

describe("what a Hello decides", () => {
  test.each(TABLE)("the store says $store, the agent $agent: $decision", (row) => {
    const rig = prepare(row.store);
    const attempts = row.agent === "unknown" ? [] : [report(row.agent, row.outcome)];
    const { commands } = rig.join("a", { attempts });
    const decisions = required(has(commands, "welcome")[0], "the welcome").decisions;
    expect(decisions.map(({ action }) => action)).toEqual(row.decision ? [row.decision] : []);
    expect(has(commands, "assign").map((command) => command.fence)).toEqual(row.assigns ? [1] : []);
    expect(rig.cluster.runs.get(runId("run_1_1"))?.state).toBe(row.run);
  });

  test("an assignment goes out after the Welcome", () => {
    const { commands } = prepare("assigned").join("a");
    expect(commands.map(({ kind }) => kind)).toEqual(["close", "welcome", "assign"]);
  });

  test("a pending stop is sent again, with its reason", () => {
    for (const phase of ["accepted", "running"] as const) {
      const rig = prepare("running");
      rig.apply({ kind: "cancel", runIds: [runId("run_1_1")] });
      const { commands } = rig.join("a", { attempts: [report(phase)] });
      expect(has(commands, "welcome")[0]?.decisions).toEqual([{ fence: 1, action: "kill", reason: "cancel" }]);
    }
  });

  test("an assignment that was cancelled before the agent knew of it ends without being sent", () => {
    const rig = prepare("assigned");
    rig.apply({ kind: "cancel", runIds: [runId("run_1_1")] });
    const { commands } = rig.join("a");
    expect(has(commands, "assign")).toEqual([]);
    expect(rig.cluster.runs.size).toBe(0);
    expect(rig.cluster.attempts.size).toBe(0);
  });

  test("a silent run that is assigned and not known to its agent is assigned again, not unknown", () => {
    const rig = prepare("assigned");
    rig.monotonicMs += 31_000;
    rig.apply({ kind: "tick" });
    expect(rig.cluster.runs.get(runId("run_1_1"))?.state).toBe("unknown");
    rig.join("a");
    expect(rig.cluster.runs.get(runId("run_1_1"))?.state).toBe("assigned");
  });

  test("what was given up is not taken back when its device went to another run", () => {
    const rig = prepare("given-up");
    // The agent is back without it, so its device is free and another run gets it.
    const { session } = rig.join("a");
    rig.submit(1, { priority: 5 });
    rig.schedule();
    expect(rig.cluster.holders.lines()).toEqual(["a a/cpu-0 2:1000"]);
    rig.apply({ kind: "disconnected", session });
    const { commands } = rig.join("a", { attempts: [report("running")] });
    expect(has(commands, "welcome")[0]?.decisions).toEqual([{ fence: 1, action: "kill", reason: "superseded" }]);
    expect(rig.cluster.holders.lines()).toEqual(["a a/cpu-0 2:1000"]);
  });

  test("what was given up is not taken back when its work went to another run", () => {
    const rig = new CoreRig();
    const { attempt, session } = rig.running({}, "w");
    rig.apply({ kind: "disconnected", session });
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
    rig.apply({ kind: "pause", runIds: [runId("run_1_1")] });
    rig.join("b", { devices: [makeDevice("b/cpu-0")] });
    rig.submit(1, {}, "w");
    rig.schedule();
    expect(rig.cluster.runs.get(runId("run_2_1"))?.state).toBe("assigned");
    const { commands } = rig.join("a", { attempts: [report("running")] });
    const decision = { fence: attempt.fence, action: "kill", reason: "superseded" };
    expect(has(commands, "welcome")[0]?.decisions).toEqual([decision]);
  });

  test("a refused attempt is not taken back: its end was recorded", () => {
    const rig = prepare("assigned");
    const session = required(rig.cluster.nodes.get(nodeName("a")), "node").session;
    rig.apply({ kind: "rejected", session, fence: fence(1), reason: "device_busy", detail: "" });
    const { commands } = rig.join("a", { attempts: [report("running")] });
    expect(has(commands, "welcome")[0]?.decisions).toEqual([{ fence: 1, action: "kill", reason: "superseded" }]);
  });

  test("another node's attempt is not adopted by who names it", () => {
    const rig = prepare("running");
    const { commands } = rig.join("b", { attempts: [report("running")] });
    expect(has(commands, "welcome")[0]?.decisions).toEqual([{ fence: 1, action: "kill", reason: "superseded" }]);
    expect(rig.cluster.attempts.get(fence(1))?.node).toBe("a");
  });

  test("the session before is closed, and its messages count no more", () => {
    const rig = prepare("running");
    const before = required(rig.cluster.nodes.get(nodeName("a")), "node").session;
    const { session, commands } = rig.join("a", { attempts: [report("running")] });
    expect(has(commands, "close").map((command) => command.session)).toEqual([before]);
    expect(session).toBeGreaterThan(before);
    const finish = makeFinish(fence(1), { kind: "succeeded" });
    expect(rig.apply({ kind: "finished", session: before, finish }).changes).toEqual([]);
    expect(rig.apply({ kind: "disconnected", session: before }).changes).toEqual([]);
    expect(rig.cluster.nodes.get(nodeName("a"))?.connected).toBe(true);
  });

  test("a node that users drained is told so when it comes back, and one that they opened too", () => {
    const rig = prepare("running");
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "drain" });
    const drained = rig.join("a", { attempts: [report("running")], draining: false });
    expect(has(drained.commands, "drain").map(({ draining }) => draining)).toEqual([true]);
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "uncordon" });
    const opened = rig.join("a", { attempts: [report("running")], draining: true });
    expect(has(opened.commands, "drain").map(({ draining }) => draining)).toEqual([false]);
    expect(rig.cluster.nodes.get(nodeName("a"))?.draining).toBe(false);
  });

  test.each([
    { what: "the same store, set back", storeId: "store", marked: true },
    { what: "another store", storeId: "other", marked: false },
  ])("fences that an agent has seen are never given again: $what", ({ storeId, marked }) => {
    const rig = new CoreRig();
    rig.join("a", { storeId, maxFenceSeen: 41 });
    rig.submit(1);
    expect(rig.schedule().map((attempt) => attempt.fence)).toEqual([42]);
    const notes = rig.changes.filter((change) => change.kind === "history" && change.what === "store-rolled-back");
    expect(notes).toHaveLength(marked ? 1 : 0);
  });
});

describe("who is refused", () => {
  const cases: { what: string; hello: Partial<Hello>; reason: string | undefined }[] = [
    { what: "another protocol", hello: { protocol: 99 }, reason: "version" },
    { what: "a newer coordinator of this store has run", hello: { storeId: "store", term: 9 }, reason: "stale_term" },
    { what: "a newer term of another store", hello: { storeId: "other", term: 9 }, reason: undefined },
    { what: "another agent of the same name", hello: { agentId: "other" }, reason: "already_connected" },
    { what: "a copy of the work directory", hello: { machineId: "other" }, reason: "already_connected" },
    { what: "an older process of the same agent", hello: { incarnation: 0 }, reason: "superseded" },
    { what: "the same agent again", hello: {}, reason: undefined },
    { what: "the same agent after a reboot", hello: { incarnation: 2, bootId: "next" }, reason: undefined },
    { what: "the same agent under another name", hello: { name: nodeName("z") }, reason: "already_connected" },
  ];

  test.each(cases)("$what: $reason", ({ hello, reason }) => {
    const rig = prepare("running");
    const reaction = rig.react({ kind: "hello", connection: 77, hello: makeHello("a", hello) });
    const refusals = has(reaction.commands, "refuse");
    expect(refusals.map((command) => command.reason)).toEqual(reason ? [reason] : []);
    if (reason) expect(reaction.changes).toEqual([]);
    for (const { message } of refusals) expect(message).not.toBe("");
  });

  test.each<{ what: string; hello: Partial<Hello>; reasons: string[] }>([
    { what: "a Hello that comes after a later one, by a stream that was left", hello: { seq: 4 }, reasons: ["late"] },
    { what: "the next one", hello: { seq: 6 }, reasons: [] },
    { what: "the first of the next process", hello: { seq: 1, incarnation: 2 }, reasons: [] },
  ])("$what: $reasons", ({ hello, reasons }) => {
    const rig = new CoreRig();
    rig.join("a", { seq: 5 });
    rig.submit(1);
    const [attempt] = rig.schedule();
    const { session } = required(rig.cluster.nodes.get(nodeName("a")), "node");
    rig.apply({ kind: "started", session, fence: required(attempt, "an attempt").fence, startedAt: 1 });
    const { changes, commands } = rig.react({ kind: "hello", connection: 77, hello: makeHello("a", hello) });
    expect(has(commands, "refuse").map(({ reason }) => reason)).toEqual(reasons);
    // Of the run that it does not know yet, it says nothing.
    expect(changes.some(({ kind }) => kind === "attempt-ended")).toBe(reasons.length === 0);
  });

  test("a name is free again when its node is gone and left nothing", () => {
    const rig = prepare("ended");
    const node = required(rig.cluster.nodes.get(nodeName("a")), "node");
    rig.apply({ kind: "disconnected", session: node.session });
    expect(() =>
      rig.join("a", { agentId: "other", machineId: "other", devices: [makeDevice("a/cpu-0")] }),
    ).not.toThrow();
  });

  test("a name whose node left work behind is not", () => {
    const rig = prepare("running");
    const node = required(rig.cluster.nodes.get(nodeName("a")), "node");
    rig.apply({ kind: "disconnected", session: node.session });
    expect(() => rig.join("a", { agentId: "other" })).toThrow("already_connected");
  });
});
