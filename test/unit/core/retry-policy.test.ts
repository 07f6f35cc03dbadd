/** `[retry]` and `[limits] failures`: what becomes of a run, and of its sweep. */
import { describe, expect, test } from "vitest";
import { explain } from "../../../coordinator/core/explain.ts";
import { opened } from "../../../coordinator/core/sweep-standing.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { nodeName, type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { RetryPolicy } from "../../../shared/run/retry.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish } from "../../helpers/core-rig.ts";

interface Case {
  readonly what: string;
  readonly retry: RetryPolicy;
  readonly outcome: Outcome;
  readonly causes?: readonly string[];
  /** Expected; "queued" with what is said. */
  readonly state: "queued" | "failed";
  readonly reason: string;
}

const FAILED: Outcome = { kind: "failed", exitCode: 1 };

describe("what is tried again", () => {
  test.each<Case>([
    { what: "any failure", retry: { max: 2 }, outcome: FAILED, state: "queued", reason: "exit code 1 (retry 1 of 2)" },
    { what: "none without max", retry: { max: 0 }, outcome: FAILED, state: "failed", reason: "exit code 1" },
    {
      what: "one that is named",
      retry: { max: 1, on: ["exit:1"] },
      outcome: FAILED,
      state: "queued",
      reason: "exit code 1 (retry 1 of 1)",
    },
    {
      what: "not one that is not named",
      retry: { max: 1, on: ["exit:2", "cuda-oom"] },
      outcome: FAILED,
      state: "failed",
      reason: "exit code 1 (not tried again: nothing of it is in [retry] on)",
    },
    {
      what: "by what the output shows",
      retry: { max: 1, on: ["cuda-oom"] },
      outcome: FAILED,
      causes: ["cuda-oom"],
      state: "queued",
      reason: "exit code 1, cuda-oom (retry 1 of 1)",
    },
    {
      what: "by a remedy, whatever else is named",
      retry: { max: 2, on: ["lost"], remedies: [{ when: "cuda-oom", set: { b: "b // 2", acc: "acc * 2" } }] },
      outcome: FAILED,
      causes: ["cuda-oom"],
      state: "queued",
      reason: "exit code 1, cuda-oom (retry 1 of 2 with b = b // 2, acc = acc * 2)",
    },
    {
      what: "not without a remedy for it",
      retry: { max: 2, on: ["lost"], remedies: [{ when: "oom", set: { b: "1" } }] },
      outcome: FAILED,
      causes: ["cuda-oom"],
      state: "failed",
      reason: "exit code 1, cuda-oom (not tried again: nothing of it is in [retry] on)",
    },
    {
      what: "not what is never worth it",
      retry: { max: 3, on: ["exit:1"], never: ["import-error"] },
      outcome: FAILED,
      causes: ["import-error"],
      state: "failed",
      reason: 'exit code 1, import-error (not tried again: [retry] never has "import-error")',
    },
    {
      what: "a signal",
      retry: { max: 1, on: ["signal"] },
      outcome: { kind: "signalled", signal: 11 },
      state: "queued",
      reason: "killed by signal 11 (retry 1 of 1)",
    },
    {
      what: "memory of the host, by the exit code of its signal",
      retry: { max: 1, on: ["exit:137"] },
      outcome: { kind: "oom" },
      state: "queued",
      reason: "killed: out of memory (retry 1 of 1)",
    },
    {
      what: "a time limit only where it is named",
      retry: { max: 1, on: ["idle"] },
      outcome: { kind: "timeout" },
      state: "failed",
      reason: "stopped at its time limit (not tried again: nothing of it is in [retry] on)",
    },
    {
      what: "an idle limit where it is named",
      retry: { max: 1, on: ["idle"] },
      outcome: { kind: "idle" },
      state: "queued",
      reason: "stopped: no output and no metric for as long as its idle limit (retry 1 of 1)",
    },
    {
      what: "a lost host, whatever is named",
      retry: { max: 0, on: ["exit:3"] },
      outcome: { kind: "lost", reason: "reboot" },
      state: "queued",
      reason: "lost: the host rebooted",
    },
    {
      what: "not a lost host where it never is",
      retry: { max: 3, never: ["lost"] },
      outcome: { kind: "lost", reason: "reboot" },
      state: "failed",
      reason: 'lost: the host rebooted (not tried again: [retry] never has "lost")',
    },
    {
      what: "not what a stopped host left where it never is",
      retry: { max: 3, never: ["lost"] },
      outcome: { kind: "lost", reason: "stopped" },
      state: "failed",
      reason: 'stopped on a; not started again: [retry] never has "lost"',
    },
  ])("$what", ({ retry, outcome, causes = [], state, reason }) => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retry });
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, outcome, { causes }) });
    const row = rig.changes.findLast((change) => change.kind === "run-changed");
    expect(row?.kind === "run-changed" && row.row).toMatchObject({ runId: run.id, state, reason });
  });

  test("the delay grows within the policy's bounds, and a clock that is set back does not keep it", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retry: { max: 9, backoff: { minMs: 10_000, maxMs: 600_000 } } });
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, FAILED) });
    expect(run.notBefore - rig.wallMs).toBe(5_500);
    rig.wallMs -= 500_000;
    rig.apply({ kind: "tick" });
    expect(run.notBefore).toBeGreaterThan(0);
    rig.wallMs -= 200_000;
    rig.apply({ kind: "tick" });
    expect(run.notBefore).toBe(0);
  });
});

