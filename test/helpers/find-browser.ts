/**
 * Once for each run of tests that look at the dashboard: finds a browser, or fetches one, and hands its path to every test process
 * in CHROME_PATH. Where none is to be had, the tests that need one say so in the script's own words; others do not mind.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/browser.sh", import.meta.url));

export function setup(): void {
  const { status, stdout, stderr } = spawnSync("sh", [SCRIPT], { encoding: "utf8", timeout: 600_000 });
  if (status === 0) process.env.CHROME_PATH = stdout.trim();
  else process.env.EXP_NO_BROWSER = stderr.trim();
}
