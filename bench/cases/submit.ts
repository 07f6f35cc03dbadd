/**
 * Submitting 10,000 runs: from the start of `exp submit` to its end, by which all are durable; then `exp ls`. Held against
 * the start of the program itself, and against one SQLite transaction of as many rows.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startFleet } from "../../test/helpers/fleet.ts";
import { fixed, median, type Row } from "./stats.ts";

const RUNS = 10_000;
const ROUNDS = 3;

export async function submit(): Promise<Row[]> {
  await using fleet = await startFleet({ agents: 0 });
  const file = join(fleet.dir, "big.toml");
  const axis = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
  writeFileSync(
    file,
    `name = "big"\nrerun = "all"\nrun.command = "true \${args}"\n[grid]\na = ${axis(100)}\nb = ${axis(100)}\n`,
  );
  const submits: number[] = [];
  const lists: number[] = [];
  const starts: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    starts.push(await timeMs(() => fleet.exp("version")));
    submits.push(await timeMs(() => fleet.exp("submit", file)));
    lists.push(await timeMs(() => fleet.exp("ls", `big.${round}`)));
  }
  const sqlite = insertMs(join(fleet.dir, "peer.db"));
  return [
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
