/** A large sweep, whose runs are decided while others work, ends up as one that was decided in one moment; and the maps that take it in. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newRun } from "../../../coordinator/core/apply-change.ts";
import type { RunRow } from "../../../coordinator/core/changes.ts";
import { Doers } from "../../../coordinator/core/doers.ts";
import type { NewRun, NewSweep } from "../../../coordinator/core/events.ts";
import { LayeredMap } from "../../../coordinator/core/layered-map.ts";
import { decidePoint } from "../../../coordinator/core/same-work.ts";
import { StagedWork } from "../../../coordinator/core/staged-work.ts";
import { WORK_LOG_MIN, WorkLog } from "../../../coordinator/core/work-log.ts";
import { type RunId, runId, type SessionId } from "../../../shared/kernel/ids.ts";
import { requestKey } from "../../../shared/run/devices.ts";
import { CoreRig, makeDevice, makeFinish, makeShape, newSweep } from "../../helpers/core-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";

const SHAPES = [makeShape({}), makeShape({ resources: { gpus: 0, cpus: 2 } })];

interface Story {
  readonly shares: boolean;
  readonly hold: boolean;
  readonly parallel: number;
  /** Work and shape of each run of the large sweep. */
  readonly runs: readonly { readonly work: number; readonly shape: number; readonly priority: number | undefined }[];
  /** What happens between two of its slices. */
  readonly steps: readonly { readonly move: "slice" | "schedule" | "succeed" | "fail"; readonly at: number }[];
}

