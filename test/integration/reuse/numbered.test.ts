/** Parameters that say which run of the sweep a run is, through gRPC and SQLite: no two runs get the same ones. */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ControlRig, startControlRig } from "../../helpers/control-rig.ts";

let rig: ControlRig;

beforeEach(async () => {
  rig = await startControlRig();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const OUT = "[derive]\nout = \"'runs/' + sweep.name + '/' + str(run.index)\"";

const sweep = (lrs: readonly number[], more = "") =>
  `name = "digits"\nrun.command = ["python", "train.py", "\${args}"]\n${more}\n[grid]\nlr = ${JSON.stringify(lrs)}\n${OUT}\n`;

const apply = async (toml: string, dryRun = false) =>
  await rig.client.apply({ source: await rig.source(toml), ref: "", dryRun });

/** Parameters of each run of the sweep, by its number. */
function paramsOf(ref: string): unknown[] {
  const rows = rig.db.prepare("SELECT params_json FROM runs WHERE sweep_id = ? ORDER BY idx");
  return (rows.all(sweepIdOf(ref)) as { params_json: string }[]).map((row) => JSON.parse(row.params_json));
}

function sweepIdOf(ref: string): string {
  const [name, number] = ref.split(".");
  const one = rig.db.prepare("SELECT sweep_id FROM sweeps WHERE name = ? AND number = ?");
  return (one.get(name ?? "", Number(number)) as { sweep_id: string }).sweep_id;
}

describe("apply", () => {
  test("gives added runs their own number, wherever the file has them", async () => {
    await rig.submit(sweep([0.1, 0.01]));
    const edited = sweep([0.1, 0.05, 0.03, 0.01]);
    const dry = await apply(edited, true);
    expect(dry.addedParams).toEqual(['{"lr":0.05,"out":"runs/digits/3"}', '{"lr":0.03,"out":"runs/digits/4"}']);
    expect(await apply(edited)).toMatchObject({ added: 2, unchanged: 2 });
    expect(paramsOf("digits.1")).toEqual([
      { lr: 0.1, out: "runs/digits/1" },
      { lr: 0.01, out: "runs/digits/2" },
      { lr: 0.05, out: "runs/digits/3" },
      { lr: 0.03, out: "runs/digits/4" },
    ]);
  });

  test("gives a point that was withdrawn and comes back a new one", async () => {
    await rig.submit(sweep([1, 2]));
    await apply(sweep([2]));
    await apply(sweep([1, 2]));
    expect(paramsOf("digits.1")[2]).toEqual({ lr: 1, out: "runs/digits/3" });
  });

  test("refuses an expression that has no value for the number that a run gets", async () => {
    const file = (lrs: readonly number[]) => sweep(lrs).replace(OUT, '[derive]\nout = "[7, 8, 9][run.index]"');
    await rig.submit(file([1, 2]));
    await expect(apply(file([3, 2]))).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/lr=3/),
    });
    expect(paramsOf("digits.1")).toHaveLength(2);
  });
});

describe('rerun = "failed"', () => {
  test("numbers what is left, and the parameters say the same", async () => {
    await rig.join(4);
    await rig.submit(sweep([1, 2, 3]));
    await rig.finish({ kind: "failed", exitCode: 1 }, "digits.1.2");
    await rig.finish({ kind: "succeeded" }, "digits.1.3");
    const file = sweep([0, 1, 2, 3], 'rerun = "failed"');
    const plan = await rig.plan(file);
    expect(plan).toMatchObject({ total: 2, failedBefore: 1, reused: 1, steps: { leftOut: 2 } });
    expect(plan.points.map(({ paramsJson }) => paramsJson)).toEqual([
      '{"lr":2,"out":"runs/digits/1"}',
      '{"lr":3,"out":"runs/digits/2"}',
    ]);
    const { sweep: second } = await rig.submit(file);
    expect(paramsOf(second)).toEqual([
      { lr: 2, out: "runs/digits/1" },
      { lr: 3, out: "runs/digits/2" },
    ]);
    // What an edit adds is numbered behind them.
    await rig.submit(sweep([0]));
    await rig.finish({ kind: "failed", exitCode: 1 }, "digits.3.1");
    expect(await rig.client.apply({ source: await rig.source(file), ref: second, dryRun: false })).toMatchObject({
      added: 1,
    });
    expect(paramsOf(second)[2]).toEqual({ lr: 0, out: "runs/digits/3" });
  });
});

describe("what only says which run it is never counts", () => {
  test("in why points are new", async () => {
    await rig.join(4);
    const file = (epochs: number, lrs: readonly number[]) => sweep(lrs, `[base]\nepochs = ${epochs}`);
    await rig.submit(file(90, [1, 2]));
    await rig.finish({ kind: "succeeded" }, "digits.1.1", "digits.1.2");
    const { reasons } = await rig.plan(file(100, [0, 1, 2]));
    expect(reasons).toMatchObject([{ points: 2, text: "differ only in params epochs (90 before)" }]);
  });

  test("in a run that is repeated: it has the fingerprint of what it repeats", async () => {
    await rig.submit(sweep([1, 2]));
    await rerun("digits.1.2");
    await rerun("digits.1.1", "lr=2");
    await rerun("digits.1.1", "lr=2", "out=here");
    await rerun("digits.1.1", "lr=3");
    const prints = rig.db.prepare("SELECT fingerprint FROM runs ORDER BY run_id").all() as { fingerprint: string }[];
    const [one, two, ...again] = prints.map(({ fingerprint }) => fingerprint);
    expect(again.slice(0, 3)).toEqual([two, two, two]);
    expect([one, two]).not.toContain(again[3]);
    expect(paramsOf("digits.2")).toEqual([{ lr: 2, out: "runs/digits/2" }]);
  });

  test("--set of a repeated run is followed by what is derived, or refused with the name", async () => {
    const derive = `${OUT}\nhalf = "lr / 2"`;
    await rig.submit(sweep([1, 2]).replace(OUT, derive));
    await rerun("digits.1.1", "lr=3");
    expect(paramsOf("digits.2")).toEqual([{ lr: 3, out: "runs/digits/1", half: 1.5 }]);
    await rig.submit(
      sweep([1, 2]).replace(OUT, '[derive]\nlr = "lr * epochs"').replace("[grid]", "[base]\nepochs = 2\n[grid]"),
    );
    await expect(rerun("digits.3.1", "epochs=3")).rejects.toMatchObject({
      code: "invalid",
      message: "lr is derived from epochs and from what lr was before it was derived, which is not kept",
    });
  });
});

async function rerun(ref: string, ...set: string[]): Promise<void> {
  await rig.client.rerun({ ref, set, resume: false, submitId: `again-${randomUUID()}` });
}

test("files that are refused after they were expanded keep no thread", async () => {
  for (let i = 0; i < 4; i++) {
    await expect(rig.plan(sweep([1], '[notify]\nto = ["slack:nobody"]'))).rejects.toMatchObject({ code: "invalid" });
    await expect(rig.submit(sweep([1], 'after = ["nobody.7"]'))).rejects.toMatchObject({ code: "not_found" });
  }
  expect(await rig.plan(sweep([1]))).toMatchObject({ total: 1 });
});
