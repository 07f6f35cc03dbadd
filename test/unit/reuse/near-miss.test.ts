/** Why points are new although something like them was done: a table of what may differ. */
import { describe, expect, test } from "vitest";
import { findNearMisses, type KnownRun, type Surroundings } from "../../../coordinator/reuse/near-miss.ts";
import { codeTreeOf } from "../../../shared/spec/code-manifest.ts";

const digest = (text: string) => text.repeat(32).slice(0, 32);
const treeOf = (files: { [path: string]: string }) =>
  codeTreeOf(Object.entries(files).map(([path, text]) => ({ path, digest: digest(text) })));
const OLD = treeOf({ "train.py": "1", "lib.py": "2", "gone.py": "3" });
const ONE = treeOf({ "train.py": "9", "lib.py": "2", "gone.py": "3" });
const MANY = treeOf({ "train.py": "9", "lib.py": "8", "new.py": "7" });
const MANIFESTS = new Map([OLD, ONE, MANY].map(({ hash, manifest }) => [hash, manifest]));

const HERE: Surroundings = {
  command: '["a"]',
  code: OLD.hash,
  env: "uv.lock=1",
  data: "x=1\ny=2",
  include: ["command"],
};

function runs(
  count: number,
  params: { [name: string]: unknown } = {},
  patch: Partial<Surroundings> = {},
): KnownRun<string>[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `run ${i}`,
    params: new Map(
      Object.entries({ lr: i, epochs: 90, ...params }).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    surroundings: { ...HERE, ...patch },
  }));
}

function reasons(fresh: KnownRun<string>[], past: KnownRun<string>[]): string[] {
  return findNearMisses(fresh, past, ["lr"], (hash) => MANIFESTS.get(hash)).map(
    ({ points, reason }) => `${points} ${reason}`,
  );
}

const WITH_CODE = { include: ["command", "code", "env", "data"] } as const;

describe("near misses", () => {
  test.each<{ what: string; now: KnownRun<string>[]; says: string[] }>([
    { what: "another command", now: runs(4, {}, { command: '["b"]' }), says: ["4 differ only in the command"] },
    {
      what: "one file of the code",
      now: runs(3, {}, { ...WITH_CODE, code: ONE.hash }),
      says: ["3 differ only in code: train.py changed"],
    },
    {
      what: "many files of the code",
      now: runs(3, {}, { ...WITH_CODE, code: MANY.hash }),
      says: ["3 differ only in code: lib.py changed, train.py changed, new.py is new and 1 more"],
    },
    {
      what: "code whose manifest is gone",
      now: runs(1, {}, { ...WITH_CODE, code: "other" }),
      says: ["1 differ only in code: its files are not known any more"],
    },
    {
      what: "the environment",
      now: runs(2, {}, { ...WITH_CODE, env: "uv.lock=2" }),
      says: ["2 differ only in the environment: uv.lock"],
    },
    { what: "data", now: runs(2, {}, { ...WITH_CODE, data: "x=1\ny=3" }), says: ["2 differ only in data: y"] },
    {
      what: "a parameter more",
      now: runs(5, { "optim.eps": 1e-8 }),
      says: ["5 differ only in params optim.eps (absent before)"],
    },
    { what: "another constant", now: runs(5, { epochs: 100 }), says: ["5 differ only in params epochs (90 before)"] },
    {
      what: "command and parameter",
      now: runs(2, { seed: 1 }, { command: "x" }),
      says: ["2 differ only in the command and in params seed (absent before)"],
    },
    { what: "further values on an axis", now: runs(6).slice(5), says: [] },
    { what: "too much", now: runs(2, { a: 1, b: 2, c: 3, d: 4 }), says: [] },
    { what: "nothing", now: runs(2), says: [] },
  ])("$what", ({ now, says }) => {
    const past = runs(5, {}, now[0]?.surroundings.include.includes("code") ? WITH_CODE : {});
    expect(reasons(now, past)).toEqual(says);
  });

  test("a parameter less", () => {
    expect(reasons(runs(3), runs(5, { amp: true }))).toEqual(["3 differ only in params amp (absent now)"]);
  });

  test("what counts is itself different", () => {
    expect(reasons(runs(2, {}, { include: ["command", "code"] }), runs(5))).toEqual([
      "2 differ only in code, which did not count then",
    ]);
    expect(reasons(runs(2), runs(5, {}, { include: ["command", "env"] }))).toEqual([
      "2 differ only in the environment, which counted then",
    ]);
  });

  test("an axis that is new is one more parameter", () => {
    const now = [...runs(3, { wd: 0 }), ...runs(3, { wd: 1 })];
    expect(reasons(now, runs(5))).toEqual(["6 differ only in params wd (absent before)"]);
  });

  test("the run with the fewest differences speaks", () => {
    const past = [
      ...runs(2, {}, { command: "far", code: ONE.hash }),
      ...runs(2, { epochs: 80 }),
      ...runs(2, {}, { command: "b" }),
    ];
    expect(reasons(runs(2, { epochs: 80, lr: 0 }, { command: "b" }), past)).toHaveLength(1);
  });

  test("reasons are counted, the most frequent first", () => {
    const past = [...runs(1), ...runs(5, { model: "x" }).slice(1)];
    expect(reasons(runs(5, {}, { command: "b" }), past)).toEqual([
      "4 differ only in the command and in params model (absent now)",
      "1 differ only in the command",
    ]);
  });

  test("20,000 known runs and 5,000 points are told apart within the time of a test", () => {
    const found = findNearMisses(runs(5_000, { eps: 1 }), runs(20_000), [], () => undefined);
    expect(found).toMatchObject([{ points: 5_000 }]);
  });
});
