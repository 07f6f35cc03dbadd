/** Short runs are handed out ahead, each behind another of its sweep, and nothing else is. */
import { describe, expect, test } from "vitest";
import type { Attempt } from "../../../coordinator/core/cluster.ts";
import { explain } from "../../../coordinator/core/explain.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { deviceUuid, fence, nodeName, runId, type SessionId } from "../../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../../shared/run/devices.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, type SweepPatch, WALL_MS } from "../../helpers/core-rig.ts";

const SUCCEEDED: Outcome = { kind: "succeeded" };

class Fleet extends CoreRig {
  session: SessionId;

  constructor(devices = 1) {
    super();
    const all = Array.from({ length: devices }, (_, index) => makeDevice(`a/cpu-${index}`, { index }));
    this.session = this.join("a", { devices: all }).session;
  }

  /** Its first run has taken so long; those after it are placed. */
  afterOne(tookMs: number, runs = 5, patch: SweepPatch = {}): this {
    this.submit(runs, patch);
    const [first] = this.schedule();
    this.end(required(first, "a placement"), tookMs);
    this.schedule();
    return this;
  }

  end({ fence: which }: Pick<Attempt, "fence">, tookMs: number, outcome = SUCCEEDED): void {
    this.apply({ kind: "started", session: this.session, fence: which, startedAt: WALL_MS });
    const finish = makeFinish(which, outcome, { startedAt: WALL_MS, finishedAt: WALL_MS + tookMs });
    this.apply({ kind: "finished", session: this.session, finish });
  }

  reject(number: number, reason: string): void {
    this.apply({ kind: "rejected", session: this.session, fence: fence(number), reason, detail: "" });
  }

  /** "FENCE" of those that hold their place, "FENCE<FENCE" of those behind another. */
  get line(): string[] {
    return [...this.cluster.attempts.values()].map(({ fence: own, behind }) =>
      behind !== undefined && this.cluster.attempts.has(behind) ? `${own}<${behind}` : String(own),
    );
  }
}

describe("is handed out ahead", () => {
  test("the next of a sweep whose runs are short, and takes over the place as it is", () => {
    const rig = new Fleet().afterOne(20);
    expect(rig.line).toEqual(["2", "3<2"]);
    const [first, second] = [...rig.cluster.attempts.values()];
    expect(second).toMatchObject({ node: first?.node, devices: first?.devices, behind: 2 });
    expect(rig.cluster.runs.get(runId("run_1_3"))?.state).toBe("assigned");
    rig.end({ fence: fence(2) }, 20);
    expect(rig.cluster.holders.lines()).toEqual(["a a/cpu-0 3:1000"]);
    rig.schedule();
    expect(rig.line).toEqual(["3", "4<3"]);
  });

  test("with its Assign, after the commit of its place", () => {
    const rig = new Fleet();
    rig.submit(3);
    rig.end(required(rig.schedule()[0], "a placement"), 20);
    const { changes, commands } = rig.apply({ kind: "schedule" });
    expect(changes.filter(({ kind }) => kind === "attempt-added")).toHaveLength(2);
    expect(commands).toMatchObject([
      { kind: "assign", fence: 2 },
      { kind: "assign", fence: 3 },
    ]);
    expect(rig.react({ kind: "schedule" })).toEqual({ changes: [], commands: [] });
  });

  test("one behind each, also of those placed in the same pass", () => {
    const rig = new Fleet(2).afterOne(20, 9);
    expect(rig.line).toEqual(["2", "3", "4<2", "5<3"]);
  });

  test("and counts nowhere twice: the device is its predecessor's", () => {
    const rig = new Fleet().afterOne(20, 5, { resources: { gpus: undefined, cpus: 1, memoryBytes: 1 } });
    expect(rig.cluster.holders.lines()).toEqual(["a a/cpu-0 2:1000"]);
    expect(explain(rig.cluster, runId("run_1_3"), WALL_MS)?.reason).toBe(
      "on a already: starts when test.1.2 ends there",
    );
    expect(explain(rig.cluster, runId("run_1_2"), WALL_MS)?.reason).toBe("starting on a");
  });

  test("also where the place was had by an alternative", () => {
    const ways = { gpus: 1, cpus: undefined, alternatives: [{ gpus: undefined, cpus: 1 }] };
    expect(new Fleet().afterOne(20, 5, { resources: ways }).line).toEqual(["2", "3<2"]);
  });

  test("again to an agent that comes back and has forgotten it", () => {
    const rig = new Fleet().afterOne(20);
    rig.apply({ kind: "started", session: rig.session, fence: fence(2), startedAt: WALL_MS });
    rig.apply({ kind: "disconnected", session: rig.session });
    const two = { fence: fence(2), runId: runId("run_1_2"), devices: [deviceUuid("a/cpu-0")] };
    const { commands } = rig.join("a", { attempts: [{ ...two, phase: "running", startedAt: WALL_MS }] });
    expect(commands).toMatchObject([{ kind: "welcome" }, { kind: "assign", fence: 3 }]);
    expect(rig.line).toEqual(["2", "3<2"]);
  });
});

