/** What an attempt's end makes of its run, and whose word counts. */
import { describe, expect, test } from "vitest";
import type { Change, RunStateRow } from "../../../coordinator/core/changes.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { backoffMs } from "../../../shared/kernel/backoff.ts";
import { deviceUuid, fence, nodeName, sessionId } from "../../../shared/kernel/ids.ts";
import { CRASHES_BEFORE_HOLD } from "../../../shared/run/limits.ts";
import type { Outcome, RunState } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, WALL_MS } from "../../helpers/core-rig.ts";

interface Case {
  readonly outcome: Outcome;
  readonly retryMax?: number;
  readonly cancelled?: true;
  readonly stopped?: true;
  readonly state: RunState;
  readonly failures?: number;
  readonly crashes?: number;
  readonly waits?: boolean;
  readonly completed?: true;
}

const CASES: readonly Case[] = [
  { outcome: { kind: "succeeded" }, state: "succeeded", completed: true },
  { outcome: { kind: "succeeded" }, cancelled: true, state: "succeeded", completed: true },
  { outcome: { kind: "succeeded" }, stopped: true, state: "succeeded", completed: true },
  { outcome: { kind: "skipped" }, state: "skipped" },
  { outcome: { kind: "failed", exitCode: 1 }, state: "failed", failures: 1 },
  { outcome: { kind: "failed", exitCode: 1 }, retryMax: 2, state: "queued", failures: 1, waits: true },
  { outcome: { kind: "signalled", signal: 11 }, state: "failed", failures: 1 },
  { outcome: { kind: "oom" }, state: "failed", failures: 1 },
  { outcome: { kind: "timeout" }, state: "failed", failures: 1 },
  { outcome: { kind: "timeout" }, retryMax: 1, state: "queued", failures: 1, waits: true },
  { outcome: { kind: "failed", exitCode: 1 }, cancelled: true, state: "cancelled" },
  { outcome: { kind: "cancelled" }, cancelled: true, state: "cancelled" },
  { outcome: { kind: "lost", reason: "lease" }, cancelled: true, state: "cancelled" },
  { outcome: { kind: "failed", exitCode: 1 }, stopped: true, state: "queued", failures: 0 },
  { outcome: { kind: "lost", reason: "stopped" }, stopped: true, state: "queued", crashes: 0 },
  { outcome: { kind: "superseded" }, state: "queued", crashes: 0 },
  { outcome: { kind: "lost", reason: "reboot" }, state: "queued", crashes: 1, waits: true },
  { outcome: { kind: "lost", reason: "shim_died" }, state: "queued", crashes: 1, waits: true },
  { outcome: { kind: "lost", reason: "start_failed" }, state: "queued", crashes: 1, waits: true },
];

