/** Runs in MLflow, against a server made from the documented calls. */
import { expect, test } from "vitest";
import { parseChannels } from "../../../coordinator/outbox/channels-file.ts";
import { createMlflowClient } from "../../../coordinator/outbox/mlflow/client.ts";
import { mlflowKey } from "../../../coordinator/outbox/mlflow/names.ts";
import { createMlflowTracker } from "../../../coordinator/outbox/mlflow/tracker.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { type FakeMlflow, type FakeRun, startFakeMlflow } from "../../helpers/fake-mlflow.ts";
import { STARTED, startTrackerRig } from "../../helpers/tracker-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

function rigFor(fake: FakeMlflow, keys = "") {
  const file = parseChannels("channels.toml", `[mlflow.lab]\nurl = "${fake.url}/"\n${keys}`);
  const { name, prefix, access } = required(file.mlflow[0], "the server");
  return startTrackerRig(
    (logger) => createMlflowTracker({ name, prefix, client: createMlflowClient(access), logger }),
    file.secrets,
  );
}

const point = (s: number, v: object, rest: object = {}) => ({ e: "m", t: STARTED / 1000 + s, s, v, ...rest });
const curve = (run: FakeRun, key: string) =>
  run.metrics.filter((each) => each.key === key).map(({ step, value }) => [step, value]);

test("an experiment for a sweep, a run for a run: parameters, points with steps and times, tags, end", async () => {
  await using fake = await startFakeMlflow();
  await using rig = rigFor(fake, 'prefix = "lab/"\n');
  rig.log(1, [
    point(0, { loss: 1.5, "acc@5": 0.25 }),
    point(1, { loss: "NaN", bad: "Infinity" }),
    point(2, { loss: 0.5 }, { c: { split: "valid" } }),
    { e: "u", v: { best: 0.5, checkpoint: "last.pt" } },
    "no event",
  ]);
  rig.put(1, 2);
  await rig.settled();
  expect([...fake.experiments.values()]).toEqual(["lab/vision/digits.1"]);
  const run = fake.run("digits.1.1");
  expect(run).toMatchObject({ status: "RUNNING", startTime: STARTED + 500, endTime: undefined });
  expect(Object.fromEntries(run.params)).toEqual({ lr: "1.5", "optim.name": "adam", layers: "[1,2]" });
  expect(run.metrics).toEqual([
    { key: "loss", value: 1.5, timestamp: STARTED, step: 0 },
    { key: mlflowKey("acc@5"), value: 0.25, timestamp: STARTED, step: 0 },
    { key: "loss", value: "NaN", timestamp: STARTED + 1000, step: 1 },
    { key: "bad", value: "Infinity", timestamp: STARTED + 1000, step: 1 },
    { key: "valid/loss", value: 0.5, timestamp: STARTED + 2000, step: 2 },
    { key: "best", value: 0.5, timestamp: STARTED + 2000, step: 2 },
  ]);
  expect(Object.fromEntries(run.tags)).toMatchObject({
    "expfleet.run_id": "run_1",
    "expfleet.run": "digits.1.1",
    "expfleet.tags": "base",
    "final.checkpoint": "last.pt",
  });

  rig.change(1, { state: "failed", reason: "exit code 3", finishedAt: STARTED + 9000, tags: ["paper"], note: "hm" });
  rig.put(1);
  await rig.settled();
  expect(run).toMatchObject({ status: "FAILED", endTime: STARTED + 9000 });
  expect(Object.fromEntries(run.tags)).toMatchObject({
    "expfleet.state": "failed",
    "expfleet.reason": "exit code 3",
    "expfleet.tags": "base,paper",
    "expfleet.note": "hm",
  });
  // Nothing new, nothing sent.
  const calls = fake.receiver.received.length;
  rig.put(1, 2);
  await rig.settled();
  expect(fake.receiver.received.length).toBe(calls);
  expect(fake.runs.size).toBe(2);
});

test("calls keep to the limits; a further attempt goes on in the same run", async () => {
  await using fake = await startFakeMlflow();
  await using rig = rigFor(fake);
  const wide = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`m${i}`, i]));
  rig.log(1, [point(0, wide), ...Array.from({ length: 2500 }, (_, i) => point(i, { loss: i }))]);
  const params = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, "x".repeat(6500)]));
  rig.change(1, { params: new Map(Object.entries(params)) });
  rig.put(1);
  await rig.settled();
  rig.addAttempt(1);
  rig.log(1, [point(7, { loss: 0.125 })]);
  rig.put(1);
  await rig.settled();
  const run = fake.run("digits.1.1");
  expect(run.metrics).toHaveLength(1200 + 2501);
  expect(run.metrics.at(-1)).toMatchObject({ key: "loss", step: 7, value: 0.125 });
  expect(run.params.size).toBe(250);
  expect(run.params.get("p1")).toHaveLength(6000);
  expect(rig.lines).toEqual([]);
});