describe("avoid_node", () => {
  function failedOnA(names: readonly string[]): { rig: CoreRig; id: RunId } {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retry: { max: 3, avoidNode: true } });
    for (const name of names) rig.join(name);
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, FAILED) });
    rig.wallMs += 1_000_000;
    rig.apply({ kind: "tick" });
    return { rig, id: run.id };
  }

  test("another node is taken", () => {
    const { rig } = failedOnA(["b"]);
    expect(rig.schedule().map(({ node }) => node)).toEqual(["b"]);
  });

  test("another node is waited for while it is busy", () => {
    const { rig, id } = failedOnA(["b"]);
    const node = required(rig.cluster.nodes.get(nodeName("b")), "b");
    rig.apply({ kind: "devices", session: node.session, devices: [makeDevice("b/cpu-0", { health: "foreign" })] });
    expect(rig.schedule()).toEqual([]);
    expect(explain(rig.cluster, id, rig.wallMs)?.reason).toBe(
      "waits for another node than a, where its last attempt failed ([retry] avoid_node)",
    );
    // Others are not held up by it.
    rig.submit(1);
    expect(rig.schedule().map(({ node: name }) => name)).toEqual(["a"]);
  });

  test("the same node serves where there is no other", () => {
    const { rig } = failedOnA([]);
    expect(rig.schedule().map(({ node }) => node)).toEqual(["a"]);
  });
});

