/**
 * Which of 100,000 candidates were completed before, among 1,000,000: from the coordinator's index. Held against the same
 * question asked in SQL, and against the bound of half a second. Loading the index is part of every start.
 */
import { hash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase, transaction } from "../../coordinator/store/database.ts";
import { loadCluster } from "../../coordinator/store/load-cluster.ts";
import { fixed, median, type Row } from "./stats.ts";

const COMPLETED = 1_000_000;
const CANDIDATES = 100_000;
const ROUNDS = 5;
const BOUND_MS = 500;

export async function reuse(): Promise<Row[]> {
  const db = openDatabase(join(mkdtempSync(join(tmpdir(), "exp-bench-reuse-")), "store.db"));
  try {
    const insert = db.prepare("INSERT INTO completed (fingerprint, run_id) VALUES (?, ?)");
    // In order of the key, as random order only makes this set-up slower.
    const done = Array.from({ length: COMPLETED }, (_, i) => fingerprint(i)).sort();
    transaction(db, () => {
      for (const [i, text] of done.entries()) insert.run(text, `run_01JD${String(i).padStart(22, "0")}`);
    });
    // Half of them were completed.
    const candidates = Array.from({ length: CANDIDATES }, (_, i) => fingerprint(i % 2 === 0 ? i * 7 : COMPLETED + i));
    const loadMs = timeMs(() => loadCluster(db, 1, 0));
    const { completed } = loadCluster(db, 1, 0);
    let found = 0;
    const lookUps = Array.from({ length: ROUNDS }, () =>
      timeMs(() => {
        found = 0;
        for (const text of candidates) if (completed.get(text) !== undefined) found += 1;
      }),
    );
    if (found !== CANDIDATES / 2) throw new Error(`${found} of ${CANDIDATES / 2} were found`);
    const join_ = db.prepare("SELECT count(*) AS n FROM json_each(?) j JOIN completed c ON c.fingerprint = j.value");
    const inSql = Array.from({ length: ROUNDS }, () => timeMs(() => join_.get(JSON.stringify(candidates))));
    const lookUpMs = median(lookUps);
    return [
      {
        what: `${CANDIDATES} candidates against ${COMPLETED} completed`,
        value: `${fixed(lookUpMs, 0)} ms`,
        against: `${fixed(lookUpMs / median(inSql), 2)} x one SQL join (${fixed(median(inSql), 0)} ms); bound ${BOUND_MS} ms`,
      },
      {
        what: `loading the index of ${COMPLETED}`,
        value: `${fixed(loadMs, 0)} ms`,
        against: `${fixed((loadMs * 1000) / COMPLETED, 2)} us each`,
      },
    ];
  } finally {
    db.close();
  }
}

function fingerprint(i: number): string {
  return `v2:${hash("sha256", `bench ${i}`, "hex")}`;
}

function timeMs(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}