describe("is not handed out ahead", () => {
  test.each<{ what: string; tookMs?: number; patch?: SweepPatch; prepare?: (rig: Fleet) => void; ahead?: boolean }>([
    { what: "but for what follows, it would be", ahead: true },
    { what: "of a sweep one of whose runs was long", tookMs: 1_001 },
    { what: "beyond the sweep's limit of runs at a time", patch: { parallel: 1 } },
    { what: "to a node that is closed", prepare: cordon },
    { what: "behind a run that is being stopped", prepare: (rig) => cancel(rig, 2) },
  ])("$what", ({ tookMs = 20, patch = {}, prepare, ahead = false }) => {
    const rig = new Fleet();
    const [, , third] = rig.submit(3, patch);
    const runIds = [required(third, "a run").id];
    rig.apply({ kind: "pause", runIds });
    rig.end(required(rig.schedule()[0], "a placement"), tookMs);
    rig.schedule();
    prepare?.(rig);
    rig.apply({ kind: "resume", runIds });
    rig.schedule();
    expect(rig.line).toEqual(ahead ? ["2", "3<2"] : ["2"]);
  });

  test("before a run of the sweep has shown how long they take", () => {
    const rig = new Fleet();
    rig.submit(3);
    rig.schedule();
    expect(rig.line).toEqual(["1"]);
  });

  test("a run of another sweep: it may take as long as it likes", () => {
    const rig = new Fleet().afterOne(20, 2);
    rig.submit(3, { priority: 9 });
    rig.schedule();
    expect(rig.line).toEqual(["2"]);
  });

  test.each<{ what: string; resources: ResourceRequest; line: string[] }>([
    {
      what: "to a place that an urgent run waits for",
      resources: { gpus: undefined, cpus: 1, memoryBytes: 1 },
      line: ["2"],
    },
    { what: "but past one that could not be there", resources: { gpus: 1, cpus: undefined }, line: ["2", "3<2"] },
  ])("$what", ({ resources, line }) => {
    const rig = new Fleet();
    rig.submit(3);
    rig.end(required(rig.schedule()[0], "a placement"), 20);
    const runIds = [runId("run_1_3")];
    rig.apply({ kind: "pause", runIds });
    rig.schedule();
    rig.submit(1, { priority: 9, resources });
    rig.apply({ kind: "resume", runIds });
    rig.schedule();
    expect(rig.line).toEqual(line);
  });

  test("without end: what is urgent starts after the one that waits, and not after all of the sweep", () => {
    const rig = new Fleet().afterOne(20, 50);
    rig.submit(1, { priority: 9, resources: { gpus: undefined, cpus: 1, memoryBytes: 1 } });
    rig.schedule();
    const order = [2, 3, 4].map((number) => {
      const { runId: id } = required(rig.cluster.attempts.get(fence(number)), "an attempt");
      rig.end({ fence: fence(number) }, 20);
      rig.schedule();
      return id;
    });
    expect(order).toEqual(["run_1_2", "run_1_3", "run_2_1"]);
  });

  test("a run on several nodes, or one behind it", () => {
    const rig = new Fleet();
    rig.join("b", { devices: [makeDevice("b/cpu-0")] });
    rig.submit(3, { resources: { gpus: undefined, cpus: 1, nodes: 2 } });
    rig.schedule();
    rig.cluster.pace.set(required([...rig.cluster.sweeps.keys()][0], "the sweep"), 1);
    rig.schedule();
    expect(rig.line).toEqual(["1", "2"]);
  });

  test.each([
    { avoidNode: false, line: ["2", "3", "4<3"] },
    { avoidNode: true, line: ["2", "3"] },
  ])("to the node that it shall avoid: $avoidNode", ({ avoidNode, line }) => {
    const rig = new Fleet();
    rig.join("b", { devices: [makeDevice("b/cpu-0")] });
    rig.submit(3, { retry: { max: 1, avoidNode } });
    const [onA] = rig.schedule();
    rig.end(required(onA, "a placement"), 20, { kind: "failed", exitCode: 1 });
    rig.schedule();
    expect(rig.line).toEqual(["2", "3"]);
    // Of the two that it could wait behind, the one on the other node is none.
    cancel(rig, 2);
    rig.wallMs += 60_000;
    rig.apply({ kind: "tick" });
    rig.schedule();
    expect(rig.line).toEqual(line);
  });
});

describe("comes back to the queue", () => {
  test("without delay or blame when its host has waited too long, and nothing follows until runs are short again", () => {
    const rig = new Fleet().afterOne(20);
    rig.reject(3, "waited");
    const run = required(rig.cluster.runs.get(runId("run_1_3")), "the run");
    expect(run).toMatchObject({ state: "queued", reason: "", notBefore: 0, crashes: 0, failures: 0 });
    expect(rig.cluster.holders.lines()).toEqual(["a a/cpu-0 2:1000"]);
    rig.schedule();
    expect(rig.line).toEqual(["2"]);
  });

  test("when it is cancelled while it waits", () => {
    const rig = new Fleet().afterOne(20);
    const { commands } = rig.apply({ kind: "cancel", runIds: [runId("run_1_3")] });
    expect(commands).toMatchObject([{ kind: "kill", fence: 3, reason: "cancel" }]);
    rig.reject(3, "stopped");
    expect(rig.cluster.runs.has(runId("run_1_3"))).toBe(false);
    expect(rig.line).toEqual(["2"]);
    // That says nothing of how long runs take.
    rig.schedule();
    expect(rig.line).toEqual(["2", "4<2"]);
  });
});

test("one long run among short ones is forgotten in time", () => {
  const rig = new Fleet().afterOne(5_000, 40);
  const ahead: boolean[] = [];
  for (let i = 2; i < 30; i++) {
    rig.end({ fence: fence(i) }, 20);
    rig.schedule();
    ahead.push(rig.line.length > 1);
  }
  // 5 s x 0.9^n is below 1 s from the 16th on.
  expect(ahead.indexOf(true)).toBe(15);
});

function cordon(rig: Fleet): void {
  rig.apply({ kind: "node-action", name: nodeName("a"), action: "cordon" });
}

function cancel(rig: Fleet, index: number): void {
  rig.apply({ kind: "cancel", runIds: [runId(`run_1_${index}`)] });
}