test.each([
  ["that keeps every point", false],
  ["that keeps equal points once", true],
])("lost answers and kills double nothing and lose nothing at a server %s", async (_name, keepsOnce) => {
  await using fake = await startFakeMlflow();
  fake.keepsOnce = keepsOnce;
  await using rig = rigFor(fake);
  const steps = Array.from({ length: 3300 }, (_, i) => i);
  const logged = (from: number, to: number) => steps.slice(from, to).map((i) => point(i, { loss: i / 8, acc: 0.5 }));
  // Half of the calls that change something are cut, some before they are carried out, some after; the first one after.
  let dice = 5;
  fake.fault = ({ method, path }) => {
    if (method === "GET") return undefined;
    dice = (dice * 1103515245 + 12345) % 2 ** 31;
    if (path.endsWith("runs/create") && fake.runs.size === 0) return { hangUp: true, late: true };
    const face = Math.floor((dice / 2 ** 31) * 4);
    return face === 0 ? { hangUp: true, late: true } : face === 1 ? { status: 503 } : undefined;
  };
  rig.log(1, logged(0, 1000));
  rig.put(1);
  await waitUntil("some points are there", () => (fake.runs.get("r1")?.metrics.length ?? 0) > 400, { boundMs: 20_000 });
  await rig.stop();
  rig.log(1, logged(1000, 3300));
  rig.restart();
  rig.put(1);
  rig.change(1, { state: "succeeded", finishedAt: STARTED + 60_000, complete: true });
  await rig.settled();
  const run = fake.run("digits.1.1");
  expect(curve(run, "loss")).toEqual(steps.map((i) => [i, i / 8]));
  expect(curve(run, "acc")).toHaveLength(steps.length);
  expect(run.status).toBe("FINISHED");
  expect(fake.runs.size).toBe(1);
});

test("a server that is down is waited for, as long as it takes, in one line; then all arrives", async () => {
  await using fake = await startFakeMlflow();
  await using rig = rigFor(fake, 'token = "tok-5d1f"\n');
  fake.fault = () => ({ status: 503 });
  for (const i of [1, 2, 3]) rig.log(i, [point(0, { loss: i })]);
  rig.put(1, 2, 3);
  await waitUntil("more tries than messages get", () => rig.lines.length > 8, { boundMs: 20_000 });
  expect(rig.state()).toEqual([
    { name: "mlflow:lab", waiting: 3, problem: expect.stringMatching(/^127\.0\.0\.1:\d+: HTTP 503/) },
  ]);
  // News meanwhile is no further entry.
  rig.log(1, [point(1, { loss: 7 })]);
  for (let i = 0; i < 5; i++) rig.put(1);
  fake.fault = undefined;
  fake.authorization = "Bearer other";
  await waitUntil("a token that is not taken is waited for", () => rig.lines.at(-1)?.includes("401") ?? false);
  fake.authorization = "Bearer tok-5d1f";
  await rig.settled();
  expect(fake.runs.size).toBe(3);
  expect(curve(fake.run("digits.1.1"), "loss")).toEqual([
    [0, 1],
    [1, 7],
  ]);
  expect(rig.state()).toEqual([{ name: "mlflow:lab", waiting: 0, problem: "" }]);
  expect(rig.lines.join("\n")).not.toContain("tok-5d1f");
});

test("what one point or one run has wrong holds up no other", async () => {
  await using fake = await startFakeMlflow();
  await using rig = rigFor(fake, 'user = "me"\npassword = "pa55word"\n');
  fake.authorization = `Basic ${Buffer.from("me:pa55word").toString("base64")}`;
  rig.log(1, [point(0, { loss: 1 })]);
  rig.put(1);
  await rig.settled();
  // Somebody throws it away: it stays there, and is not made again.
  fake.run("digits.1.1").deleted = true;
  rig.log(1, [point(1, { loss: 2 })]);
  rig.log(2, [point(0, { loss: 3 })]);
  fake.fault = ({ path, text }) =>
    path.endsWith("log-batch") && text.includes('"odd"')
      ? { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE", message: "odd" } }
      : undefined;
  rig.log(2, [point(1, { odd: 1, loss: 4 }), point(2, { loss: 5 })]);
  rig.put(1, 2);
  await rig.settled();
  expect(curve(fake.run("digits.1.2"), "loss")).toEqual([
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
  expect(fake.runs.size).toBe(2);
  expect(rig.lines).toHaveLength(2);
  expect(rig.lines.join()).toMatch(/the run was deleted there/);
  expect(rig.lines.join()).toMatch(/left out.*"refused":"odd"/);
});

test("a server that forgot everything gets everything again", async () => {
  await using fake = await startFakeMlflow();
  await using rig = rigFor(fake);
  rig.log(1, [point(0, { loss: 1 })]);
  rig.put(1);
  await rig.settled();
  fake.runs.clear();
  fake.experiments.clear();
  rig.log(1, [point(1, { loss: 2 })]);
  rig.put(1);
  await rig.settled();
  expect(curve(fake.run("digits.1.1"), "loss")).toEqual([
    [0, 1],
    [1, 2],
  ]);
  expect(fake.run("digits.1.1").params.get("lr")).toBe("1.5");
});
