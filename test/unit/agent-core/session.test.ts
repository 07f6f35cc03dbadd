/** Leases, Hello and Welcome. */
import { describe, expect, test } from "vitest";
import { reportAttempts } from "../../../agent/core/react.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { AgentRig, EXIT, makeWelcome, PROCESS, sent, signals } from "../../helpers/agent-rig.ts";
import { makeDevice } from "../../helpers/core-rig.ts";

const ONE = fence(1);

describe("leases", () => {
  test("count from the sending of the heartbeat, however late its answer comes", () => {
    const rig = new AgentRig().with("running");
    const sentMs = rig.uptimeMs;
    const [beat] = sent(rig.apply({ kind: "heartbeat" }));
    expect(beat).toEqual({ kind: "heartbeat", seq: 1, fences: [1] });
    rig.uptimeMs += 45_000;
    rig.receive({ kind: "heartbeat-ack", seq: 1, renewed: [ONE] });
    expect(rig.attempt().leaseDeadlineMs).toBe(sentMs + 60_000);
    expect(rig.state.exchangeSentMs).toBe(sentMs);
  });

  test("an answer to no heartbeat of this session renews nothing", () => {
    const rig = new AgentRig().with("running");
    rig.apply({ kind: "heartbeat" });
    rig.apply({ kind: "disconnected" });
    rig.welcome([]);
    const before = rig.attempt().leaseDeadlineMs;
    rig.uptimeMs += 10_000;
    expect(rig.receive({ kind: "heartbeat-ack", seq: 1, renewed: [ONE] })).toEqual([]);
    expect(rig.receive({ kind: "heartbeat-ack", seq: 99, renewed: [ONE] })).toEqual([]);
    expect(rig.attempt().leaseDeadlineMs).toBe(before);
  });

  test("the same answer twice renews once", () => {
    const rig = new AgentRig().with("running");
    rig.uptimeMs += 30_000;
    rig.apply({ kind: "heartbeat" });
    const ack = { kind: "heartbeat-ack", seq: 1, renewed: [ONE] } as const;
    expect(rig.receive(ack).map(({ kind }) => kind)).toEqual(["write-lease"]);
    expect(rig.receive(ack)).toEqual([]);
  });

  test("only the fences that were renewed", () => {
    const rig = new AgentRig().with("running");
    const before = rig.attempt().leaseDeadlineMs;
    rig.uptimeMs += 30_000;
    rig.apply({ kind: "heartbeat" });
    rig.receive({ kind: "heartbeat-ack", seq: 1, renewed: [fence(2)] });
    expect(rig.attempt().leaseDeadlineMs).toBe(before);
  });

  test("the warden's copy is written when it lags by a tenth, and is never later", () => {
    const rig = new AgentRig().with("running");
    let writes = 0;
    for (let seq = 1; seq <= 30; seq++) {
      rig.uptimeMs += 1_000;
      rig.apply({ kind: "heartbeat" });
      writes += rig.receive({ kind: "heartbeat-ack", seq, renewed: [ONE] }).length;
      const { leaseDeadlineMs, writtenDeadlineMs } = rig.attempt();
      expect(leaseDeadlineMs).toBe(rig.uptimeMs + 60_000);
      expect(writtenDeadlineMs).toBeLessThanOrEqual(leaseDeadlineMs);
      expect(leaseDeadlineMs - writtenDeadlineMs).toBeLessThan(6_000);
    }
    expect(writes).toBe(5);
  });

  test("an older answer never shortens a lease", () => {
    const rig = new AgentRig().with("running");
    for (let i = 0; i < 2; i++) {
      rig.uptimeMs += 10_000;
      rig.apply({ kind: "heartbeat" });
    }
    rig.receive({ kind: "heartbeat-ack", seq: 2, renewed: [ONE] });
    const { leaseDeadlineMs } = rig.attempt();
    rig.receive({ kind: "heartbeat-ack", seq: 1, renewed: [ONE] });
    expect(rig.attempt().leaseDeadlineMs).toBe(leaseDeadlineMs);
  });

  test("heartbeats without answer are remembered up to a bound", () => {
    const rig = new AgentRig().with("running");
    for (let i = 0; i < 500; i++) rig.apply({ kind: "heartbeat" });
    expect(rig.state.heartbeatsSent.size).toBe(64);
  });

  test("heartbeats name what may have processes, and nothing else", () => {
    const fences = (rig: AgentRig) => sent(rig.apply({ kind: "heartbeat" })).map((m) => "fences" in m && m.fences);
    expect(fences(new AgentRig().with("accepted"))).toEqual([[1]]);
    expect(fences(new AgentRig().with("ended"))).toEqual([[1]]);
    expect(fences(new AgentRig().with("finished"))).toEqual([[]]);
  });
});

