/** The journal on disk and the engine before it: what was written is what a restart finds, and nothing is done before it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyChange } from "../../../agent/core/apply-change.ts";
import type { AgentChange, AgentEvent } from "../../../agent/core/events.ts";
import { AgentEngine } from "../../../agent/engine.ts";
import { type Journal, openJournal } from "../../../agent/journal.ts";
import { deviceUuid, fence } from "../../../shared/kernel/ids.ts";
import { AgentRig, EXIT, emptyAgentState, makeAssignment, makeWelcome, PROCESS } from "../../helpers/agent-rig.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 1_700_000_000_000;
let dir = "";
let path = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-journal-"));
  path = join(dir, "journal.db");
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Opens, lets `work` write, closes. */
function during(work: (journal: Journal) => void): void {
  const journal = openJournal(path);
  work(journal);
  journal.close();
}

describe("journal", () => {
  test("a restart finds every attempt, refusal and flag as they were", () => {
    const rig = new AgentRig();
    const events: AgentEvent[] = [
      { kind: "message", helloSentMs: rig.uptimeMs, message: { kind: "welcome", welcome: makeWelcome([]) } },
      ...[1, 2, 3].map((number): AgentEvent => {
        const assignment = makeAssignment(number, { devices: [deviceUuid(`a/cpu-${number % 2}`)] });
        return { kind: "message", helloSentMs: 0, message: { kind: "assign", assignment } };
      }),
      { kind: "spawned", fence: fence(1), process: PROCESS },
      { kind: "spawned", fence: fence(2), process: PROCESS },
      { kind: "message", helloSentMs: 0, message: { kind: "kill", fence: fence(1), reason: "cancel" } },
      { kind: "exited", fence: fence(2), exit: EXIT },
      { kind: "cleaned", fence: fence(2), finalSizes: { output: 5 }, unclean: [], causes: [] },
      { kind: "message", helloSentMs: 0, message: { kind: "drain", draining: true } },
    ];
    during((journal) => {
      journal.open("boot-1", NOW_MS);
      for (const event of events) {
        const { changes } = rig.react(event);
        journal.write(changes, NOW_MS);
        rig.apply(event);
        const found = openJournal(path);
        const { state } = found.open("boot-1", NOW_MS);
        found.close();
        expect([...state.attempts]).toEqual([...rig.state.attempts]);
        expect(state.tombstones).toEqual(rig.state.tombstones);
        const { storeId, term, draining, maxFenceSeen } = rig.state;
        expect(state).toMatchObject({ storeId, term, draining, maxFenceSeen });
        expect(state).toMatchObject({ session: undefined, devices: [], leaving: false });
      }
    });
    expect(rig.state.attempts.size).toBe(2);
    expect(rig.state.tombstones.size).toBe(1);
  });

  test("each start is a new incarnation of one agent", () => {
    const seen: { agentId: string; incarnation: number; bootId: string }[] = [];
    for (const boot of ["x", "x", "y"]) {
      during((journal) => {
        const { state, incarnation } = journal.open(boot, NOW_MS);
        seen.push({ agentId: state.agentId, incarnation, bootId: state.bootId });
      });
    }
    expect(seen.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3]);
    expect(new Set(seen.map(({ agentId }) => agentId)).size).toBe(1);
    expect(seen.at(-1)?.bootId).toBe("y");
  });

  test("old refusals go, the highest fence is never forgotten", () => {
    during((journal) => {
      journal.open("x", NOW_MS);
      for (const number of [3, 9, 5]) journal.write([{ kind: "refused", fence: fence(number) }], NOW_MS);
    });
    during((journal) => {
      const { state } = journal.open("x", NOW_MS + 31 * DAY_MS);
      expect([...state.tombstones]).toEqual([9]);
      expect(state.maxFenceSeen).toBe(9);
    });
  });

  test("what is written is whole or not at all", () => {
    during((journal) => {
      journal.open("x", NOW_MS);
      const broken = { kind: "refused", fence: "no number" } as unknown as AgentChange;
      expect(() => journal.write([{ kind: "refused", fence: fence(1) }, broken], NOW_MS)).toThrow();
      expect(() => journal.write([{ kind: "refused", fence: fence(2) }], NOW_MS)).not.toThrow();
    });
    during((journal) => expect([...journal.open("x", NOW_MS).state.tombstones]).toEqual([2]));
  });

  test("only promises wait for the disk, and those who ask meanwhile share a sync", async () => {
    const journal = openJournal(path);
    journal.open("boot-1", NOW_MS);
    const promise: AgentChange = { kind: "refused", fence: fence(1) };
    const fact: AgentChange = { kind: "attempt-removed", fence: fence(1) };
    expect(journal.write([fact], NOW_MS)).toBe(false);
    expect(journal.write([fact, promise], NOW_MS)).toBe(true);
    const first = journal.sync();
    const second = journal.sync();
    expect(journal.sync()).toBe(second);
    expect(second).not.toBe(first);
    await Promise.all([first, second]);
    journal.close();
  });

  test("one of a newer version, or none at all, is refused in one line", () => {
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(() => openJournal(path)).toThrow("newer version");
    expect(() => openJournal(join(dir, "absent", "journal.db"))).toThrow("cannot open the journal");
  });
});

