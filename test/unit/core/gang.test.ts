/** Runs on several nodes: placed as a whole or not at all, and over when the last of their ranks is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attempt } from "../../../coordinator/core/cluster.ts";
import { explain } from "../../../coordinator/core/explain.ts";
import { deciding, type MemberEnd } from "../../../coordinator/core/gang.ts";
import { requeueAfterMs } from "../../../coordinator/core/settings.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { fence, nodeName, runId, type SessionId } from "../../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../../shared/run/devices.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, type SweepPatch, WALL_MS } from "../../helpers/core-rig.ts";

const TWO: ResourceRequest = { gpus: 1, cpus: undefined, nodes: 2 };
const SUCCEEDED: Outcome = { kind: "succeeded" };
const FAILED: Outcome = { kind: "failed", exitCode: 1 };

class Fleet extends CoreRig {
  readonly sessions = new Map<string, SessionId>();

  joinAll(...names: readonly string[]): this {
    for (const name of names) this.back(name);
    return this;
  }

  back(name: string): void {
    const devices = [makeDevice(`GPU-${name}-0`), makeDevice(`GPU-${name}-1`, { index: 1 })];
    this.sessions.set(name, this.join(name, { devices }).session);
  }

  sessionOf({ node }: Attempt): SessionId {
    return required(this.sessions.get(node), "the session of the node");
  }

  start(attempts: readonly Attempt[]): void {
    for (const attempt of attempts)
      this.apply({
        kind: "started",
        session: this.sessionOf(attempt),
        fence: attempt.fence,
        startedAt: WALL_MS,
      });
  }

  finish(attempt: Attempt, outcome: Outcome, causes: readonly string[] = []) {
    return this.apply({
      kind: "finished",
      session: this.sessionOf(attempt),
      finish: makeFinish(attempt.fence, outcome, { causes }),
    });
  }

  state(id = "run_1_1"): string {
    const run = this.cluster.runs.get(runId(id));
    return run ? `${run.state}${run.reason === "" ? "" : `: ${run.reason}`}` : this.lastState(id);
  }

  lastState(id: string): string {
    const row = this.changes.findLast((change) => change.kind === "run-changed" && change.row.runId === id);
    return row?.kind === "run-changed" ? `${row.row.state}${row.row.reason === "" ? "" : `: ${row.row.reason}`}` : "";
  }
}

/** Two ranks that run, on a and b. */
function running(patch: SweepPatch = {}): { rig: Fleet; ranks: [Attempt, Attempt] } {
  const rig = new Fleet().joinAll("a", "b");
  rig.submit(1, { resources: TWO, ...patch });
  const ranks = rig.schedule() as [Attempt, Attempt];
  rig.start(ranks);
  return { rig, ranks };
}

const killed = ({ commands }: ReturnType<Fleet["finish"]>) =>
  commands.flatMap((command) => (command.kind === "kill" ? [`${command.fence} ${command.reason}`] : []));

describe("placing", () => {
  test("one attempt on each node, in one step, ranks by the names of nodes, fences in their order", () => {
    const rig = new Fleet().joinAll("c", "a", "b");
    rig.submit(1, { resources: { ...TWO, nodes: 3 } });
    const { changes, commands } = rig.apply({ kind: "schedule" });
    const added = changes.flatMap((change) => (change.kind === "attempt-added" ? [change.attempt] : []));
    expect(added.map(({ node, fence, gang, devices }) => [node, fence, gang, devices.length])).toEqual([
      ["a", 1, { first: 1, size: 3 }, 1],
      ["b", 2, { first: 1, size: 3 }, 1],
      ["c", 3, { first: 1, size: 3 }, 1],
    ]);
    expect(commands.map(({ kind }) => kind)).toEqual(["assign", "assign", "assign"]);
    expect(rig.cluster.runs.get(runId("run_1_1"))).toMatchObject({ state: "assigned", attempt: 1, fence: 1 });
  });

  test("nothing is taken where one node is missing, and smaller runs pass", () => {
    const rig = new Fleet().joinAll("a", "b");
    rig.submit(1, { resources: { ...TWO, gpus: 2 } });
    rig.submit(1, { resources: { gpus: 1, cpus: undefined }, priority: 1 });
    expect(rig.schedule().map(({ runId: id, node }) => `${id} ${node}`)).toEqual(["run_2_1 a"]);
    expect(explain(rig.cluster, runId("run_1_1"), WALL_MS)?.reason).toBe(
      "1 of 2 nodes have room now for their part of 2 nodes, each with 2 GPUs",
    );
  });

  test("another number of nodes is an alternative", () => {
    const rig = new Fleet().joinAll("a", "b");
    rig.submit(1, { resources: { ...TWO, nodes: 3, alternatives: [{ ...TWO, gpus: 2 }] } });
    expect(rig.schedule().map(({ gang }) => gang?.size)).toEqual([2, 2]);
  });

  test("why it waits: too few nodes that could, or too few that are open", () => {
    const rig = new Fleet().joinAll("a", "b");
    rig.join("cpu", { devices: [makeDevice("cpu/cpu-0")] });
    rig.submit(1, { resources: { ...TWO, nodes: 3 } });
    rig.schedule();
    const why = () => explain(rig.cluster, runId("run_1_1"), WALL_MS)?.reason;
    expect(why()).toBe("2 of 3 nodes could take their part of 3 nodes, each with 1 GPU; cpu: no GPU, needs 1");
    rig.back("c");
    rig.apply({ kind: "node-action", name: nodeName("b"), action: "cordon" });
    rig.schedule();
    expect(why()).toBe("2 of 3 nodes are open that could take their part of 3 nodes, each with 1 GPU; b cordoned");
    rig.apply({ kind: "node-action", name: nodeName("b"), action: "uncordon" });
    expect(rig.schedule()).toHaveLength(3);
    expect(why()).toBe("starting on a, b, c");
  });
});

