/** Assign, stop, end: what an agent makes of each, and that it says the same when asked again. */
import { describe, expect, test } from "vitest";
import { outcomeOf } from "../../../agent/core/end-of-attempt.ts";
import type { AgentEvent, Exit, Found } from "../../../agent/core/events.ts";
import { reportAttempts } from "../../../agent/core/react.ts";
import type { StopCause } from "../../../agent/core/state.ts";
import { deviceUuid, fence } from "../../../shared/kernel/ids.ts";
import { AgentRig, EXIT, makeAssignment, PROCESS, sent, signals } from "../../helpers/agent-rig.ts";
import { makeDevice } from "../../helpers/core-rig.ts";

const ONE = fence(1);

describe("assign", () => {
  test("is accepted on disk before anything starts, with a lease from the last answered exchange", () => {
    const rig = new AgentRig();
    rig.welcome([], 990_000);
    const reaction = rig.react({
      kind: "message",
      helloSentMs: 0,
      message: { kind: "assign", assignment: makeAssignment(1) },
    });
    expect(reaction.changes).toMatchObject([{ kind: "attempt-saved", attempt: { phase: "accepted" } }]);
    // What is started at once says so; nobody waits for another word.
    expect(reaction.commands).toMatchObject([{ kind: "start", leaseDeadlineMs: 990_000 + 60_000 }]);
  });

  test("that its code must be brought first is told", () => {
    const code = { hash: "c0de", root: "/code" };
    const rig = new AgentRig();
    rig.welcome();
    const commands = rig.assign(1, { code });
    expect(commands.map(({ kind }) => kind)).toEqual(["send", "start"]);
    expect(sent(commands)).toEqual([{ kind: "accepted", fence: 1 }]);
  });

  test.each([
    { phase: "accepted", answers: ["accepted"] },
    { phase: "running", answers: ["accepted", "started"] },
    { phase: "ended", answers: ["accepted"] },
    { phase: "finished", answers: ["finished"] },
  ] as const)("again, when $phase: $answers, and nothing starts", ({ phase, answers }) => {
    const rig = new AgentRig().with(phase);
    const before = rig.attempt();
    const commands = rig.assign(1);
    expect(sent(commands).map(({ kind }) => kind)).toEqual(answers);
    expect(commands.some(({ kind }) => kind === "start")).toBe(false);
    expect(rig.attempt()).toBe(before);
  });

  test("parts of a GPU, until it is full", () => {
    const gpu = makeDevice("GPU-1");
    const rig = new AgentRig();
    rig.welcome();
    rig.apply({ kind: "devices", devices: [gpu] });
    const half = { devices: [gpu.uuid], gpuMilli: 500 };
    expect(rig.assign(1, half).some(({ kind }) => kind === "start")).toBe(true);
    expect(rig.assign(2, half).some(({ kind }) => kind === "start")).toBe(true);
    expect(sent(rig.assign(3, { ...half, gpuMilli: 1 }))).toMatchObject([
      { reason: "device_busy", detail: "GPU-1 is held by fence 1 and 2" },
    ]);
    const report = { fence: 2, devices: [gpu.uuid], gpuMilli: 500 };
    expect(reportAttempts(rig.state)[1]).toMatchObject(report);
  });

  test.each<{ what: string; prepare: (rig: AgentRig) => void; number?: number; reason: string; detail: string }>([
    {
      what: "its device is held",
      prepare: (rig) => rig.with("running"),
      number: 2,
      reason: "device_busy",
      detail: "held by fence 1",
    },
    {
      what: "its device is being cleaned",
      prepare: (rig) => rig.with("ended"),
      number: 2,
      reason: "device_busy",
      detail: "held by fence 1",
    },
    {
      what: "its device is somebody else's",
      prepare: (rig) =>
        rig.apply({ kind: "devices", devices: [makeDevice("a/cpu-0", { health: "foreign", reason: "ann" })] }),
      reason: "device_busy",
      detail: "foreign: ann",
    },
    {
      what: "its device is not here",
      prepare: (rig) => rig.apply({ kind: "devices", devices: [] }),
      reason: "device_busy",
      detail: "not here",
    },
    {
      what: "the node drains",
      prepare: (rig) => rig.receive({ kind: "drain", draining: true }),
      reason: "draining",
      detail: "",
    },
    { what: "the agent leaves", prepare: (rig) => rig.apply({ kind: "stop-all" }), reason: "draining", detail: "" },
    {
      what: "its lease had passed when it came",
      prepare: (rig) => {
        rig.uptimeMs += 60_000;
      },
      reason: "stale",
      detail: "lease",
    },
  ])("is refused when $what", ({ prepare, number = 1, reason, detail }) => {
    const rig = new AgentRig();
    rig.welcome();
    prepare(rig);
    const [answer] = sent(rig.assign(number));
    expect(answer).toMatchObject({ kind: "rejected", fence: number, reason });
    expect(answer).toMatchObject({ detail: expect.stringContaining(detail) });
    // For ever: an echo of it can never start.
    rig.receive({ kind: "drain", draining: false });
    rig.apply({ kind: "devices", devices: [makeDevice("a/cpu-0")] });
    rig.welcome();
    expect(sent(rig.assign(number))).toMatchObject([{ kind: "rejected", reason: "stale" }]);
    expect(rig.state.maxFenceSeen).toBe(number);
  });

  test("what could not be spawned is refused, and its fence is done with", () => {
    const rig = new AgentRig().with("accepted");
    const event = { kind: "not-spawned", fence: ONE, reason: "start_failed", detail: "no such file" } as const;
    const commands = rig.apply(event);
    expect(sent(commands)).toMatchObject([{ kind: "rejected", fence: 1, reason: "start_failed" }]);
    expect(rig.apply(event)).toEqual([]);
    expect(sent(rig.assign(1))).toMatchObject([{ kind: "rejected", reason: "stale" }]);
  });
});

