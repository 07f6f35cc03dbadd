/**
 * The real cores under simulated time, network, disks, processes and users. `EXP_SIM_SECONDS` bounds the search (60),
 * `EXP_SIM_SEED=n` runs that seed alone and prints its trace, `EXP_SIM_FROM=n` begins there. seeds.txt always runs first.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type SimResult, simulate } from "./simulation.ts";

const SECONDS = Number(process.env.EXP_SIM_SECONDS ?? 60);
const ONE_SEED = process.env.EXP_SIM_SEED;
const TRACE_TAIL = 60;

/** Seeds that once failed, one a line: `SEED  what they found`. */
const CORPUS = readFileSync(new URL("./seeds.txt", import.meta.url), "utf8")
  .split("\n")
  .map((line) => Number.parseInt(line, 10))
  .filter(Number.isInteger);

if (ONE_SEED !== undefined) test(`seed ${ONE_SEED}`, () => replay(Number(ONE_SEED)));
else {
  test.each(CORPUS)("seed %i of the corpus", (seed) => check(seed, simulate(seed)));
  test("the same seed gives the same trace", checkRepeatable);
  test("new seeds", { timeout: (SECONDS + 60) * 1_000 }, search);
}

function replay(seed: number): void {
  const result = simulate(seed, { readable: true });
  console.log(result.lines.join("\n"));
  console.log(`${result.runs} runs, ${result.steps} steps, trace ${result.hash}`);
  if (result.violation) throw result.violation;
}

function checkRepeatable(): void {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const [first, second] = [simulate(seed), simulate(seed)];
    expect(second).toEqual(first);
    // Reading along changes nothing.
    expect(simulate(seed, { readable: true }).hash).toBe(first.hash);
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(20);
}

function search(): void {
  const from = Number(process.env.EXP_SIM_FROM ?? Date.now() % 2 ** 31);
  const startedAt = performance.now();
  let [seeds, steps, runs] = [0, 0, 0];
  while (performance.now() - startedAt < SECONDS * 1_000) {
    const seed = (from + seeds) | 0;
    const result = simulate(seed);
    check(seed, result);
    seeds += 1;
    steps += result.steps;
    runs += result.runs;
  }
  const rate = seeds / ((performance.now() - startedAt) / 1_000);
  console.log(`simulated ${seeds} seeds from ${from}: ${rate.toFixed(0)}/s, ${steps} steps, ${runs} runs`);
  expect(seeds).toBeGreaterThan(0);
}

function check(seed: number, result: SimResult): void {
  if (!result.violation) return;
  const { lines } = simulate(seed, { readable: true });
  const tail = lines.slice(-TRACE_TAIL).join("\n");
  throw new Error(`seed ${seed}: ${result.violation.message}\nagain, whole: EXP_SIM_SEED=${seed}\n\n${tail}`, {
    cause: result.violation,
  });
}