describe("the end", () => {
  test("succeeded when all have, in whatever order", () => {
    const { rig, ranks } = running();
    expect(killed(rig.finish(ranks[0], SUCCEEDED))).toEqual([]);
    expect(rig.state()).toBe("running");
    expect(rig.cluster.holders.lines()).toHaveLength(1);
    rig.finish(ranks[1], SUCCEEDED);
    expect(rig.state()).toBe("succeeded");
    expect(rig.cluster.gangEnds.size).toBe(0);
  });

  test("one that fails has the others stopped; the run fails by it when they have", () => {
    const { rig, ranks } = running();
    expect(killed(rig.finish(ranks[1], FAILED))).toEqual(["1 peer"]);
    expect(rig.state()).toBe("running");
    expect(explain(rig.cluster, runId("run_1_1"), WALL_MS)?.reason).toBe(
      "stopping on a: it has ended on another of its nodes",
    );
    rig.finish(ranks[0], { kind: "cancelled" });
    expect(rig.state()).toBe("failed: rank 1 on b: exit code 1");
  });

  test("tried again on all nodes, when nothing of it is left", () => {
    const { rig, ranks } = running({ retryMax: 1 });
    rig.finish(ranks[1], FAILED, ["cuda-oom"]);
    expect(rig.schedule()).toHaveLength(1);
    rig.finish(ranks[0], { kind: "signalled", signal: 15 });
    expect(rig.state()).toBe("queued: rank 1 on b: exit code 1, cuda-oom (retry 1 of 1)");
    rig.wallMs += 3_600_000;
    rig.apply({ kind: "tick" });
    expect(rig.schedule().map(({ fence, number }) => [fence, number])).toEqual([
      [3, 2],
      [4, 2],
    ]);
  });

  test("a lost host counts more than the failure that it causes elsewhere, and is never taken back", () => {
    const { rig, ranks } = running();
    rig.finish(ranks[0], FAILED);
    rig.monotonicMs += requeueAfterMs(rig.settings) + 1;
    rig.apply({ kind: "heartbeat", session: rig.sessionOf(ranks[0]), seq: 1, fences: [] });
    rig.apply({ kind: "tick" });
    expect(rig.state()).toMatch(/^queued: rank 1 on b: /);
    expect(rig.cluster.runs.get(runId("run_1_1"))).toMatchObject({ givenUp: false, failures: 0, crashes: 1 });
    const report = { fence: ranks[1].fence, runId: ranks[1].runId, devices: ranks[1].devices };
    const { commands } = rig.join("b", { attempts: [{ ...report, phase: "running", startedAt: WALL_MS }] });
    const welcome = commands.find((command) => command.kind === "welcome");
    expect(welcome?.kind === "welcome" && welcome.decisions).toMatchObject([{ action: "kill", reason: "superseded" }]);
  });

  test("two hosts that are lost in one look are one end", () => {
    const { rig } = running();
    rig.monotonicMs += requeueAfterMs(rig.settings) + 1;
    const { changes } = rig.apply({ kind: "tick" });
    expect(changes.filter(({ kind }) => kind === "attempt-ended")).toHaveLength(2);
    expect(rig.cluster.runs.get(runId("run_1_1"))).toMatchObject({ state: "queued", crashes: 1 });
    expect(rig.cluster.attempts.size).toBe(0);
  });

  test("a cancel reaches every rank", () => {
    const { rig, ranks } = running();
    const { commands } = rig.apply({ kind: "cancel", runIds: [runId("run_1_1")] });
    expect(commands.map((command) => command.kind === "kill" && command.fence)).toEqual([1, 2]);
    rig.finish(ranks[0], { kind: "cancelled" });
    expect(rig.state()).toMatch(/^running/);
    rig.finish(ranks[1], { kind: "cancelled" });
    expect(rig.state()).toBe("cancelled: cancelled by the user");
  });

  test("a cancel reaches those that are left", () => {
    const { rig, ranks } = running();
    rig.finish(ranks[0], SUCCEEDED);
    const { commands } = rig.apply({ kind: "cancel", runIds: [runId("run_1_1")] });
    expect(commands.map((command) => command.kind === "kill" && command.fence)).toEqual([2]);
    rig.finish(ranks[1], { kind: "cancelled" });
    expect(rig.state()).toBe("cancelled: cancelled by the user");
  });

  test("a host that is stopped by a user takes the run along, which starts again elsewhere at no cost", () => {
    const { rig, ranks } = running();
    rig.apply({ kind: "node-action", name: nodeName("b"), action: "stop" });
    rig.finish(ranks[1], { kind: "lost", reason: "stopped" });
    rig.finish(ranks[0], { kind: "cancelled" });
    expect(rig.cluster.runs.get(runId("run_1_1"))).toMatchObject({
      state: "queued",
      reason: "stopped on b",
      crashes: 0,
    });
  });

  test("a host that refuses its part has the others give theirs back", () => {
    const rig = new Fleet().joinAll("a", "b");
    rig.submit(1, { resources: TWO });
    const [first, second] = rig.schedule() as [Attempt, Attempt];
    const session = rig.sessionOf(second);
    const rejected = rig.apply({ kind: "rejected", session, fence: second.fence, reason: "busy", detail: "GPU 0" });
    expect(killed(rejected)).toEqual(["1 peer"]);
    rig.finish(first, { kind: "cancelled" });
    expect(rig.state()).toMatch(/^queued: rank 1 on b: .*busy: GPU 0/);
  });
});

