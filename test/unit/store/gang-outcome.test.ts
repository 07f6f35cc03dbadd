/** The store reads the outcome of a run on several nodes as the core decided it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { deciding, type MemberEnd } from "../../../coordinator/core/gang.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import { OUTCOME_OF_ALL_RANKS } from "../../../coordinator/store/gang-outcome.ts";
import { fence, nodeName, runId } from "../../../shared/kernel/ids.ts";
import type { Outcome } from "../../../shared/run/states.ts";

const end = fc.record({
  stopping: fc.constantFrom("" as const, "peer" as const, "stop" as const),
  outcome: fc.constantFrom<Outcome>(
    { kind: "succeeded" },
    { kind: "failed", exitCode: 1 },
    { kind: "oom" },
    { kind: "cancelled" },
    { kind: "lost", reason: "lease" },
  ),
  finishedAt: fc.nat(3),
});

test("the same as the core, once all ranks have ended", () => {
  const db = openDatabase(":memory:");
  db.exec("PRAGMA foreign_keys = OFF");
  const insert =
    db.prepare(`INSERT INTO attempts (fence, run_id, number, node, devices_json, phase, stopping, assigned_at,
    finished_at, outcome_json, gang_first, gang_size, sealed) VALUES (?, 'run', 1, 'a', '[]', 'ended', ?, 0, ?, ?, 1, ?, 1)`);
  const read = db.prepare(`SELECT ${OUTCOME_OF_ALL_RANKS} AS outcome FROM attempts a WHERE a.fence = 1`);
  const outcome = () => (read.get() as { outcome: string | null }).outcome;
  const member = (
    { outcome: how, stopping, finishedAt }: Parameters<Parameters<typeof end.map>[0]>[0],
    rank: number,
  ) => {
    const gang = { first: fence(1), size: 8 };
    const base = { fence: fence(1 + rank), runId: runId("run"), number: 1, gang, node: nodeName("a"), devices: [] };
    const attempt = { ...base, reserved: undefined, phase: "running", stopping, startedAt: 0 } as const;
    return { attempt, outcome: how, finishedAt, causes: [] } satisfies MemberEnd;
  };
  fc.assert(
    fc.property(fc.array(end, { minLength: 2, maxLength: 8 }), (ends) => {
      db.exec("DELETE FROM attempts");
      for (const [rank, one] of ends.entries())
        insert.run(1 + rank, one.stopping, one.finishedAt, JSON.stringify(one.outcome), ends.length);
      expect(JSON.parse(outcome() ?? "null")).toEqual(ends.map<MemberEnd>(member).reduce(deciding).outcome);
      db.exec("UPDATE attempts SET outcome_json = NULL WHERE fence = 2");
      expect(outcome()).toBeNull();
    }),
  );
  db.close();
});
