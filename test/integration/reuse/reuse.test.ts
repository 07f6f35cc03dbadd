/** Reuse, sharing, near misses and apply, through gRPC and SQLite, with hosts that end runs as each test says. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { type ControlRig, startControlRig } from "../../helpers/control-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";

let rig: ControlRig;

beforeEach(async () => {
  rig = await startControlRig();
});

// What a start would load is what memory says, whatever was done.
afterEach(async () => {
  expect(compareClusters(loadCluster(rig.db, rig.cluster.term, 0), rig.cluster)).toBeUndefined();
  await rig[Symbol.asyncDispose]();
});

const sweep = (lrs: readonly number[], more = "", name = "digits") =>
  `name = "${name}"\nrun.command = ["python", "train.py", "\${args}"]\n${more}\n[grid]\nlr = ${JSON.stringify(lrs)}\n`;

const OK = { kind: "succeeded" } as const;
const BAD = { kind: "failed", exitCode: 1 } as const;

async function done(toml: string, slots = 8): Promise<void> {
  await rig.join(slots);
  const { sweep: ref, total } = await rig.submit(toml);
  for (let i = 1; i <= total; i++) await rig.finish(OK, `${ref}.${i}`);
}

describe("what was completed", () => {
  test("is reused, and only that; --force runs it again", async () => {
    await done(sweep([1, 2]));
    const { sweep: second } = await rig.submit(sweep([2, 3]));
    expect(await rig.states(second)).toEqual({ 1: "succeeded from digits.1.2", 2: "assigned" });
    expect(await rig.submit(sweep([1, 2]), true)).toMatchObject({ fresh: 2, reused: 0 });
  });

  test("a run that was cancelled or failed does not count", async () => {
    await rig.join(3);
    await rig.submit(sweep([1, 2, 3]));
    await rig.finish(BAD, "digits.1.1");
    await rig.client.cancel(["digits.1.2"]);
    await rig.finish({ kind: "cancelled" }, "digits.1.2");
    await rig.finish({ kind: "skipped" }, "digits.1.3");
    expect(await rig.submit(sweep([1, 2, 3]))).toMatchObject({ fresh: 3, reused: 0 });
  });

  test('rerun = "failed" runs what failed, and leaves out what was never tried', async () => {
    await rig.join(3);
    await rig.submit(sweep([1, 2]));
    await rig.finish(OK, "digits.1.1");
    await rig.finish(BAD, "digits.1.2");
    const file = sweep([1, 2, 3], 'rerun = "failed"');
    expect(await rig.plan(file)).toMatchObject({ total: 2, fresh: 1, failedBefore: 1, steps: { leftOut: 1 } });
    const { sweep: second } = await rig.submit(file);
    expect(await rig.states(second)).toEqual({ 1: "succeeded from digits.1.1", 2: "assigned" });
  });

  test("retry --failed-only takes only what failed, and what others completed meanwhile is reused", async () => {
    await rig.join(4);
    await rig.submit(sweep([1, 2, 3, 4]));
    await rig.finish(BAD, "digits.1.1", "digits.1.2");
    await rig.client.cancel(["digits.1.3"]);
    await rig.finish({ kind: "cancelled" }, "digits.1.3");
    await rig.submit(sweep([1], "", "other"));
    await rig.finish(OK, "other.1.1");
    expect(await rig.client.retry(["digits.1"], true)).toEqual({ requeued: 2, unchanged: 0 });
    const states = await rig.states("digits.1");
    expect(states).toMatchObject({ 1: "succeeded from other.1.1", 2: "assigned", 4: "assigned" });
    expect(states[3]).toMatch(/^cancelled/);
  });
});

describe("what another run does right now", () => {
  test("is waited for, and shared", async () => {
    await rig.join(8);
    await rig.submit(sweep([1, 2]));
    const file = sweep([1, 2, 3], "", "other");
    const plan = await rig.plan(file);
    expect(plan).toMatchObject({ total: 3, fresh: 3, waiting: 2, waitingFor: "digits.1.1" });
    expect(plan.points.map(({ waitsFor }) => waitsFor)).toEqual(["digits.1.1", "digits.1.2", ""]);
    await rig.submit(file);
    expect(await rig.states("other.1")).toEqual({ 1: "queued", 2: "queued", 3: "assigned" });
    const why = await rig.client.why("other.1.1");
    expect(why.reason).toBe("waits for digits.1.1, which does the same work");
    await rig.finish(OK, "digits.1.1");
    await rig.finish(BAD, "digits.1.2");
    expect(await rig.states("other.1")).toEqual({ 1: "succeeded from digits.1.1", 2: "assigned", 3: "assigned" });
    expect((await rig.client.listSweeps(["other.1"], 0))[0]?.reused).toBe(1);
  });

  test("is not waited for by what is held", async () => {
    await rig.join(8);
    await rig.submit(sweep([1, 2]));
    const file = sweep([1, 2], "hold = true", "other");
    const plan = await rig.plan(file);
    expect(plan).toMatchObject({ total: 2, fresh: 2, waiting: 0 });
    expect(plan.points.map(({ waitsFor }) => waitsFor)).toEqual(["", ""]);
    await rig.submit(file);
    expect(await rig.states("other.1")).toEqual({ 1: "held", 2: "held" });
    await rig.finish(OK, "digits.1.1");
    expect(await rig.states("other.1")).toEqual({ 1: "held", 2: "held" });
  });
});

describe("why points are new", () => {
  const reasons = async (toml: string) =>
    (await rig.plan(toml)).reasons.map(({ text, points, example }) => `${points} ${text} (${example})`);

  test("another command, another constant, a parameter more", async () => {
    await done(sweep([1, 2, 3], "[base]\nepochs = 90"));
    const base = "[base]\nepochs = 90";
    expect(await reasons(sweep([1, 2, 3], base).replace("train.py", "train2.py"))).toEqual([
      "3 differ only in the command (digits.1.1)",
    ]);
    expect(await reasons(sweep([1, 2, 4], "[base]\nepochs = 100"))).toEqual([
      "2 differ only in params epochs (90 before) (digits.1.1)",
    ]);
    expect(await reasons(sweep([1, 2], `${base}\noptim.eps = 1e-8`, "other"))).toEqual([
      "2 differ only in params optim.eps (absent before) (digits.1.1)",
    ]);
    expect(await reasons(sweep([7], base))).toEqual([]);
  });

  test("code that counts: the files that changed are named", async () => {
    const file = sweep([1, 2], '[identity]\ninclude = ["command", "code"]');
    rig.put("train.py", "one");
    await done(file);
    expect(await rig.plan(file)).toMatchObject({ reused: 2, fresh: 0, reasons: [] });
    rig.put("train.py", "two");
    rig.put("new.py", "");
    expect(await reasons(file)).toEqual(["2 differ only in code: train.py changed, new.py is new (digits.1.1)"]);
    rig.put("train.py", "one");
    expect(await reasons(file)).toEqual(["2 differ only in code: new.py is new (digits.1.1)"]);
  });

  test("environment and data that count", async () => {
    const file = sweep([1], '[identity]\ninclude = ["command", "env", "data:x.csv"]');
    rig.put("uv.lock", "1");
    rig.put("x.csv", "1");
    await done(file);
    rig.put("x.csv", "2");
    expect(await reasons(file)).toEqual(["1 differ only in data: x.csv (digits.1.1)"]);
    rig.put("uv.lock", "2");
    rig.put("x.csv", "1");
    expect(await reasons(file)).toEqual(["1 differ only in the environment: uv.lock (digits.1.1)"]);
  });

  test("failed before", async () => {
    await rig.join(2);
    await rig.submit(sweep([1, 2]));
    await rig.finish(BAD, "digits.1.1");
    expect(await rig.plan(sweep([1, 3]))).toMatchObject({ failedBefore: 1, failedExample: "digits.1.1", reasons: [] });
  });
});

describe("where and when", () => {
  test("room, and the median of like runs", async () => {
    await done(sweep([1, 2, 3]), 4);
    const plan = await rig.plan(sweep([4, 5, 6, 7, 8, 9], "limits.time = '1h'"));
    expect(plan.needs).toEqual([
      { request: "1 device", runs: 6, timeMs: 3_600_000, fitNow: 4, fitEver: 4, nodes: ["a"] },
    ]);
    expect(plan.estimate).toMatchObject({ likeRuns: 3, ahead: 0 });
    expect(plan.estimate?.medianMs).toBeGreaterThan(59_000);
    expect(plan.estimate?.totalMs).toBe(2 * (plan.estimate?.medianMs ?? 0));
  });

  test("nothing fits where nobody has joined; nothing is estimated where nothing was done", async () => {
    const plan = await rig.plan(sweep([1]));
    expect(plan.needs).toMatchObject([{ fitNow: 0, fitEver: 0, nodes: [] }]);
    expect(plan.estimate).toBeUndefined();
  });

  test("a sweep to wait for that is not there is told by plan, submit and apply alike", async () => {
    await rig.submit(sweep([1]));
    const file = sweep([2], 'after = ["digist"]');
    const refusal = {
      code: "not_found",
      id: "ref.unknown",
      message: expect.stringMatching(/^after = "digist": no sweep/),
    };
    await expect(rig.plan(file)).rejects.toMatchObject(refusal);
    await expect(rig.submit(file)).rejects.toMatchObject(refusal);
    const source = await rig.source(file);
    await expect(rig.client.apply({ source, ref: "", dryRun: true })).rejects.toMatchObject(refusal);
    expect(await rig.plan(sweep([2], 'after = ["digits"]'))).toMatchObject({ total: 1 });
  });

  test("steps of the expansion", async () => {
    const plan = await rig.plan(sweep([1, 2, 3, 4], 'where = ["lr > 1", "lr < 4"]\nlimits.runs = 1'));
    expect(plan).toMatchObject({
      total: 1,
      axes: [{ key: "lr", size: 4, step: "grid" }],
      where: [
        { condition: "lr > 1", dropped: 1 },
        { condition: "lr < 4", dropped: 1 },
      ],
      steps: { product: 4, cut: 1, taken: ["grid", "where"], order: "listed", shuffleSeed: 0 },
    });
  });
});

describe("apply", () => {
  async function apply(toml: string, dryRun = false) {
    return await rig.client.apply({ source: await rig.source(toml), ref: "", dryRun });
  }

  test("adds, withdraws, keeps; what runs is left alone", async () => {
    await rig.join(2);
    await rig.submit(sweep([1, 2, 3, 4]));
    await rig.finish(OK, "digits.1.1");
    // Runs 2 and 3 are with the host, 4 waits.
    const edited = sweep([1, 3, 5, 6]);
    const dry = await apply(edited, true);
    expect(dry).toMatchObject({ added: 2, withdrawn: 1, unchanged: 2, runningOn: 1, settings: [] });
    expect(dry).toMatchObject({ addedParams: ['{"lr":5}', '{"lr":6}'], withdrawnParams: ['{"lr":4}'] });
    expect(Object.keys(await rig.states("digits.1"))).toHaveLength(4);
    expect(await apply(edited)).toMatchObject({ sweep: "digits.1", added: 2, withdrawn: 1 });
    expect(await rig.states("digits.1")).toEqual({
      1: "succeeded",
      2: "assigned",
      3: "assigned",
      4: "cancelled withdrawn by apply",
      5: "queued",
      6: "queued",
    });
    expect(await apply(edited)).toMatchObject({ added: 0, withdrawn: 0, unchanged: 4, runningOn: 1 });
  });

  test("a point that was withdrawn can come back", async () => {
    await rig.submit(sweep([1, 2]));
    await apply(sweep([1]));
    expect(await apply(sweep([1, 2]))).toMatchObject({ added: 1, withdrawn: 0, unchanged: 1 });
    expect(await rig.states("digits.1")).toMatchObject({ 2: "cancelled withdrawn by apply", 3: "queued" });
    expect(await apply(sweep([1]))).toMatchObject({ withdrawn: 1 });
  });

  test("settings, priorities and shapes are taken over by what waits", async () => {
    await rig.join(1);
    await rig.submit(sweep([1, 2, 3]));
    const edited = sweep([1, 2, 3], "priority = 5\nlimits.parallel = 2\nresources.cpus = 1\nlimits.failures = 3");
    const answer = await apply(edited);
    expect(answer).toMatchObject({ added: 0, withdrawn: 0, unchanged: 3, reshaped: 2 });
    expect(answer.settings).toEqual(["priority 0 to 5", "parallel no limit to 2", "failures no limit to 3"]);
    const runs = [...rig.cluster.runs.values()].map(({ state, priority, shape }) => [state, priority, shape]);
    expect(runs).toEqual([
      ["assigned", 0, 0],
      ["queued", 5, 1],
      ["queued", 5, 1],
    ]);
    expect([...rig.cluster.sweeps.values()][0]).toMatchObject({ parallel: 2, failuresMax: 3 });
    expect((await apply(edited)).settings).toEqual([]);
  });

  test("texts and tags are taken over; that after is not, is said", async () => {
    await rig.submit(sweep([1], "", "first"));
    await rig.submit(sweep([1, 2], 'note = "old"\ntags = ["a"]'));
    const edited = sweep([1, 2], 'project = "vision"\nnote = "new"\ntags = ["a", "b"]\nafter = ["first.1"]');
    const answer = await apply(edited);
    expect(answer).toMatchObject({ added: 0, unchanged: 2, reshaped: 2 });
    expect(answer.settings).toEqual(['project none to "vision"', 'note "old" to "new"', "tags a to a, b"]);
    expect(answer.warnings).toEqual(["after is not changed: the sweep waits for no other, as it was submitted"]);
    const row = rig.db.prepare("SELECT project, note, tags_json FROM sweeps WHERE name = 'digits'").get();
    expect(row).toEqual({ project: "vision", note: "new", tags_json: '["a","b"]' });
    expect((await apply(edited)).settings).toEqual([]);
  });

  test("what was completed elsewhere is reused, also in a sweep that had ended", async () => {
    await done(sweep([7], "", "other"));
    await rig.submit(sweep([1]));
    await rig.finish(OK, "digits.1.1");
    expect(await apply(sweep([1, 7]))).toMatchObject({ added: 1, reused: 1 });
    expect(await rig.states("digits.1")).toEqual({ 1: "succeeded", 2: "succeeded from other.1.1" });
    expect(await apply(sweep([1, 7, 8]))).toMatchObject({ added: 1, reused: 0 });
    expect(await rig.states("digits.1")).toMatchObject({ 3: "assigned" });
  });

  test("a sweep that is not there is told", async () => {
    await expect(apply(sweep([1]))).rejects.toMatchObject({ code: "not_found" });
  });
});