describe("limits.failures", () => {
  function sweepOf(runs: number, failuresMax: number) {
    const rig = new CoreRig();
    const devices = Array.from({ length: 3 }, (_, i) => makeDevice(`a/cpu-${i}`));
    const { session } = rig.join("a", { devices });
    rig.submit(runs, { failuresMax, retryMax: 0 });
    rig.submit(1);
    rig.schedule();
    const fail = (number: number) => {
      const fence = required(rig.cluster.runs.get(runId(`run_1_${number}`))?.fence, "its fence");
      rig.apply({ kind: "finished", session, finish: makeFinish(fence, FAILED) });
    };
    return { rig, session, fail };
  }

  const REASON = "its sweep was stopped: 2 of its runs failed ([limits] failures = 2)";

  test("what waits is cancelled with the reason; what runs goes on; others are not touched", () => {
    const { rig, fail } = sweepOf(6, 2);
    rig.apply({ kind: "pause", runIds: [runId("run_1_6")] });
    fail(1);
    expect(rig.cluster.runs.size).toBe(6);
    fail(2);
    expect([...rig.cluster.runs.keys()]).toEqual(["run_1_3", "run_2_1"]);
    const cancelled = rig.changes.filter((change) => change.kind === "run-changed" && change.row.state === "cancelled");
    expect(cancelled).toHaveLength(3);
    expect(cancelled).toMatchObject(Array(3).fill({ row: { reason: REASON } }));
    expect(rig.changes).toContainEqual(expect.objectContaining({ kind: "history", what: "sweep-stopped" }));
    expect(rig.schedule().map((attempt) => attempt.runId)).toEqual(["run_1_3", "run_2_1"]);
  });

  test("what was running and comes back is cancelled too", () => {
    const { rig, session, fail } = sweepOf(3, 2);
    fail(1);
    fail(2);
    const fence = required(rig.cluster.runs.get(runId("run_1_3"))?.fence, "its fence");
    rig.apply({ kind: "finished", session, finish: makeFinish(fence, { kind: "lost", reason: "reboot" }) });
    const row = rig.changes.findLast((change) => change.kind === "run-changed");
    expect(row).toMatchObject({ row: { state: "cancelled", reason: `lost: the host rebooted; ${REASON}` } });
  });

  test("failures of one Hello count one by one", () => {
    const { rig } = sweepOf(6, 2);
    const attempts = [1, 2].map((number) => {
      const run = required(rig.cluster.runs.get(runId(`run_1_${number}`)), "the run");
      const fence = required(run.fence, "its fence");
      const { devices } = required(rig.cluster.attempts.get(fence), "its attempt");
      return { fence, runId: run.id, devices, phase: "finished", finish: makeFinish(fence, FAILED) } as const;
    });
    rig.join("a", { attempts, incarnation: 2 });
    expect([...rig.cluster.sweeps.values()][0]).toMatchObject({ failed: 2, stopped: REASON });
    expect(rig.cluster.runs.has(runId("run_1_4"))).toBe(false);
  });

  test("a retry by the user opens it again also where the sweep was read before it was stopped", () => {
    const { rig, fail } = sweepOf(2, 2);
    const asRead = { ...required([...rig.cluster.sweeps.values()][0], "the sweep"), failed: 0, stopped: "" };
    fail(1);
    fail(2);
    expect(rig.cluster.sweeps.has(asRead.id)).toBe(false);
    const last = rig.changes.findLast((change) => change.kind === "run-changed" && change.row.state === "failed");
    if (last?.kind !== "run-changed") throw new Error("nothing failed");
    const row = { ...last.row, state: "failed" } as const;
    const terminal = {
      row,
      sweep: asRead,
      point: { index: 2, shape: 0, fingerprint: "v1:x" },
      reused: false,
    };
    const { changes } = rig.apply({ kind: "retry", runIds: [row.runId], terminal: [terminal] });
    // The store holds it as stopped: without this it would stay so, and the retried run would be one of a stopped sweep.
    expect(changes).toContainEqual({ kind: "sweep-changed", sweepId: asRead.id, ...opened(asRead, rig.now) });
  });

  test("a retry by the user opens it again", () => {
    const { rig, session, fail } = sweepOf(3, 2);
    fail(1);
    fail(2);
    const sweep = required([...rig.cluster.sweeps.values()][0], "the sweep");
    const changed = rig.changes.find((change) => change.kind === "run-changed" && change.row.state === "failed");
    if (changed?.kind !== "run-changed") throw new Error("nothing failed");
    const row = { ...changed.row, state: "failed" } as const;
    const point = { index: 1, shape: 0, fingerprint: "v1:x" };
    rig.apply({ kind: "retry", runIds: [row.runId], terminal: [{ row, sweep: { ...sweep }, point, reused: false }] });
    expect(sweep).toMatchObject({ failed: 0, stopped: "" });
    rig.schedule();
    expect(rig.cluster.runs.get(row.runId)?.state).toBe("assigned");
    const fence = required(rig.cluster.runs.get(runId("run_1_3"))?.fence, "its fence");
    rig.apply({ kind: "finished", session, finish: makeFinish(fence, { kind: "lost", reason: "reboot" }) });
    expect(rig.cluster.runs.get(runId("run_1_3"))?.state).toBe("queued");
  });
});