describe("what an end makes of its run", () => {
  test.each(CASES)("$outcome (retry $retryMax, cancelled $cancelled, stopped $stopped): $state", (one) => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retryMax: one.retryMax ?? 0 });
    if (one.cancelled) rig.apply({ kind: "cancel", runIds: [run.id] });
    if (one.stopped) rig.apply({ kind: "node-action", name: nodeName("a"), action: "stop" });
    const { changes, commands } = rig.apply({
      kind: "finished",
      session,
      finish: makeFinish(attempt.fence, one.outcome),
    });
    const row = rowOf(changes);
    expect(row.state).toBe(one.state);
    expect(row.failures).toBe(one.failures ?? 0);
    expect(row.crashes).toBe(one.crashes ?? 0);
    expect(row.notBefore > WALL_MS).toBe(one.waits ?? false);
    expect(row.finishedAt !== undefined).toBe(one.state !== "queued");
    expect(historyOf(changes)).toEqual([
      { what: one.state === "queued" ? "requeued" : one.state, node: nodeName("a") },
    ]);
    expect(changes.some(({ kind }) => kind === "completed-added")).toBe(one.completed ?? false);
    expect(commands).toEqual([{ kind: "finish-ack", session, fence: attempt.fence }]);
    expect(rig.cluster.attempts.size).toBe(0);
    expect(rig.cluster.holders.lines()).toEqual([]);
  });

  test("failures are retried as often as the sweep says, with growing delays, then final", () => {
    const rig = new CoreRig();
    const { session } = rig.running({ retryMax: 3 });
    const waits: number[] = [];
    for (let failure = 1; failure <= 4; failure++) {
      const [attempt] = [...rig.cluster.attempts.values()];
      const finish = makeFinish(attempt?.fence ?? fence(0), { kind: "failed", exitCode: 1 });
      const row = rowOf(rig.apply({ kind: "finished", session, finish }).changes);
      expect(row.state).toBe(failure <= 3 ? "queued" : "failed");
      if (row.state !== "queued") break;
      expect(rig.schedule()).toEqual([]);
      waits.push(row.notBefore - rig.wallMs);
      rig.wallMs = row.notBefore;
      rig.apply({ kind: "tick" });
      rig.schedule();
    }
    expect(waits).toEqual([1, 2, 3].map((n) => backoffMs(rig.settings.retryBackoff, n, 0.5)));
  });

  test("a run that takes hosts down is held, and a retry by hand lets it go with fresh counters", () => {
    const rig = new CoreRig();
    const { run, session } = rig.running();
    for (let crash = 1; crash <= CRASHES_BEFORE_HOLD; crash++) {
      const [attempt] = [...rig.cluster.attempts.values()];
      const finish = makeFinish(attempt?.fence ?? fence(0), { kind: "lost", reason: "reboot" });
      rig.apply({ kind: "finished", session, finish });
      expect(run.state).toBe(crash < CRASHES_BEFORE_HOLD ? "queued" : "held");
      rig.wallMs += 400_000;
      rig.apply({ kind: "tick" });
      rig.schedule();
    }
    expect(run).toMatchObject({ state: "held", crashes: CRASHES_BEFORE_HOLD });
    expect(run.reason).toContain("exp retry");
    expect(rig.cluster.attempts.size).toBe(0);
    rig.apply({ kind: "retry", runIds: [run.id], terminal: [] });
    expect(run).toMatchObject({ state: "queued", crashes: 0, failures: 0, reason: "" });
  });

  test("a success in between sets the count of crashes back", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retryMax: 1 });
    rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "lost", reason: "reboot" }) });
    rig.wallMs += 400_000;
    rig.apply({ kind: "tick" });
    const [second] = rig.schedule();
    const finish = makeFinish(second?.fence ?? fence(0), { kind: "failed", exitCode: 1 });
    rig.apply({ kind: "finished", session, finish });
    expect(run).toMatchObject({ failures: 1, crashes: 0 });
  });

  test.each([
    { reason: "device_busy", state: "queued", crashes: 0 },
    { reason: "draining", state: "queued", crashes: 0 },
    { reason: "stale", state: "queued", crashes: 0 },
    { reason: "start_failed", state: "queued", crashes: 1 },
    { reason: "bad_spec", state: "failed", crashes: 0 },
  ])("refused as $reason: $state", ({ reason, state, crashes }) => {
    const rig = new CoreRig();
    const { session } = rig.join("a");
    rig.submit(1);
    const [attempt] = rig.schedule();
    const f = attempt?.fence ?? fence(0);
    const row = rowOf(rig.apply({ kind: "rejected", session, fence: f, reason, detail: "why" }).changes);
    expect(row).toMatchObject({ state, crashes });
    expect(row.reason).toContain("why");
    // Never a tight loop of assigning and refusing.
    if (state === "queued") expect(row.notBefore).toBeGreaterThan(WALL_MS);
  });
});

