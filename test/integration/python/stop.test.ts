/** A run that is cancelled learns why, saves, and ends in its own way. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFleet } from "../../helpers/fleet.ts";
import { defaultPython } from "../../helpers/python-client.ts";
import { attemptFiles } from "../../helpers/results.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const BOUND_MS = 60_000;

const PROGRAM = `
import os, sys, time
import expfleet as exp
@exp.on_stop
def save():
    exp.log({"saved": 1}, step=1)
    print("saved because of", exp.should_stop(), flush=True)
open(sys.argv[1], "w").close()
while True:
    time.sleep(0.1)
`;

test("cancelled: the reason, the saved state, the outcome", { timeout: BOUND_MS }, async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  const program = join(fleet.dir, "train.py");
  const going = join(fleet.dir, "going");
  writeFileSync(program, PROGRAM);
  await fleet.submit(`
    name = "stopped"
    run.command = ${JSON.stringify([defaultPython(), program, going])}
  `);
  await waitUntil("the program is going", () => existsSync(going), { boundMs: 30_000 });
  expect(await fleet.exp("cancel", "stopped.1", "--yes")).toMatchObject({ code: 0 });
  const [run] = await fleet.done("stopped.1", BOUND_MS);
  expect(run).toMatchObject({ state: "cancelled", metrics: { saved: 1 } });
  if (run) expect(String(attemptFiles(fleet.resultsDir, run).output)).toBe("saved because of cancel\n");
});