describe("stop ladder", () => {
  test("TERM, then KILL after the grace, then KILL again while it lives", () => {
    const rig = new AgentRig().with("running");
    expect(signals(rig.receive({ kind: "kill", fence: ONE, reason: "cancel" }))).toEqual(["TERM 1"]);
    expect(rig.receive({ kind: "kill", fence: ONE, reason: "stop" })).toEqual([]);
    rig.uptimeMs += 9_999;
    expect(rig.apply({ kind: "tick" })).toEqual([]);
    rig.uptimeMs += 1;
    expect(signals(rig.apply({ kind: "tick" }))).toEqual(["KILL 1"]);
    expect(rig.apply({ kind: "tick" })).toEqual([]);
    rig.uptimeMs += 5_000;
    expect(signals(rig.apply({ kind: "tick" }))).toEqual(["KILL 1"]);
  });

  test("what is not spawned yet is stopped when it is, with its whole grace from then", () => {
    const rig = new AgentRig().with("accepted");
    expect(rig.receive({ kind: "kill", fence: ONE, reason: "cancel" })).toEqual([]);
    const before = rig.attempt();
    rig.uptimeMs += 4_000;
    expect(rig.receive({ kind: "kill", fence: ONE, reason: "cancel" })).toEqual([]);
    expect(rig.attempt()).toBe(before);
    expect(signals(rig.apply({ kind: "spawned", fence: ONE, process: PROCESS }))).toEqual(["TERM 1"]);
    expect(rig.attempt().stop).toMatchObject({ cause: "cancel", killAtMs: rig.uptimeMs + 10_000 });
  });

  test.each(["ended", "finished", "acked"] as const)("%s: there is nothing to stop", (phase) => {
    const rig = new AgentRig().with(phase);
    expect(rig.receive({ kind: "kill", fence: ONE, reason: "cancel" })).toEqual([]);
    expect(rig.attempt().stop).toBeUndefined();
  });

  test("a passed lease leaves no time for manners", () => {
    const rig = new AgentRig().with("running");
    rig.uptimeMs = rig.attempt().leaseDeadlineMs;
    expect(rig.apply({ kind: "tick" })).toEqual([]);
    rig.uptimeMs += 1;
    expect(signals(rig.apply({ kind: "tick" }))).toEqual(["KILL 1"]);
    expect(rig.attempt().stop?.cause).toBe("lease");
  });

  test("the time limit counts from the start of the command", () => {
    const rig = new AgentRig().with("accepted", { timeLimitMs: 20_000 });
    rig.uptimeMs += 15_000;
    rig.apply({ kind: "spawned", fence: ONE, process: PROCESS });
    rig.uptimeMs += 19_999;
    expect(rig.apply({ kind: "tick" })).toEqual([]);
    rig.uptimeMs += 1;
    expect(signals(rig.apply({ kind: "tick" }))).toEqual(["TERM 1"]);
    expect(rig.attempt().stop?.cause).toBe("timeout");
  });

  test("stop-all stops everything that runs", () => {
    const rig = new AgentRig().with("running");
    rig.assign(2, { devices: [deviceUuid("a/cpu-1")] });
    rig.apply({ kind: "spawned", fence: fence(2), process: PROCESS });
    expect(signals(rig.apply({ kind: "stop-all" }))).toEqual(["TERM 1", "TERM 2"]);
    expect(rig.state.draining).toBe(false);
  });
});

