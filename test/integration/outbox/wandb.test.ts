/** Runs in W&B, by its package's stand-in: what the helper is told, and what happens when it or the package is gone. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createHelperProcess, type WandbAccess } from "../../../coordinator/outbox/wandb/helper-process.ts";
import { createWandbTracker } from "../../../coordinator/outbox/wandb/tracker.ts";
import { STARTED, startTrackerRig } from "../../helpers/tracker-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const point = (s: number, v: object) => ({ e: "m", t: STARTED / 1000 + s, s, v });

interface FakeState {
  readonly rows: readonly { readonly _step: number; readonly step: number; readonly loss?: number }[];
  readonly inits: number;
  readonly [other: string]: unknown;
}

/** A python that has the stand-in, and where its server is. */
function fakePackage() {
  const dir = mkdtempSync(join(tmpdir(), "exp-wandb-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const packages = join(dir, "packages");
  const server = join(dir, "server");
  for (const path of [packages, server]) mkdirSync(path);
  copyFileSync(resolve(import.meta.dirname, "../../helpers/fake_wandb.py"), join(packages, "wandb.py"));
  const python = join(dir, "python");
  writeFileSync(python, `#!/bin/sh\nFAKE_WANDB=${server} PYTHONPATH=${packages} exec python3 -S "$@"\n`);
  chmodSync(python, 0o755);
  const access: WandbAccess = { python, apiKey: "key-5d1f", baseUrl: "", mode: "online", directory: join(dir, "own") };
  const read = (run: string): FakeState => JSON.parse(readFileSync(join(server, `${run}.json`), "utf8"));
  return { dir, server, packages, access, read };
}

const rigFor = (access: WandbAccess, answerMsMax?: number) =>
  startTrackerRig(
    () =>
      createWandbTracker({
        name: "wandb:lab",
        helper: createHelperProcess(access, answerMsMax),
        entity: "team",
        project: "",
      }),
    ["key-5d1f"],
  );

test("a run is begun, gone on with after a restart by its id, and finished as it ended", async () => {
  const { access, read } = fakePackage();
  await using rig = rigFor(access);
  rig.log(1, [point(10, { loss: 1 }), point(20, { loss: 2 })]);
  rig.put(1);
  await rig.settled();
  await rig.stop();
  rig.restart();
  rig.log(1, [point(5, { loss: 3 })]);
  rig.change(1, { state: "failed", finishedAt: STARTED + 5, tags: ["paper"], note: "n", complete: true });
  rig.put(1);
  await rig.settled();
  const state = read("run_1");
  expect(state.rows.map(({ _step, step, loss }) => [_step, step, loss])).toEqual([
    [0, 10, 1],
    [1, 20, 2],
    [2, 5, 3],
  ]);
  expect(state).toMatchObject({
    inits: 2,
    exit: 1,
    tags: ["base", "paper"],
    notes: "n",
    facts: { entity: "team", project: "vision", group: "digits.1", name: "digits.1.1", config: { lr: 1.5 } },
    summary: { expfleet: { state: "failed" } },
  });
});

test("a helper that dies is started again; what W&B has not got comes again, and nothing twice", async () => {
  const { access, server, read } = fakePackage();
  await using rig = rigFor(access);
  rig.log(1, [point(0, { loss: 0 }), point(1, { loss: 1 })]);
  rig.put(1);
  await rig.settled();
  writeFileSync(join(server, "die"), "");
  rig.log(1, [point(2, { loss: 2 }), point(3, { loss: 3 })]);
  rig.put(1);
  await rig.settled();
  expect(rig.lines.join()).toContain("the helper for W&B ended: exit code 9");
  // What was on its way within the package when the machine went down.
  await rig.stop();
  const state = read("run_1");
  writeFileSync(join(server, "run_1.json"), JSON.stringify({ ...state, rows: state.rows.slice(0, 1) }));
  rig.restart();
  rig.log(1, [point(4, { loss: 4 })]);
  rig.put(1);
  await rig.settled();
  expect(read("run_1").rows.map(({ _step, loss }) => [_step, loss])).toEqual([0, 1, 2, 3, 4].map((i) => [i, i]));
  expect(rig.lines.join()).toContain("W&B has 1 of 4 points");
});

test("more runs than it has open at a time", async () => {
  const { access, read } = fakePackage();
  await using rig = rigFor(access);
  const runs = Array.from({ length: 20 }, (_, i) => i + 1);
  for (const round of [0, 1]) {
    for (const i of runs) rig.log(i, [point(round, { loss: i })]);
    rig.put(...runs);
    await rig.settled();
  }
  for (const i of runs) expect(read(`run_${i}`).rows.map(({ loss }) => loss)).toEqual([i, i]);
});

test("without the package it says how to get it, and goes on when it is there", async () => {
  const { access, packages, read } = fakePackage();
  rmSync(join(packages, "wandb.py"));
  await using rig = rigFor(access);
  rig.log(1, [point(0, { loss: 1 })]);
  rig.put(1);
  await waitUntil("it is said", () => rig.state()[0]?.problem !== "", { boundMs: 20_000 });
  expect(rig.state()[0]?.problem).toMatch(
    /has no package wandb \(No module named 'wandb'\): .*python -m pip install wandb/,
  );
  copyFileSync(resolve(import.meta.dirname, "../../helpers/fake_wandb.py"), join(packages, "wandb.py"));
  await rig.settled();
  expect(read("run_1").rows).toHaveLength(1);
});

test("a helper that says nothing is ended, and holds up no stop", async () => {
  const { dir, access } = fakePackage();
  const python = join(dir, "silent");
  writeFileSync(python, "#!/bin/sh\nexec sleep 600\n");
  chmodSync(python, 0o755);
  await using rig = rigFor({ ...access, python }, 200);
  rig.log(1, [point(0, { loss: 1 })]);
  rig.put(1);
  await waitUntil("it is said", () => rig.state()[0]?.problem.includes("did not answer to hello in time") ?? false, {
    boundMs: 20_000,
  });
  await rig.stop();
});
