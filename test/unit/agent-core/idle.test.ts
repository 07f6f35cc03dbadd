/** The idle limit: stopped after so long without a word, counted only while somebody listens. */
import { describe, expect, test } from "vitest";
import type { AgentCommand } from "../../../agent/core/events.ts";
import { reportAttempts } from "../../../agent/core/react.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { AgentRig } from "../../helpers/agent-rig.ts";

const ONE = fence(1);

function running(idleLimitMs = 10_000): AgentRig {
  const rig = new AgentRig().with("running", { idleLimitMs });
  look(rig, 1);
  return rig;
}

/** A look at its output, `afterMs` after the last. */
function look(rig: AgentRig, bytes: number, afterMs = 1_000): readonly AgentCommand[] {
  rig.uptimeMs += afterMs;
  return rig.apply({ kind: "activity", fence: ONE, bytes });
}

/** Looks each second until it is stopped; gives how many it took. */
function looksUntilStopped(rig: AgentRig, bytes: number): number {
  for (let looks = 1; looks <= 100; looks++) {
    if (look(rig, bytes).some(({ kind }) => kind === "signal")) return looks;
  }
  return Number.POSITIVE_INFINITY;
}

describe("idle limit", () => {
  test("silence for the limit is TERM, and the end is named by it", () => {
    const rig = running();
    expect(looksUntilStopped(rig, 1)).toBe(10);
    expect(rig.attempt().stop?.cause).toBe("idle");
    expect(look(rig, 1)).toEqual([]);
    rig.apply({ kind: "exited", fence: ONE, exit: { code: 143, started: true, oom: false, expired: false } });
    expect(rig.attempt().finish?.outcome).toEqual({ kind: "idle" });
  });

  test("a word starts it anew", () => {
    const rig = running();
    for (let i = 0; i < 9; i++) look(rig, 1);
    look(rig, 2);
    expect(looksUntilStopped(rig, 2)).toBe(10);
  });

  test("time in which nobody looked hardly counts", () => {
    const rig = running();
    for (let i = 0; i < 4; i++) look(rig, 1);
    // The machine slept, or the agent was stopped.
    expect(look(rig, 1, 3_600_000)).toEqual([]);
    expect(looksUntilStopped(rig, 1)).toBe(1);
  });

  test("a restarted agent looks anew", () => {
    const rig = running();
    for (let i = 0; i < 9; i++) look(rig, 1);
    const { activity: _, ...journalled } = rig.attempt();
    rig.state.attempts.set(ONE, { ...journalled, activity: undefined });
    expect(looksUntilStopped(rig, 1)).toBe(11);
  });

  test("without a limit, and before the start, nothing is counted", () => {
    expect(looksUntilStopped(new AgentRig().with("running"), 1)).toBe(Number.POSITIVE_INFINITY);
    const rig = new AgentRig().with("accepted", { idleLimitMs: 1_000 });
    expect(looksUntilStopped(rig, 1)).toBe(Number.POSITIVE_INFINITY);
  });
});

test("the causes of a failure are told, also after a restart", () => {
  const rig = new AgentRig().with("running");
  rig.apply({ kind: "exited", fence: ONE, exit: { code: 1, started: true, oom: false, expired: false } });
  rig.apply({ kind: "cleaned", fence: ONE, finalSizes: {}, unclean: [], causes: ["cuda-oom"] });
  expect(reportAttempts(rig.state)).toMatchObject([{ phase: "finished", finish: { causes: ["cuda-oom"] } }]);
});
