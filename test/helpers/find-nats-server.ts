/**
 * Once for each run of tests that need one: finds a real nats-server the way the programs do, and hands its path to every
 * test process in EXP_NATS_SERVER. Fails with the script's own words where there is none to be had.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/nats-server.sh", import.meta.url));

export function setup(): void {
  const { status, stdout, stderr } = spawnSync("sh", [SCRIPT], { encoding: "utf8", timeout: 300_000 });
  if (status !== 0) throw new Error(`no nats-server for the tests:\n${stderr}`);
  process.env.EXP_NATS_SERVER = stdout.trim();
}
