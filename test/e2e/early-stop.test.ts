/** `[stop]` with the real programs: conditions, runs that fall behind, and a sweep that has what it is for. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** Says its accuracy at step 5; what is worse than 0.5 would go on for a minute. */
const PROGRAM = `
import sys, time, expfleet as exp
acc = float(sys.argv[1])
exp.log({"val_acc": acc}, step=5)
if not acc > 0.5:
    time.sleep(60)
`;

let fleet: Fleet;
let program = "";
beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 3 });
  program = join(fleet.dir, "train.py");
  writeFileSync(program, PROGRAM);
}, 60_000);
afterAll(() => fleet?.[Symbol.asyncDispose](), 60_000);

function sweep(name: string, values: string, rest: string): Promise<unknown> {
  return fleet.submit(`
    name = "${name}"
    grid.acc = [${values}]
    run.command = ["python3", ${JSON.stringify(program)}, "\${acc}"]
    limits = { parallel = 1, stop_grace = "1s" }
    objective = { metric = "val_acc", goal = "maximize" }
    ${rest}
  `);
}

test("a condition on the metrics of a run ends it", async () => {
  await sweep("cond", '0.9, "nan"', 'stop.when = ["isnan(val_acc)", "step > 5"]');
  const runs = await fleet.done("cond.1", 60_000);
  expect(runs.map(({ state, reason }) => [state, reason])).toEqual([
    ["succeeded", ""],
    ["cancelled", "stopped early: isnan(val_acc) ([stop] when)"],
  ]);
});

// Values of its own: what has succeeded before is not run again, and not compared with.
test("a run that falls behind at a rung ends, though the others are over", async () => {
  await sweep("race", "0.91, 0.81, 0.1", 'stop = { policy = "asha", min_steps = 5, divisor = 3 }');
  const runs = await fleet.done("race.1", 60_000);
  expect(runs.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "cancelled"]);
  expect(runs[2]?.reason).toBe('stopped early: 3. of 3 at step 5, where one in 3 goes on ([stop] policy = "asha")');
});

test("a sweep that has what it is for starts nothing more", async () => {
  await sweep("enough", "0.7, 0.95, 0.1, 0.2, 0.3", 'stop.sweep_when = "objective.best >= 0.9 and sweep.ended >= 2"');
  const last = await waitUntil(
    "the last run is not started any more",
    async () => (await fleet.runs("enough.1")).find(({ index, state }) => index === 5 && state !== "queued"),
    { boundMs: 60_000 },
  );
  expect(last).toMatchObject({
    state: "cancelled",
    reason: "its sweep was stopped: objective.best >= 0.9 and sweep.ended >= 2 ([stop] sweep_when)",
  });
  await fleet.exp("cancel", "enough.1");
});