describe("Hello", () => {
  test.each([
    { phase: "accepted", reported: "accepted" },
    { phase: "running", reported: "running" },
    { phase: "ended", reported: "running" },
    { phase: "finished", reported: "finished" },
    { phase: "acked", reported: undefined },
  ] as const)("$phase is reported as $reported", ({ phase, reported }) => {
    const reports = reportAttempts(new AgentRig().with(phase).state);
    expect(reports.map((report) => report.phase)).toEqual(reported ? [reported] : []);
  });
});

describe("Welcome", () => {
  test("adopts: the lease counts from the sending of the Hello", () => {
    const rig = new AgentRig().with("running");
    rig.uptimeMs += 40_000;
    rig.welcome([{ fence: ONE, action: "adopt" }], rig.uptimeMs - 5_000);
    expect(rig.attempt().leaseDeadlineMs).toBe(rig.uptimeMs + 55_000);
    expect(rig.state).toMatchObject({ storeId: "store", term: 1, session: 5, exchangeSentMs: rig.uptimeMs - 5_000 });
  });

  test("kills, and acknowledges", () => {
    const running = new AgentRig().with("running");
    expect(signals(running.welcome([{ fence: ONE, action: "kill", reason: "superseded" }]))).toEqual(["TERM 1"]);
    const finished = new AgentRig().with("finished");
    const commands = finished.welcome([{ fence: ONE, action: "finish-ack" }]);
    expect(commands).toContainEqual({ kind: "await-stored", fence: ONE });
    expect(finished.phase()).toBe("acked");
  });

  test.each([
    {
      what: "it started",
      happen: (rig: AgentRig) => rig.apply({ kind: "spawned", fence: ONE, process: PROCESS }),
      told: ["accepted", "started"],
    },
    {
      what: "it could not be started",
      happen: (rig: AgentRig) => rig.apply({ kind: "not-spawned", fence: ONE, reason: "start_failed", detail: "" }),
      told: ["rejected"],
    },
    {
      what: "it ended",
      happen: (rig: AgentRig) => {
        rig.apply({ kind: "spawned", fence: ONE, process: PROCESS });
        rig.apply({ kind: "exited", fence: ONE, exit: EXIT });
        rig.apply({ kind: "cleaned", fence: ONE, finalSizes: {}, unclean: [], causes: [] });
      },
      told: ["finished"],
    },
  ])("between Hello and Welcome $what: told again in the new session", ({ happen, told }) => {
    const rig = new AgentRig().with("accepted");
    rig.apply({ kind: "disconnected" });
    happen(rig);
    const messages = sent(rig.welcome([{ fence: ONE, action: "adopt" }]));
    expect(messages.map(({ kind }) => kind)).toEqual([...told, "devices"]);
  });

  test("between Hello and Welcome a device changed: told again", () => {
    const rig = new AgentRig().with("running");
    rig.apply({ kind: "disconnected" });
    const devices = [makeDevice("a/cpu-0", { health: "dirty" })];
    rig.apply({ kind: "devices", devices });
    expect(sent(rig.welcome([]))).toEqual([{ kind: "devices", devices }]);
  });

  test("hands on where output goes, and how far it is stored", () => {
    const rig = new AgentRig();
    const bus = { servers: ["nats://127.0.0.1:4222"], user: "u", password: "p" };
    const watermarks = [{ fence: ONE, stream: "output", offset: 7 }] as const;
    const commands = rig.receive({ kind: "welcome", welcome: makeWelcome([], { bus, watermarks }) });
    expect(commands.slice(0, 2)).toEqual([
      { kind: "bus", ...bus },
      { kind: "watermarks", offsets: watermarks, resend: true },
    ]);
  });

  test.each([
    { reason: "version", fatal: true },
    { reason: "already_connected", fatal: true },
    { reason: "superseded", fatal: true },
    { reason: "stale_term", fatal: false },
  ] as const)("refused as $reason: fatal $fatal", ({ reason, fatal }) => {
    const commands = new AgentRig().receive({ kind: "refused", reason, message: "why" });
    expect(commands).toEqual([{ kind: "refused", fatal, message: "why" }]);
  });
});
