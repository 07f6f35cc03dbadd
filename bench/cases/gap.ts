/**
 * The idle gap of a device: from the last act of one run to the first act of the next on the same device, with work
 * waiting. Held against the machine's limit: the same program started over and over by one shell loop. A fleet works for
 * weeks: what is measured comes after a first sweep, in which V8 compiles what is hot.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startFleet } from "../../test/helpers/fleet.ts";
import { fixed, median, quantile, type Row } from "./stats.ts";

const FIRST_RUNS = 1_000;
const RUNS = 1_000;
/** bash knows the time to the microsecond without starting another program. */
const PROGRAM = 'echo "start $EPOCHREALTIME" >>"$0"; : work; echo "end $EPOCHREALTIME" >>"$0"';

export async function gap(): Promise<Row[]> {
  await using fleet = await startFleet({ agents: 1, gpus: "fake:1x80GB" });
  const ours = join(fleet.dir, "ours.txt");
  const loop = join(fleet.dir, "loop.txt");
  for (const { name, file, runs } of [
    { name: "first", file: join(fleet.dir, "first.txt"), runs: FIRST_RUNS },
    { name: "gap", file: ours, runs: RUNS },
  ]) {
    await fleet.submit(`
      name = "${name}"
      seeds = ${JSON.stringify(Array.from({ length: runs }, (_, i) => i))}
      run.command = ["bash", "-c", ${JSON.stringify(PROGRAM.replaceAll("$", "$$$$"))}, ${JSON.stringify(file)}]
      resources.gpus = 1
    `);
    await fleet.done(`${name}.1`, 120_000);
  }
  execFileSync("bash", ["-c", `for ((i = 0; i < ${RUNS}; i++)); do bash -c "$1" "$2"; done`, "loop", PROGRAM, loop]);
  const mine = gapsMs(readFileSync(ours, "utf8"));
  const limit = gapsMs(readFileSync(loop, "utf8"));
  const ratio = fixed(median(mine) / median(limit));
  return [
    {
      what: "exit of a run to start of the next, median",
      value: `${fixed(median(mine))} ms`,
      against: `${ratio} x a shell loop (${fixed(median(limit))} ms)`,
    },
    {
      what: "the same, 99th percentile",
      value: `${fixed(quantile(mine, 0.99))} ms`,
      against: `shell loop ${fixed(quantile(limit, 0.99))} ms`,
    },
  ];
}

/** Milliseconds from each end to the start after it. */
export function gapsMs(text: string): number[] {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
  return lines.slice(1).flatMap(([what, at], i) => {
    const [before, then] = lines[i] ?? [];
    return what === "start" && before === "end" ? [(Number(at) - Number(then)) * 1000] : [];
  });
}
