/**
 * Runs of /bin/true per second, everything durable: submitted, placed, started, ended, recorded, and each run's directory
 * written. Held against `xargs -P` (which keeps nothing) and GNU parallel with its job log, in the same minute. A fleet
 * works for weeks: what is measured comes after a first sweep, in which V8 compiles what is hot. Ours comes before the
 * peers, since GNU parallel deletes two files for each job, and some file systems are slow at making files after that.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { startFleet } from "../../test/helpers/fleet.ts";
import { fixed, type Row } from "./stats.ts";

const FIRST_RUNS = 1_000;
const RUNS = 3_000;
const PEER_RUNS = 2_000;
/** At a time, as suits each best: ours waits for disks, and GNU parallel is slower with more than it has CPUs. */
const SLOTS = 16;
const PEER_SLOTS = availableParallelism();

export async function noop(): Promise<Row[]> {
  await using fleet = await startFleet({ agents: 1, cpuSlots: SLOTS });
  await fleet.submit(sweepOf("first", FIRST_RUNS));
  await fleet.done("first.1", 300_000);

  const startMs = performance.now();
  await fleet.submit(sweepOf("noop", RUNS));
  await fleet.done("noop.1", 300_000);
  const seconds = (performance.now() - startMs) / 1000;
  const sweep = await fleet.runs("noop.1");
  const finished = sweep.map(({ finishedAt }) => Date.parse(finishedAt ?? ""));
  const started = sweep.map(({ createdAt }) => Date.parse(createdAt));
  const steady = RUNS / ((Math.max(...finished) - Math.min(...started)) / 1000);
  const numbers = join(fleet.dir, "numbers.txt");
  writeFileSync(numbers, Array.from({ length: PEER_RUNS }, (_, i) => `${i}\n`).join(""));
  const xargs = rate(PEER_RUNS, () => execFileSync("xargs", ["-a", numbers, `-P${PEER_SLOTS}`, "-n1", "/bin/true"]));
  const parallel = hasParallel() ? rate(PEER_RUNS, () => runParallel(numbers, join(fleet.dir, "joblog"))) : undefined;
  const rows: Row[] = [
    {
      what: "no-op runs, submit to last end",
      value: `${fixed(steady, 0)} /s`,
      against: `${fixed(steady / xargs, 2)} x xargs -P${PEER_SLOTS} (${fixed(xargs, 0)} /s)`,
    },
    { what: "the same with the output of all stored and seen", value: `${fixed(RUNS / seconds, 0)} /s`, against: "" },
  ];
  const peer =
    parallel === undefined
      ? "GNU parallel is not installed"
      : `${fixed(steady / parallel, 2)} x GNU parallel -j${PEER_SLOTS} --joblog (${fixed(parallel, 0)} /s)`;
  return [...rows, { what: "", value: "", against: peer }];
}

function sweepOf(name: string, runs: number): string {
  return `
    name = "${name}"
    seeds = ${JSON.stringify(Array.from({ length: runs }, (_, i) => i))}
    run.command = ["/bin/true"]
  `;
}

function rate(count: number, run: () => void): number {
  const startMs = performance.now();
  run();
  return count / ((performance.now() - startMs) / 1000);
}

function hasParallel(): boolean {
  return spawnSync("parallel", ["--version"]).status === 0;
}

function runParallel(numbers: string, jobLog: string): void {
  execFileSync("parallel", ["--will-cite", `-j${PEER_SLOTS}`, "--joblog", jobLog, "-a", numbers, "/bin/true", "#"], {
    stdio: "ignore",
  });
}
