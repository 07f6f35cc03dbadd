/**
 * Submitting 10,000, 100,000 and 1,000,000 runs: from the start of `exp submit` to its end, by which all are durable; what
 * memory the coordinator took, and the longest time for which it did not answer; then `exp ls`. Held against the start of
 * the program itself, and against one SQLite transaction of as many rows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Fleet, startFleet } from "../../test/helpers/fleet.ts";
import { fixed, median, type Row } from "./stats.ts";

const RUNS = 10_000;
const ROUNDS = 3;
const LARGE = [
  { runs: 100_000, boundMs: 2_000 },
  { runs: 1_000_000, boundMs: 20_000 },
] as const;
/** How often the coordinator is asked whether it is there. */
const ASK_EVERY_MS = 20;

export async function submit(): Promise<Row[]> {
  await using fleet = await startFleet({ agents: 0 });
  const file = write(fleet, RUNS);
  const submits: number[] = [];
  const lists: number[] = [];
  const starts: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    starts.push(await timeMs(() => fleet.exp("version")));
    submits.push(await timeMs(() => fleet.exp("submit", file)));
    lists.push(await timeMs(() => fleet.exp("ls", `big-${RUNS}.${round}`)));
  }
  const sqlite = insertMs(join(fleet.dir, "peer.db"));
  const rows: Row[] = [
    {
      what: `exp submit of ${RUNS} runs, durable`,
      value: `${fixed(median(submits), 0)} ms`,
      against: `${fixed(median(submits) / sqlite)} x ${RUNS} rows in one SQLite transaction (${fixed(sqlite, 0)} ms)`,
    },
    {
      what: `exp ls of ${RUNS} runs`,
      value: `${fixed(median(lists), 0)} ms`,
      against: `${fixed(median(lists) / median(starts))} x exp version (${fixed(median(starts), 0)} ms)`,
    },
  ];
  for (const { runs, boundMs } of LARGE) rows.push(...(await large(fleet, runs, boundMs)));
  return rows;
}

async function large(fleet: Fleet, runs: number, boundMs: number): Promise<Row[]> {
  const file = write(fleet, runs);
  let over = false;
  const asking = longestSilenceMs(fleet, () => over);
  const ms = await timeMs(() => fleet.exp("submit", file));
  over = true;
  const silence = await asking;
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${fleet.coordinator.process.pid}/status`, "utf8"))?.[1];
  return [
    {
      what: `exp submit of ${runs} runs, durable`,
      value: `${fixed(ms, 0)} ms`,
      against: `${fixed(ms / boundMs, 2)} of the bound of ${boundMs} ms; coordinator at most ${fixed(Number(peak) / 1000, 0)} MB`,
    },
    {
      what: `longest wait for an answer meanwhile`,
      value: `${fixed(silence, 0)} ms`,
      against: "a heartbeat comes every 2,000 ms",
    },
  ];
}

/** Of an HTTP answer that costs nothing by itself. */
async function longestSilenceMs(fleet: Fleet, isOver: () => boolean): Promise<number> {
  let longest = 0;
  while (!isOver()) {
    const startMs = performance.now();
    await fleet.api("/nodes");
    longest = Math.max(longest, performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  return longest;
}

/** A file of that many runs, a multiple of 10,000. */
function write(fleet: Fleet, runs: number): string {
  const file = join(fleet.dir, `big-${runs}.toml`);
  const axis = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
  writeFileSync(
    file,
    `name = "big-${runs}"\nrerun = "all"\nrun.command = "true \${args}"\nlimits.runs = ${runs}\n
    [grid]\na = ${axis(100)}\nb = ${axis(100)}\nc = ${axis(runs / 10_000)}\n`,
  );
  return file;
}

async function timeMs(work: () => Promise<{ code: number | null; stderr: string }>): Promise<number> {
  const startMs = performance.now();
  const { code, stderr } = await work();
  if (code !== 0) throw new Error(`exp ended with ${code}: ${stderr}`);
  return performance.now() - startMs;
}

function insertMs(path: string): number {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b INTEGER) STRICT",
  );
  const insert = db.prepare("INSERT INTO t VALUES (?, ?, ?)");
  const startMs = performance.now();
  db.exec("BEGIN");
  for (let i = 0; i < RUNS; i++) insert.run(`run_${i}`, '{"a": 1, "b": 2}', i);
  db.exec("COMMIT");
  const ms = performance.now() - startMs;
  db.close();
  return ms;
}
