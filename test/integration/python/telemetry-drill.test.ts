/**
 * A training loop logs a million points while agent, coordinator and nats-server are killed and started again: its steps
 * take as long as before, and every byte of what it logged is stored.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { visitClientEvents } from "../../../coordinator/results/client-lines.ts";
import { streamPath } from "../../../coordinator/results/run-directory.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { startFleet } from "../../helpers/fleet.ts";
import { defaultPython } from "../../helpers/python-client.ts";
import { attemptFiles } from "../../helpers/results.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const STEPS = 10_000;
const POINTS_PER_STEP = 100;
const BOUND_MS = 240_000;
/** A step that takes so long has waited for something. */
const STALL_US = 500_000;

/** Says how far it is, notes how long each step took and in which phase, and in the end copies what it logged. */
const PROGRAM = `
import os, shutil, sys, time
import expfleet as exp
folder = sys.argv[1]
phase, looked, times = "before", 0, {}
open(os.path.join(folder, "going"), "w").close()
for step in range(${STEPS}):
    start, began = time.thread_time(), time.perf_counter()
    for point in range(${POINTS_PER_STEP}):
        exp.log({"loss": 1 / (step + 1)}, step=step * ${POINTS_PER_STEP} + point)
    took, wall = time.thread_time() - start, time.perf_counter() - began
    times.setdefault(phase, ([], []))[0].append(took)
    times[phase][1].append(wall)
    if step % 100 == 99:
        # Room for what is to happen in the middle.
        time.sleep(0.05)
        phase = open(os.path.join(folder, "phase")).read() or phase
shutil.copy(os.environ["EXP_EVENTS"], os.path.join(folder, "logged"))
for phase, kinds in times.items():
    for kind, each in zip(("cpu", "wall"), kinds):
        each.sort()
        median, p99 = each[len(each) // 2], each[len(each) * 99 // 100]
        print(phase, kind, len(each), median * 1e6 / ${POINTS_PER_STEP}, p99 * 1e6 / ${POINTS_PER_STEP})
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
    const lines = [...printed.matchAll(/^(before|away|after) (cpu|wall) (\d+) ([\d.]+) ([\d.]+)$/gm)];
    const costs = new Map(
      lines.map(([, phase, kind, , median, p99]) => [`${phase} ${kind}`, { median: Number(median), p99: Number(p99) }]),
    );
    const of = (phase: string) => required(costs.get(phase), phase);
    for (const [phase, { median, p99 }] of costs) {
      console.log(`microseconds a log(), ${phase}: median of steps ${median.toFixed(2)}, p99 ${p99.toFixed(2)}`);
    }
    const change = (kind: string) => (of(`away ${kind}`).median / of(`before ${kind}`).median - 1) * 100;
    console.log(
      `change of the median while all were away: cpu ${change("cpu").toFixed(1)} %, wall ${change("wall").toFixed(1)} %`,
    );
    // CPU time of the thread: what others do on this machine at the time is in neither.
    expect(of("away cpu").median).toBeLessThan(of("before cpu").median * 1.5);
    // The clock on the wall has that in it: a step of 100 points takes a millisecond, and tens on a busy machine. One that waits for somebody who is
    // away waits for a timeout, of a second at least.
    for (const phase of ["away wall", "after wall"]) expect(of(phase).p99 * POINTS_PER_STEP).toBeLessThan(STALL_US);
  },
  BOUND_MS,
);