test("silence of one host makes the run unknown, until each that was silent is heard again", () => {
  const { rig, ranks } = running();
  const beat = (attempt: Attempt) =>
    rig.apply({ kind: "heartbeat", session: rig.sessionOf(attempt), seq: 1, fences: [attempt.fence] });
  rig.monotonicMs += rig.settings.unknownAfterMs + 1;
  rig.apply({ kind: "tick" });
  expect(rig.state()).toBe("unknown");
  beat(ranks[0]);
  expect(rig.state()).toBe("unknown");
  expect(explain(rig.cluster, runId("run_1_1"), WALL_MS)?.reason).toMatch(/^b is silent/);
  beat(ranks[1]);
  expect(rig.state()).toBe("running");
});

test("the end that decides is the same in whatever order they come", () => {
  const end = fc.record({
    rank: fc.nat(7),
    stopping: fc.constantFrom("" as const, "peer" as const, "stop" as const),
    outcome: fc.constantFrom<Outcome>(
      SUCCEEDED,
      FAILED,
      { kind: "oom" },
      { kind: "cancelled" },
      { kind: "lost", reason: "lease" },
    ),
    finishedAt: fc.nat(3),
    causes: fc.subarray(["cuda-oom", "nccl"]),
  });
  const member = ({ rank, stopping, ...rest }: Parameters<Parameters<typeof end.map>[0]>[0]): MemberEnd => ({
    attempt: {
      fence: fence(10 + rank),
      runId: runId("run_1_1"),
      number: 1,
      gang: { first: fence(10), size: 8 },
      node: nodeName("a"),
      devices: [],
      reserved: undefined,
      phase: "running",
      stopping,
      startedAt: 0,
    },
    ...rest,
  });
  const ends = fc.uniqueArray(end, { minLength: 1, maxLength: 8, selector: ({ rank }) => rank });
  fc.assert(
    fc.property(
      ends.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => {
        const decided = all.map(member).reduce(deciding);
        expect(shuffled.map(member).reduce(deciding)).toEqual(decided);
        if (all.every(({ outcome }) => outcome.kind === "succeeded")) expect(decided.outcome).toEqual(SUCCEEDED);
        if (all.some(({ outcome }) => outcome.kind === "lost")) expect(decided.outcome.kind).toBe("lost");
      },
    ),
  );
});