const stories = fc.record<Story>({
  shares: fc.boolean(),
  hold: fc.boolean(),
  parallel: fc.constantFrom(0, 2),
  runs: fc.array(
    fc.record({
      work: fc.integer({ min: 1, max: 8 }),
      shape: fc.integer({ min: 0, max: 1 }),
      priority: fc.constantFrom(undefined, 3),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  steps: fc.array(
    fc.record({
      move: fc.constantFrom("slice" as const, "schedule" as const, "succeed" as const, "fail" as const),
      at: fc.nat(10),
    }),
    { maxLength: 15 },
  ),
});

test("whenever its runs were decided, the last step makes of them what one step would", () => {
  fc.assert(
    fc.property(stories, (story) => {
      const staged = tell(story, true);
      const plain = tell(story, false);
      expect(compareClusters(staged.cluster, plain.cluster)).toBeUndefined();
      staged.schedule();
      plain.schedule();
      expect(compareClusters(staged.cluster, plain.cluster)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

function tell(story: Story, isStaged: boolean): CoreRig {
  const rig = new CoreRig();
  const { session } = rig.join("a", { devices: [0, 1, 2].map((i) => makeDevice(`a/cpu-${i}`)) });
  rig.submit(6, {}, "w");
  rig.schedule();
  const sweep: NewSweep = {
    ...newSweep(9, story.runs.length),
    shapes: SHAPES,
    shares: story.shares,
    hold: story.hold,
    parallel: story.parallel,
  };
  const runs = story.runs.map(
    ({ work, shape, priority }, i): NewRun => ({
      id: runId(`run_9_${i + 1}`),
      index: i + 1,
      shape,
      priority,
      fingerprint: `v1:w.${work}`,
      paramsJson: "{}",
    }),
  );
  const work = new StagedWork(SHAPES.map(({ resources }) => requestKey(resources)));
  const decidedAt = rig.cluster.workLog.end;
  const waiting = [...runs];
  const slice = (count: number) => {
    for (const run of waiting.splice(0, count)) {
      const row: RunRow = { ...run, ...decidePoint(rig.cluster, run.fingerprint, sweep) };
      if (row.reusedFrom === undefined) work.add(newRun(sweep, row));
    }
  };
  for (const { move, at } of story.steps) {
    if (move === "slice") slice(at);
    else if (move === "schedule") rig.schedule();
    else endOne(rig, session, at, move === "succeed");
  }
  slice(runs.length);
  if (isStaged) {
    rig.apply({ kind: "submit-staged", sweep, number: 9, work, reused: runs.length - work.size, decidedAt });
  } else {
    rig.apply({ kind: "submit", sweep, number: 9, runs });
  }
  return rig;
}

function endOne(rig: CoreRig, session: SessionId, at: number, isGood: boolean): void {
  const attempts = [...rig.cluster.attempts.values()].filter(({ runId: id }) => !id.startsWith("run_9"));
  const attempt = attempts[at % Math.max(1, attempts.length)];
  if (!attempt) return;
  const outcome = isGood ? ({ kind: "succeeded" } as const) : ({ kind: "failed", exitCode: 1 } as const);
  rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, outcome) });
}

describe("the log of work", () => {
  test("knows what came since, as long as it is not too much", () => {
    const log = new WorkLog();
    log.note("a");
    const mark = log.end;
    expect(log.since(mark)).toEqual(new Set());
    log.note("b");
    log.note("b");
    expect(log.since(mark)).toEqual(new Set(["b"]));
    for (let i = 0; i < WORK_LOG_MIN - 2; i++) log.note(`c${i % 3}`);
    expect(log.since(mark)?.size).toBe(4);
    for (let i = 0; i < 2 * WORK_LOG_MIN; i++) log.note("d");
    expect(log.since(mark)).toBeUndefined();
    expect(log.since(log.end - WORK_LOG_MIN)).toEqual(new Set(["d"]));
  });
});

const keys = fc.integer({ min: 0, max: 20 });
const moves = fc.array(
  fc.oneof(
    fc.record({ move: fc.constant("set" as const), key: keys }),
    fc.record({ move: fc.constant("delete" as const), key: keys }),
    fc.record({ move: fc.constant("adopt" as const), keys: fc.uniqueArray(keys, { maxLength: 9 }) }),
  ),
  { maxLength: 60 },
);

describe("layers", () => {
  test("a layered map says what a plain one would", () => {
    fc.assert(
      fc.property(moves, (list) => {
        const layered = new LayeredMap<number, number>(4);
        const plain = new Map<number, number>();
        for (const [at, step] of list.entries()) {
          if (step.move === "set") {
            layered.set(step.key, at);
            plain.set(step.key, at);
          } else if (step.move === "delete") {
            expect(layered.delete(step.key)).toBe(plain.delete(step.key));
          } else {
            const fresh = step.keys.filter((key) => !plain.has(key));
            layered.adopt(new Map(fresh.map((key) => [key, at])));
            for (const key of fresh) plain.set(key, at);
          }
          expect(layered.size).toBe(plain.size);
          expect(new Map(layered)).toEqual(plain);
          expect([...layered.values()].sort()).toEqual([...plain.values()].sort());
          for (let key = 0; key <= 20; key++) {
            expect([layered.get(key), layered.has(key)]).toEqual([plain.get(key), plain.has(key)]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("several layers may know who does one work", () => {
    fc.assert(
      fc.property(moves, (list) => {
        const doers = new Doers(4);
        const plain = new Map<string, Set<RunId>>();
        const add = (key: number, at: number) => {
          const id = runId(`run_${at}`);
          plain.set(`v1:${key}`, (plain.get(`v1:${key}`) ?? new Set()).add(id));
          return id;
        };
        for (const [at, step] of list.entries()) {
          if (step.move === "set") {
            doers.add(`v1:${step.key}`, add(step.key, at));
          } else if (step.move === "delete") {
            const work = `v1:${step.key}`;
            const [id = runId("run_none")] = plain.get(work) ?? [];
            expect(doers.remove(work, id)).toBe(plain.get(work)?.delete(id) ?? false);
            if (plain.get(work)?.size === 0) plain.delete(work);
          } else {
            doers.adopt(new Map(step.keys.map((key) => [`v1:${key}`, add(key, at)])));
          }
          expect(new Map([...doers].map(([work, ids]) => [work, new Set(ids)]))).toEqual(plain);
          for (let key = 0; key <= 20; key++) {
            expect(doers.has(`v1:${key}`)).toBe(plain.has(`v1:${key}`));
            expect(new Set(doers.of(`v1:${key}`))).toEqual(plain.get(`v1:${key}`) ?? new Set());
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