describe("the end", () => {
  const own = { code: 0, started: true, oom: false, expired: false };
  const CASES: readonly { exit: Partial<Exit>; stop?: StopCause; outcome: string }[] = [
    { exit: {}, outcome: "succeeded" },
    { exit: { code: 77 }, outcome: "skipped" },
    { exit: { code: 1 }, outcome: "failed 1" },
    { exit: { code: 128 }, outcome: "failed 128" },
    { exit: { code: 137 }, outcome: "signalled 9" },
    { exit: { code: 192 }, outcome: "signalled 64" },
    { exit: { code: 193 }, outcome: "failed 193" },
    { exit: { code: 137, oom: true }, outcome: "oom" },
    { exit: { code: 1, oom: true }, outcome: "oom" },
    { exit: { code: 0, oom: true }, outcome: "succeeded" },
    { exit: { code: undefined }, outcome: "lost shim_died" },
    { exit: { code: undefined, oom: true }, outcome: "oom" },
    { exit: { code: undefined, started: false }, outcome: "lost start_failed" },
    { exit: { code: undefined, expired: true }, outcome: "lost lease" },
    { exit: { code: 137, expired: true }, outcome: "lost lease" },
    { exit: { code: 0, expired: true }, outcome: "succeeded" },
    { exit: { code: 137, expired: true }, stop: "cancel", outcome: "lost lease" },
    { exit: { code: 0 }, stop: "cancel", outcome: "succeeded" },
    { exit: { code: 77 }, stop: "timeout", outcome: "skipped" },
    { exit: { code: 143 }, stop: "cancel", outcome: "cancelled" },
    { exit: { code: undefined }, stop: "cancel", outcome: "cancelled" },
    { exit: { code: 7 }, stop: "stop", outcome: "lost stopped" },
    { exit: { code: 137 }, stop: "timeout", outcome: "timeout" },
    { exit: { code: 137 }, stop: "lease", outcome: "lost lease" },
    { exit: { code: 143 }, stop: "superseded", outcome: "superseded" },
    { exit: { code: 143 }, stop: "revoked", outcome: "superseded" },
    { exit: { code: 137, oom: true }, stop: "cancel", outcome: "cancelled" },
    { exit: { code: 3, stage: "setup" }, outcome: "failed 3 setup" },
    { exit: { code: 0, stage: "setup" }, outcome: "failed 0 setup" },
    { exit: { code: 77, stage: "setup" }, outcome: "failed 77 setup" },
    { exit: { code: 127, stage: "python" }, outcome: "failed 127 python" },
    { exit: { code: 143, stage: "setup" }, stop: "cancel", outcome: "cancelled" },
    { exit: { code: 137, stage: "setup", oom: true }, outcome: "oom" },
  ];

  test.each(CASES)("$exit, stopped for $stop: $outcome", ({ exit, stop, outcome }) => {
    const attempt = new AgentRig().with("running").attempt();
    const ladder = stop && { cause: stop, killAtMs: 0, killed: false };
    const { kind, ...rest } = outcomeOf({ ...attempt, stop: ladder }, { ...own, ...exit });
    expect([kind, ...Object.values(rest)].join(" ")).toBe(outcome);
  });

  test("is journalled at once, told when all is clean, repeated until it is acknowledged", () => {
    const rig = new AgentRig().with("running");
    const exited = rig.react({ kind: "exited", fence: ONE, exit: EXIT });
    expect(exited.changes).toMatchObject([{ attempt: { phase: "ended", finish: { outcome: { kind: "succeeded" } } } }]);
    expect(exited.commands).toEqual([{ kind: "clean", fence: ONE }]);
    rig.apply({ kind: "exited", fence: ONE, exit: EXIT });
    expect(rig.apply({ kind: "exited", fence: ONE, exit: EXIT })).toEqual([]);
    const unclean = [makeDevice("a/cpu-0", { health: "dirty", reason: "busy" })];
    const cleaned: AgentEvent = { kind: "cleaned", fence: ONE, finalSizes: { output: 9 }, unclean, causes: [] };
    expect(sent(rig.apply(cleaned))).toMatchObject([
      { kind: "finished", finish: { finalSizes: { output: 9 }, unclean } },
    ]);
    expect(rig.apply(cleaned)).toEqual([]);
    // Not offered again by ourselves either.
    expect(sent(rig.assign(2))).toMatchObject([{ reason: "device_busy" }]);
    expect(rig.receive({ kind: "finish-ack", fence: ONE })).toEqual([{ kind: "await-stored", fence: ONE }]);
    expect(rig.receive({ kind: "finish-ack", fence: ONE })).toEqual([]);
    expect(rig.apply({ kind: "stored", fence: ONE })).toEqual([{ kind: "remove", fence: ONE }]);
    expect(rig.apply({ kind: "stored", fence: ONE })).toEqual([]);
    expect(rig.state.tombstones.has(ONE)).toBe(true);
  });

  test("output that is stored before the end is acknowledged removes nothing", () => {
    const rig = new AgentRig().with("finished");
    expect(rig.apply({ kind: "stored", fence: ONE })).toEqual([]);
    expect(rig.phase()).toBe("finished");
  });
});

