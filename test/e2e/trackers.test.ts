/** Runs of a real fleet in MLflow and in TensorBoard's directory: every point once, through a kill of the coordinator. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readFrames } from "../../shared/capture/tfevents.ts";
import { startFakeMlflow } from "../helpers/fake-mlflow.ts";
import { startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const POINTS = 3_000;
const TOKEN = "mlflow-token-77c1";

test("two runs through a kill of the coordinator: every point arrives once, in each tracker", {
  timeout: 180_000,
}, async () => {
  await using mlflow = await startFakeMlflow();
  mlflow.authorization = `Bearer ${TOKEN}`;
  const dir = mkdtempSync(join(tmpdir(), "exp-trackers-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "channels.toml");
  const keys = `[mlflow.lab]\nurl = "${mlflow.url}"\ntoken = "${TOKEN}"\nevery = "1s"\n`;
  writeFileSync(file, `${keys}[tensorboard.tb]\ndirectory = "${join(dir, "tb")}"\nevery = "1s"\n`, { mode: 0o600 });
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2, coordinatorFlags: ["--channels", file] });
  // The first third of the points, a wait for the test, then the rest.
  const program = [
    "import json, os, sys, time",
    "events = open(os.environ['EXP_EVENTS'], 'a', buffering=1)",
    "def log(a, b):",
    "    for i in range(a, b):",
    "        events.write(json.dumps({'e': 'm', 't': time.time(), 's': i, 'v': {'loss': i / 4}}) + '\\n')",
    `log(0, ${POINTS / 3})`,
    `while not os.path.exists('${join(dir, "go")}'): time.sleep(0.05)`,
    `log(${POINTS / 3}, ${POINTS})`,
    "events.write(json.dumps({'e': 't', 'v': ['paper']}) + '\\n')",
    "events.write(json.dumps({'e': 'w', 'text': 'nearly done', 'level': 'warning'}) + '\\n')",
    "sys.exit(int(sys.argv[1]))",
  ].join("\n");
  writeFileSync(join(dir, "train.py"), program);
  const { sweep } = await fleet.submit(
    `name = "curves"\nrun.command = ["python3", "${join(dir, "train.py")}", "\${code}"]\n[grid]\ncode = [0, 3]\n`,
  );
  const arrived = () => [...mlflow.runs.values()].map(({ metrics }) => metrics.length);
  await waitUntil("both runs are there, with points", () => arrived().filter((n) => n > 0).length === 2, {
    boundMs: 60_000,
    seen: () => [arrived(), fleet.coordinator.process.log().slice(-1500)],
  });
  // Nobody hears whether what is sent now has arrived.
  mlflow.fault = ({ path }) => (path.endsWith("log-batch") ? { hangUp: true, late: true } : undefined);
  writeFileSync(join(dir, "go"), "");
  const before = arrived();
  await waitUntil("more has arrived", () => arrived().some((n, i) => n > (before[i] ?? 0)), {
    boundMs: 60_000,
    seen: arrived,
  });
  await fleet.coordinator.kill9();
  mlflow.fault = undefined;
  await fleet.coordinator.start();
  await fleet.done(sweep, 90_000);

  const wanted = Array.from({ length: POINTS }, (_, i) => [i, i / 4]);
  for (const [ref, status] of [
    ["curves.1.1", "FINISHED"],
    ["curves.1.2", "FAILED"],
  ] as const) {
    const run = () => mlflow.run(ref);
    await waitUntil(`${ref} is complete`, () => run().status === status && run().metrics.length >= POINTS, {
      boundMs: 60_000,
      seen: () => [run().status, run().metrics.length],
    });
    expect(run().metrics.map(({ step, value }) => [step, value])).toEqual(wanted);
    expect(run().endTime).toBeGreaterThan(run().startTime);
    await waitUntil("its tag is told", () => run().tags.get("expfleet.tags") === "paper", { boundMs: 30_000 });

    const events = join(dir, "tb", "curves.1", ref);
    const scalars = () => {
      const [name = ""] = readdirSync(events);
      const { scalars: found, damaged, broken } = readFrames(readFileSync(join(events, name)));
      expect({ damaged, broken }).toEqual({ damaged: 0, broken: false });
      return found;
    };
    await waitUntil("the event file is complete", () => scalars().length >= POINTS, { boundMs: 30_000 });
    expect(scalars().map(({ step, value }) => [step, value])).toEqual(wanted);

    const { stdout } = await fleet.exp("show", ref, "--json");
    const shown = JSON.parse(stdout);
    expect(shown.tags).toEqual(["paper"]);
    expect(shown.events.filter(({ kind }: { kind: string }) => kind === "warning")).toMatchObject([
      { text: "nearly done" },
    ]);
  }
  expect(mlflow.runs.size).toBe(2);
  expect(fleet.coordinator.process.log()).not.toContain(TOKEN);
});
