/** Assignments that come before their place is free: they wait, take it over in the same moment, or go back. */
import { describe, expect, test } from "vitest";
import type { AgentCommand } from "../../../agent/core/events.ts";
import { reportAttempts } from "../../../agent/core/react.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { AgentRig, sent } from "../../helpers/agent-rig.ts";
import { makeDevice } from "../../helpers/core-rig.ts";

const [ONE, TWO] = [fence(1), fence(2)];
const BEHIND_ONE = { behind: ONE };

/** Fence 2 waits behind fence 1, which runs. */
function waiting(phase: "accepted" | "running" | "ended" = "running"): AgentRig {
  const rig = new AgentRig().with(phase);
  expect(rig.assign(2, BEHIND_ONE)).toEqual([]);
  return rig;
}

function cleaned(rig: AgentRig, unclean = [makeDevice("a/cpu-1")].slice(1)): readonly AgentCommand[] {
  return rig.apply({ kind: "cleaned", fence: ONE, finalSizes: {}, unclean, causes: [] });
}

const kinds = (commands: readonly AgentCommand[]): string[] => commands.map(({ kind }) => kind);

describe("waits", () => {
  test.each(["accepted", "running", "ended"] as const)("while the one before is %s", (phase) => {
    const rig = waiting(phase);
    expect(rig.phase(2)).toBeUndefined();
    // Nothing was promised, and so nothing is told of it.
    expect(reportAttempts(rig.state).map(({ fence: which }) => which)).toEqual([1]);
    const [beat] = sent(rig.apply({ kind: "heartbeat" }));
    expect(beat).toMatchObject({ kind: "heartbeat", fences: [1] });
  });

  test("once, however often it is assigned", () => {
    const rig = waiting();
    expect(rig.assign(2, BEHIND_ONE)).toEqual([]);
    expect(rig.state.waiting.size).toBe(1);
  });

  test("not at all where the one before is over, or was never here", () => {
    expect(kinds(new AgentRig().with("finished").assign(2, BEHIND_ONE))).toEqual(["start"]);
    const rig = new AgentRig();
    rig.welcome();
    expect(kinds(rig.assign(2, BEHIND_ONE))).toEqual(["start"]);
  });
});

describe("takes over", () => {
  test("when the one before is clean, and not sooner", () => {
    const rig = waiting("ended");
    const commands = cleaned(rig);
    expect(kinds(commands)).toEqual(["send", "start"]);
    expect(sent(commands)).toMatchObject([{ kind: "finished", finish: { fence: 1 } }]);
    expect(rig.phase(1)).toBe("finished");
    expect(rig.phase(2)).toBe("accepted");
    expect(rig.state.waiting.size).toBe(0);
  });

  test("when the one before could not be started", () => {
    const rig = waiting("accepted");
    const commands = rig.apply({ kind: "not-spawned", fence: ONE, reason: "start_failed", detail: "" });
    expect(kinds(commands)).toEqual(["send", "remove", "start"]);
  });

  test.each<{ what: string; prepare: (rig: AgentRig) => void; reason: string }>([
    {
      what: "a device that did not come back clean",
      prepare: (rig) => cleaned(rig, [makeDevice("a/cpu-0", { health: "dirty", reason: "memory is not back" })]),
      reason: "device_busy",
    },
    {
      what: "a node that is being drained",
      prepare: (rig) => {
        rig.receive({ kind: "drain", draining: true });
        cleaned(rig);
      },
      reason: "draining",
    },
    {
      what: "a lease that has passed meanwhile",
      prepare: (rig) => {
        rig.uptimeMs += 60_000;
        cleaned(rig);
      },
      reason: "stale",
    },
  ])("not $what", ({ prepare, reason }) => {
    const rig = waiting("ended");
    const said: unknown[] = [];
    const apply = rig.apply.bind(rig);
    rig.apply = (event) => {
      const commands = apply(event);
      said.push(...sent(commands));
      expect(kinds(commands)).not.toContain("start");
      return commands;
    };
    prepare(rig);
    expect(said).toContainEqual(expect.objectContaining({ kind: "rejected", fence: 2, reason }));
    expect(rig.phase(2)).toBeUndefined();
  });
});

describe("goes back", () => {
  test("after two seconds, and under this fence never starts", () => {
    const rig = waiting();
    rig.uptimeMs += 1_999;
    expect(sent(rig.apply({ kind: "tick" }))).toEqual([]);
    rig.uptimeMs += 1;
    const rejected = { kind: "rejected", fence: 2, reason: "waited", detail: "fence 1 goes on" };
    expect(sent(rig.apply({ kind: "tick" }))).toEqual([rejected]);
    expect(rig.state.waiting.size).toBe(0);
    expect(sent(rig.assign(2, BEHIND_ONE))).toMatchObject([{ kind: "rejected", reason: "stale" }]);
  });

  test("when it is to be stopped", () => {
    const rig = waiting();
    expect(sent(rig.receive({ kind: "kill", fence: TWO, reason: "cancel" }))).toMatchObject([
      { kind: "rejected", fence: 2, reason: "stopped" },
    ]);
  });

  test("when the agent leaves", () => {
    const rig = waiting();
    expect(sent(rig.apply({ kind: "stop-all" }))).toMatchObject([{ kind: "rejected", fence: 2, reason: "draining" }]);
  });

  test("is forgotten with the session: the coordinator assigns it again", () => {
    const rig = waiting("ended");
    rig.apply({ kind: "disconnected" });
    expect(kinds(cleaned(rig))).toEqual(["send"]);
    rig.welcome();
    expect(kinds(rig.assign(2, BEHIND_ONE))).toEqual(["start"]);
  });
});