describe("found after a restart", () => {
  const CASES: readonly { phase: "accepted" | "running" | "ended"; found: Found; next: string; outcome?: string }[] = [
    { phase: "accepted", found: { state: "never-started" }, next: "ended", outcome: "lost start_failed" },
    { phase: "accepted", found: { state: "running", process: PROCESS }, next: "running" },
    { phase: "accepted", found: { state: "exited", code: 0, expired: false }, next: "ended", outcome: "succeeded" },
    { phase: "accepted", found: { state: "dead", expired: false }, next: "ended", outcome: "lost shim_died" },
    { phase: "accepted", found: { state: "rebooted" }, next: "ended", outcome: "lost reboot" },
    { phase: "running", found: { state: "running", process: PROCESS }, next: "running" },
    { phase: "running", found: { state: "exited", code: 3, expired: false }, next: "ended", outcome: "failed 3" },
    {
      phase: "running",
      found: { state: "exited", code: 3, expired: false, stage: "setup" },
      next: "ended",
      outcome: "failed 3 setup",
    },
    { phase: "running", found: { state: "exited", code: 137, expired: true }, next: "ended", outcome: "lost lease" },
    { phase: "running", found: { state: "dead", expired: false }, next: "ended", outcome: "lost shim_died" },
    { phase: "running", found: { state: "dead", expired: true }, next: "ended", outcome: "lost lease" },
    { phase: "running", found: { state: "rebooted" }, next: "ended", outcome: "lost reboot" },
    { phase: "ended", found: { state: "exited", code: 0, expired: false }, next: "ended", outcome: "succeeded" },
    { phase: "ended", found: { state: "rebooted" }, next: "ended", outcome: "succeeded" },
  ];

  test.each(CASES)("$phase, and it is $found: $next $outcome", ({ phase, found, next, outcome }) => {
    const rig = new AgentRig().with(phase);
    const commands = rig.apply({ kind: "found", fence: ONE, found });
    expect(commands.map(({ kind }) => kind)).toEqual([next === "running" ? "adopt" : "clean"]);
    expect(rig.phase()).toBe(next);
    if (outcome === undefined) return;
    const { kind, ...rest } = rig.attempt().finish?.outcome ?? { kind: "none" };
    expect([kind, ...Object.values(rest)].join(" ")).toBe(outcome);
  });

  test.each(["finished", "acked"] as const)("%s: what is over stays over", (phase) => {
    const rig = new AgentRig().with(phase);
    expect(rig.apply({ kind: "found", fence: ONE, found: { state: "rebooted" } })).toEqual([]);
  });

  test("a stop whose signal may have been lost begins again", () => {
    const rig = new AgentRig().with("accepted");
    rig.receive({ kind: "kill", fence: ONE, reason: "cancel" });
    rig.uptimeMs += 50_000;
    const commands = rig.apply({ kind: "found", fence: ONE, found: { state: "running", process: PROCESS } });
    expect(signals(commands)).toEqual(["TERM 1"]);
    expect(rig.attempt()).toMatchObject({
      phase: "running",
      stop: { cause: "cancel", killAtMs: rig.uptimeMs + 10_000 },
    });
  });

  test("a cancelled one that never started is cancelled", () => {
    const rig = new AgentRig().with("accepted");
    rig.receive({ kind: "kill", fence: ONE, reason: "cancel" });
    rig.apply({ kind: "found", fence: ONE, found: { state: "never-started" } });
    expect(rig.attempt().finish?.outcome).toEqual({ kind: "cancelled" });
  });
});

