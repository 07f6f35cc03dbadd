/**
 * A training loop logs a million points while agent, coordinator and nats-server are killed and started again: its steps
 * take as long as before, and every byte of what it logged is stored.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { visitClientEvents } from "../../../coordinator/results/client-lines.ts";
import { streamPath } from "../../../coordinator/results/run-directory.ts";
import { startFleet } from "../../helpers/fleet.ts";
import { defaultPython } from "../../helpers/python-client.ts";
import { attemptFiles } from "../../helpers/results.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const STEPS = 10_000;
const POINTS_PER_STEP = 100;
const BOUND_MS = 240_000;

/** Says how far it is, notes how long each step took and in which phase, and in the end copies what it logged. */
const PROGRAM = `
import os, shutil, sys, time
import expfleet as exp
folder = sys.argv[1]
phase, looked, times = "before", 0, {}
open(os.path.join(folder, "going"), "w").close()
for step in range(${STEPS}):
    start = time.thread_time()
    for point in range(${POINTS_PER_STEP}):
        exp.log({"loss": 1 / (step + 1)}, step=step * ${POINTS_PER_STEP} + point)
    took = time.thread_time() - start
    times.setdefault(phase, []).append(took)
    if step % 100 == 99:
        # Room for what is to happen in the middle.
        time.sleep(0.05)
        phase = open(os.path.join(folder, "phase")).read() or phase
shutil.copy(os.environ["EXP_EVENTS"], os.path.join(folder, "logged"))
for phase, each in times.items():
    each.sort()
    print(phase, len(each), each[len(each) // 2] * 1e6 / ${POINTS_PER_STEP})
`;

test(
  "killing everything around it changes neither its steps nor what is stored",
  async () => {
    await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
    const file = (name: string) => join(fleet.dir, name);
    const enter = (phase: string) => writeFileSync(file("phase"), phase);
    enter("before");
    writeFileSync(file("train.py"), PROGRAM);
    await fleet.submit(`
    name = "drill"
    run.command = ${JSON.stringify([defaultPython(), file("train.py"), fleet.dir])}
  `);
    await waitUntil("the program logs", () => existsSync(file("going")), { boundMs: 30_000 });
    const [agent] = fleet.agents;
    const started = await waitUntil("some is stored", async () => {
      const [run] = await fleet.runs("drill.1");
      return run?.metrics.loss !== undefined && run.fence !== null ? run : undefined;
    });
    enter("away");
    await fleet.nats.kill9();
    await agent?.kill9();
    await fleet.coordinator.kill9();
    const events = join(agent?.workdir ?? "", "runs", String(started.fence), "client.jsonl");
    const size = () => statSync(events, { throwIfNoEntry: false })?.size ?? 0;
    const sizeThen = size();
    await waitUntil("it went on alone", () => size() > sizeThen + 5_000_000 || existsSync(file("logged")), {
      boundMs: 60_000,
    });
    await fleet.nats.restart();
    await fleet.coordinator.start();
    agent?.start();
    enter("after");

    const [run] = await fleet.done("drill.1", BOUND_MS);
    expect(run).toMatchObject({ state: "succeeded", attempt: 1 });
    if (!run) return;
    const stored = attemptFiles(fleet.resultsDir, run);
    expect(stored.client.equals(readFileSync(file("logged")))).toBe(true);
    let next = 0;
    visitClientEvents(streamPath(stored.dir, 1, "client"), (event) => {
      if (event.kind === "metric" && event.step === next) next += 1;
    });
    expect(next).toBe(STEPS * POINTS_PER_STEP);

    const printed = stored.output.toString("utf8");
    const cost = new Map(
      [...printed.matchAll(/^(before|away|after) (\d+) ([\d.]+)$/gm)].map(([, phase, , us]) => [phase, Number(us)]),
    );
    const [before = 0, away = 0] = [cost.get("before"), cost.get("away")];
    console.log(`microseconds a log(), median of steps: ${printed.trim().replaceAll("\n", ", ")}`);
    console.log(`change of step time while all were away: ${((away / before - 1) * 100).toFixed(1)} %`);
    // CPU time of the thread: what others do on this machine at the time is in neither.
    expect(away).toBeLessThan(before * 1.5);
  },
  BOUND_MS,
);
