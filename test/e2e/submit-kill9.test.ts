/** kill -9 of the coordinator while a large sweep is submitted: whole or not at all, and the client asks again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const axis = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));

test("a sweep of 40,000 runs, its coordinator killed twice in the middle", async () => {
  await using fleet = await startFleet({ agents: 0 });
  const file = join(fleet.dir, "big.toml");
  writeFileSync(file, `name = "big"\nrun.command = "true \${args}"\n[grid]\na = ${axis(200)}\nb = ${axis(200)}\n`);
  const store = join(fleet.dir, "coordinator", "store.db");
  const rows = (sql: string): number => {
    const db = new DatabaseSync(store, { readOnly: true });
    try {
      return Number((db.prepare(sql).get() as { n: number }).n);
    } finally {
      db.close();
    }
  };
  const submitted = fleet.exp("submit", file, "--json");
  for (let kill = 0; kill < 2; kill++) {
    await waitUntil("some of it is written", () => rows("SELECT count(*) AS n FROM runs") > 2_000, { boundMs: 60_000 });
    await fleet.coordinator.kill9();
    expect(rows("SELECT count(*) AS n FROM sweeps")).toBe(0);
    expect(rows("SELECT count(*) AS n FROM runs")).toBeGreaterThan(0);
    await fleet.coordinator.start();
    expect(rows("SELECT count(*) AS n FROM runs WHERE sweep_id NOT IN (SELECT sweep_id FROM staged_sweeps)")).toBe(0);
  }
  const { code, stdout, stderr } = await submitted;
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ sweep: "big.1", total: 40_000, new: 40_000 });
  expect(rows("SELECT count(*) AS n FROM sweeps")).toBe(1);
  expect(rows("SELECT count(*) AS n FROM runs")).toBe(40_000);
  expect(rows("SELECT count(*) AS n FROM run_states WHERE state = 'queued'")).toBe(40_000);
}, 240_000);