describe("every phase against every event", () => {
  const EVENTS: readonly AgentEvent[] = [
    ...[ONE, fence(9)].flatMap((f): AgentEvent[] => [
      { kind: "spawned", fence: f, process: PROCESS },
      { kind: "not-spawned", fence: f, reason: "start_failed", detail: "" },
      { kind: "exited", fence: f, exit: EXIT },
      { kind: "cleaned", fence: f, finalSizes: {}, unclean: [], causes: [] },
      { kind: "stored", fence: f },
      ...(["cancel", "superseded", "revoked", "stop"] as const).map((reason): AgentEvent => {
        return { kind: "message", helloSentMs: 0, message: { kind: "kill", fence: f, reason } };
      }),
      { kind: "message", helloSentMs: 0, message: { kind: "finish-ack", fence: f } },
      { kind: "message", helloSentMs: 0, message: { kind: "assign", assignment: makeAssignment(f) } },
      { kind: "message", helloSentMs: 0, message: { kind: "heartbeat-ack", seq: 1, renewed: [f] } },
    ]),
    { kind: "message", helloSentMs: 0, message: { kind: "refused", reason: "version", message: "no" } },
    { kind: "disconnected" },
    { kind: "stop-all" },
    { kind: "heartbeat" },
    { kind: "tick" },
    { kind: "devices", devices: [] },
  ];

  test.each(["accepted", "running", "ended", "finished", "acked"] as const)("%s", (phase) => {
    for (const event of EVENTS) {
      const rig = new AgentRig().with(phase);
      const frozen = JSON.stringify([...rig.state.attempts]);
      rig.react(event);
      expect(JSON.stringify([...rig.state.attempts])).toBe(frozen);
      rig.apply(event);
      const { changes } = rig.react(event);
      expect(
        changes.filter(({ kind }) => kind === "attempt-saved"),
        JSON.stringify(event),
      ).toEqual([]);
    }
  });
});
