/** Every state against every event: none throws, every one leaves a cluster that adds up, and a repeat gives nothing new. */
import { describe, expect, test } from "vitest";
import type { Change } from "../../../coordinator/core/changes.ts";
import type { Cluster } from "../../../coordinator/core/cluster.ts";
import type { Event, NodeAction } from "../../../coordinator/core/events.ts";
import { Holders } from "../../../coordinator/core/holders.ts";
import { fence, nodeName, runId, type SessionId, sessionId } from "../../../shared/kernel/ids.ts";
import type { AttemptReport } from "../../../shared/run/session.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { CoreRig, makeDevice, makeFinish, makeHello, WALL_MS } from "../../helpers/core-rig.ts";

const RUN = runId("run_1_1");
const LONG_MS = 10 * 3_600_000;

/** How run_1_1 and its attempt (fence 1, node a) may stand. Each leaves node a connected unless its name says otherwise. */
const STATES: { readonly [name: string]: (rig: CoreRig, session: SessionId) => void } = {
  "nothing at all": (rig) => rig.apply({ kind: "cancel", runIds: [RUN] }),
  queued: () => {},
  assigned: (rig) => rig.schedule(),
  running: (rig, session) => run(rig, session),
  "running, cancelled": (rig, session) => {
    run(rig, session);
    rig.apply({ kind: "cancel", runIds: [RUN] });
  },
  "assigned, node stops": (rig) => {
    rig.schedule();
    rig.apply({ kind: "node-action", name: nodeName("a"), action: "stop" });
  },
  unknown: (rig, session) => {
    run(rig, session);
    rig.monotonicMs += 60_000;
    rig.apply({ kind: "tick" });
  },
  "running, disconnected": (rig, session) => {
    run(rig, session);
    rig.apply({ kind: "disconnected", session });
  },
  "given up": (rig, session) => {
    run(rig, session);
    rig.monotonicMs += LONG_MS;
    rig.apply({ kind: "tick" });
  },
  "given up, started elsewhere": (rig, session) => {
    run(rig, session);
    rig.monotonicMs += LONG_MS;
    rig.apply({ kind: "tick" });
    rig.join("b");
    rig.wallMs += 400_000;
    rig.apply({ kind: "tick" });
    rig.schedule();
  },
  delayed: (rig, session) => {
    run(rig, session);
    end(rig, session, { kind: "lost", reason: "reboot" });
  },
  held: (rig, session) => {
    for (let i = 1; i <= 5; i++) {
      run(rig, session, i);
      end(rig, session, { kind: "lost", reason: "reboot" }, i);
      rig.wallMs += 400_000;
      rig.apply({ kind: "tick" });
    }
  },
  failed: (rig, session) => {
    run(rig, session);
    end(rig, session, { kind: "failed", exitCode: 1 });
  },
};

function run(rig: CoreRig, session: SessionId, number = 1): void {
  rig.schedule();
  rig.apply({ kind: "started", session, fence: fence(number), startedAt: WALL_MS });
}

function end(rig: CoreRig, session: SessionId, outcome: Outcome, number = 1): void {
  rig.apply({ kind: "finished", session, finish: makeFinish(fence(number), outcome) });
}

const OUTCOMES: readonly Outcome[] = [
  { kind: "succeeded" },
  { kind: "failed", exitCode: 2 },
  { kind: "signalled", signal: 9 },
  { kind: "oom" },
  { kind: "timeout" },
  { kind: "cancelled" },
  { kind: "skipped" },
  { kind: "lost", reason: "lease" },
  { kind: "rejected", reason: "bad_spec" },
  { kind: "superseded" },
];
const ACTIONS: readonly NodeAction[] = ["cordon", "uncordon", "drain", "stop"];

function reports(number: number): AttemptReport[] {
  const base = { fence: fence(number), runId: RUN, devices: [makeDevice("a/cpu-0").uuid] };
  const finish = makeFinish(fence(number), { kind: "succeeded" });
  return [
    { ...base, phase: "accepted" },
    { ...base, phase: "running", startedAt: WALL_MS },
    { ...base, phase: "finished", finish },
  ];
}