describe("agent engine", () => {
  function start(fails: "never" | "write" | "sync") {
    const happened: string[] = [];
    const fatal: Error[] = [];
    const syncs: (() => void)[] = [];
    const journal: Journal = {
      open: () => ({ state: emptyAgentState(), incarnation: 1 }),
      write: (changes) => {
        if (fails === "write") throw new Error("disk full");
        happened.push(`journal ${changes.length}`);
        return changes.length > 0;
      },
      sync: () => {
        if (fails === "sync") return Promise.reject(new Error("no disk"));
        return new Promise((resolve) => syncs.push(resolve));
      },
      artifacts: { load: () => [], save: () => {}, remove: () => {} },
      close: () => {},
    };
    const engine = new AgentEngine({
      state: emptyAgentState(),
      journal,
      now: () => ({ uptimeMs: 1_000, wallMs: NOW_MS }),
      act: (command) => happened.push(command.kind === "send" ? command.message.kind : command.kind),
      onFatal: (error) => fatal.push(error),
    });
    return { engine, happened, fatal, syncs };
  }
  const assign = (number: number): AgentEvent => ({
    kind: "message",
    helloSentMs: 0,
    message: {
      kind: "assign",
      assignment: makeAssignment(number, {
        code: { hash: "c0de", root: "/code" },
        devices: [deviceUuid(`a/cpu-${number}`)],
      }),
    },
  });

  test("events of one turn share a journal write, and nothing is done before it", async () => {
    const { engine, happened } = start("never");
    engine.apply(assign(0));
    engine.apply(assign(1));
    expect(happened).toEqual([]);
    await setImmediate();
    expect(happened).toEqual(["journal 2", "start", "start"]);
    expect(engine.state.attempts.size).toBe(2);
  });

  test("what was promised is said after its sync, and nothing overtakes it", async () => {
    const { engine, happened, syncs } = start("never");
    engine.apply(assign(0));
    await setImmediate();
    engine.apply(assign(1));
    await setImmediate();
    engine.apply({ kind: "heartbeat" });
    await setImmediate();
    happened.length = 0;
    expect(syncs).toHaveLength(2);
    syncs[0]?.();
    await setImmediate();
    expect(happened).toEqual(["accepted"]);
    syncs[1]?.();
    await setImmediate();
    expect(happened).toEqual(["accepted", "accepted", "heartbeat"]);
    engine.apply({ kind: "heartbeat" });
    await setImmediate();
    expect(happened.at(-1)).toBe("heartbeat");
  });

  test("a sync that fails is final: what it was for is never said", async () => {
    const { engine, happened, fatal } = start("sync");
    engine.apply(assign(0));
    await setImmediate();
    engine.apply({ kind: "heartbeat" });
    await setImmediate();
    expect(happened).toEqual(["journal 1", "start"]);
    expect(fatal.map(({ message }) => message)).toEqual(["the journal failed: no disk"]);
  });

  test("a journal that fails is final: nothing is done, nothing more is taken", async () => {
    const { engine, happened, fatal } = start("write");
    engine.apply(assign(0));
    await setImmediate();
    engine.apply(assign(1));
    await setImmediate();
    expect(happened).toEqual([]);
    expect(fatal.map(({ message }) => message)).toEqual(["the journal failed: disk full"]);
  });

  test("a stop decides what was handed in, then takes nothing more", async () => {
    const { engine, happened } = start("never");
    engine.apply(assign(0));
    engine.stop();
    expect(happened).toContain("start");
    engine.apply(assign(1));
    await setImmediate();
    expect(happened.filter((what) => what === "start")).toHaveLength(1);
  });

  test("memory of the agent follows its changes", () => {
    const state = emptyAgentState();
    applyChange(state, { kind: "lease-renewed", fence: fence(4), leaseDeadlineMs: 1, writtenDeadlineMs: 1 });
    expect(state.attempts.size).toBe(0);
    applyChange(state, { kind: "refused", fence: fence(4) });
    expect(state).toMatchObject({ maxFenceSeen: 4, tombstones: new Set([4]) });
  });
});