describe("what the history of a run has", () => {
  test("the start of each attempt, once, and each end", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running({ retryMax: 1 });
    rig.apply({ kind: "started", session, fence: attempt.fence, startedAt: WALL_MS });
    const finish = makeFinish(attempt.fence, { kind: "failed", exitCode: 3 });
    rig.apply({ kind: "finished", session, finish });
    rig.wallMs = run.notBefore;
    rig.apply({ kind: "tick" });
    rig.schedule();
    const again = required(run.fence, "the fence of the second attempt");
    rig.apply({ kind: "started", session, fence: again, startedAt: WALL_MS });
    rig.apply({ kind: "finished", session, finish: makeFinish(again, { kind: "succeeded" }) });
    const texts = rig.changes.flatMap((change) =>
      change.kind === "history" && change.runId === run.id ? [`${change.what}: ${change.text}`] : [],
    );
    expect(texts).toEqual([
      "started: attempt 1",
      "requeued: exit code 3",
      "started: attempt 2",
      "succeeded: attempt 2",
    ]);
  });
});

describe("whose word counts", () => {
  test.each(["started", "finished", "rejected"] as const)("%s of a session that is over changes nothing", (kind) => {
    const rig = new CoreRig();
    const { session } = rig.join("a");
    rig.submit(1);
    rig.schedule();
    rig.apply({ kind: "disconnected", session });
    for (const other of [session, sessionId(999)]) expect(rig.apply(message(kind, other)).changes).toEqual([]);
  });

  test.each(["started", "finished", "rejected"] as const)("%s of another node's session changes nothing", (kind) => {
    const rig = new CoreRig();
    rig.join("a");
    rig.submit(1);
    rig.schedule();
    const { session } = rig.join("b", { devices: [] });
    const { changes, commands } = rig.apply(message(kind, session));
    expect(changes).toEqual([]);
    expect(commands).toEqual([]);
  });

  test("a finish that was recorded before is acknowledged again", () => {
    const rig = new CoreRig();
    const { attempt, session } = rig.running();
    const event = { kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "succeeded" }) } as const;
    rig.apply(event);
    expect(rig.apply(event)).toEqual({
      changes: [],
      commands: [{ kind: "finish-ack", session, fence: attempt.fence }],
    });
  });

  test("a finish that was overtaken by the lease counts, as long as nothing was started in its place", () => {
    const rig = new CoreRig();
    const { run, attempt, session } = rig.running();
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
    expect(run).toMatchObject({ state: "queued", givenUp: true });
    const finish = makeFinish(attempt.fence, { kind: "succeeded" });
    const { changes } = rig.apply({ kind: "finished", session, finish });
    expect(changes.map(({ kind }) => kind)).toEqual([
      "attempt-revived",
      "attempt-ended",
      "run-changed",
      "completed-added",
      "history",
    ]);
    expect(rig.cluster.runs.size).toBe(0);
  });

  test("devices that did not come back clean are not offered", () => {
    const rig = new CoreRig();
    const { attempt, session } = rig.running();
    const unclean = [makeDevice("a/cpu-0", { health: "dirty", reason: "memory is not back" })];
    const finish = makeFinish(attempt.fence, { kind: "succeeded" }, { unclean });
    rig.apply({ kind: "finished", session, finish });
    rig.submit(1);
    expect(rig.schedule()).toEqual([]);
    rig.apply({ kind: "devices", session, devices: [makeDevice("a/cpu-0")] });
    expect(rig.schedule().map(({ devices }) => devices)).toEqual([[deviceUuid("a/cpu-0")]]);
  });
});

function historyOf(changes: readonly Change[]) {
  return changes.flatMap((change) =>
    change.kind === "history" ? [{ what: change.what as string, node: change.node }] : [],
  );
}

function message(kind: "started" | "finished" | "rejected", session: ReturnType<typeof sessionId>) {
  const f = fence(1);
  if (kind === "started") return { kind, session, fence: f, startedAt: WALL_MS } as const;
  if (kind === "finished") return { kind, session, finish: makeFinish(f, { kind: "succeeded" }) } as const;
  return { kind, session, fence: f, reason: "device_busy", detail: "" } as const;
}

function rowOf(changes: readonly { readonly kind: string }[]): RunStateRow {
  const change = changes.find((each): each is { kind: "run-changed"; row: RunStateRow } => each.kind === "run-changed");
  if (!change) throw new Error("no run changed");
  return change.row;
}