function eventsOf(session: SessionId): Event[] {
  const sessions = [session, sessionId(998)];
  const fences = [fence(1), fence(2), fence(77)];
  const hellos = [[], ...[1, 2, 77].flatMap((number) => reports(number).map((report) => [report]))];
  return [
    { kind: "cancel", runIds: [RUN] },
    { kind: "retry", runIds: [RUN], terminal: [] },
    { kind: "schedule" },
    { kind: "tick" },
    ...ACTIONS.map((action): Event => ({ kind: "node-action", name: nodeName("a"), action })),
    ...hellos.map((attempts): Event => ({ kind: "hello", connection: 9, hello: makeHello("a", { attempts }) })),
    ...fences.map((f): Event => ({ kind: "sealed", fence: f })),
    ...sessions.flatMap((s): Event[] => [
      { kind: "disconnected", session: s },
      { kind: "heartbeat", session: s, seq: 1, fences },
      { kind: "devices", session: s, devices: [] },
      ...fences.flatMap((f): Event[] => [
        { kind: "accepted", session: s, fence: f },
        { kind: "rejected", session: s, fence: f, reason: "device_busy", detail: "" },
        { kind: "started", session: s, fence: f, startedAt: WALL_MS },
        ...OUTCOMES.map((outcome): Event => ({ kind: "finished", session: s, finish: makeFinish(f, outcome) })),
      ]),
    ]),
  ];
}

function prepare(state: string): { rig: CoreRig; session: SessionId } {
  const rig = new CoreRig();
  const { session } = rig.join("a");
  rig.submit(1);
  STATES[state]?.(rig, session);
  return { rig, session };
}

/** What a repeat may do again: say who is there, what people asked, and that output is whole. None of it changes a run. */
const REPEATABLE: ReadonlySet<Change["kind"]> = new Set(["node-link", "node-saved", "history", "attempt-sealed"]);

describe.each(Object.keys(STATES))("%s", (state) => {
  test("meets every event", () => {
    const count = eventsOf(prepare(state).session).length;
    for (let i = 0; i < count; i++) {
      const { rig, session } = prepare(state);
      const event = eventsOf(session)[i];
      if (!event) throw new Error("no such event");
      const label = JSON.stringify(event);
      const frozen = JSON.stringify([...rig.cluster.runs, ...rig.cluster.attempts, ...rig.cluster.nodes]);
      rig.react(event);
      expect(JSON.stringify([...rig.cluster.runs, ...rig.cluster.attempts, ...rig.cluster.nodes]), label).toBe(frozen);
      rig.apply(event);
      checkAddsUp(rig.cluster, label);
      const again = rig.apply(event).changes.filter(({ kind }) => !REPEATABLE.has(kind));
      // A Hello without the attempt is news after a Hello with it, and a new session after each.
      if (event.kind !== "hello" || event.hello.attempts.length > 0) expect(again, label).toEqual([]);
      checkAddsUp(rig.cluster, label);
    }
  });
});

function checkAddsUp(cluster: Cluster, label: string): void {
  for (const found of cluster.runs.values()) {
    const attempt = found.fence === undefined ? undefined : cluster.attempts.get(found.fence);
    const isActive = found.state === "assigned" || found.state === "running" || found.state === "unknown";
    expect(attempt !== undefined, `${label}: ${found.state}`).toBe(isActive);
  }
  const holders = new Holders();
  for (const attempt of cluster.attempts.values()) holders.add(attempt);
  expect(cluster.holders.lines(), label).toEqual(holders.lines());
  const queued = [...cluster.runs.values()].filter(({ state }) => state === "queued");
  const waiting = [...cluster.groups.values()].reduce((sum, { queue }) => sum + queue.size, 0) + cluster.delayed.size;
  expect(waiting, label).toBe(queued.length);
}
