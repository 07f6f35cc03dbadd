/**
 * The idle gap of a device whose coordinator is far away: the next run of a sweep of short ones is there already. Held against
 * the same without (`--short-run 0s`), where each run costs the way to the coordinator and back.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startFleet } from "../../test/helpers/fleet.ts";
import { gapsMs } from "./gap.ts";
import { fixed, median, type Row } from "./stats.ts";

const DELAY_MS = 50;
const RUNS = 60;
/** Longer than the way there and back: what comes in one run's time is enough. */
const PROGRAM = 'echo "start $EPOCHREALTIME" >>"$0"; sleep 0.3; echo "end $EPOCHREALTIME" >>"$0"';

export async function far(): Promise<Row[]> {
  const ahead = median(await measure("1s"));
  const not = median(await measure("0s"));
  return [
    {
      what: `exit of a run to start of the next, coordinator ${DELAY_MS} ms away, median`,
      value: `${fixed(ahead)} ms`,
      against: `${fixed(ahead / not, 2)} x without handing out ahead (${fixed(not)} ms)`,
    },
  ];
}

async function measure(shortRun: string): Promise<number[]> {
  await using fleet = await startFleet({
    agents: 1,
    gpus: "fake:1x80GB",
    coordinatorFlags: ["--short-run", shortRun],
    delayMs: DELAY_MS,
  });
  const times = join(fleet.dir, "times.txt");
  await fleet.submit(`
    name = "far"
    seeds = ${JSON.stringify(Array.from({ length: RUNS }, (_, i) => i))}
    run.command = ["bash", "-c", ${JSON.stringify(PROGRAM.replaceAll("$", "$$$$"))}, ${JSON.stringify(times)}]
    resources.gpus = 1
  `);
  await fleet.done("far.1", 120_000);
  return gapsMs(readFileSync(times, "utf8"));
}
