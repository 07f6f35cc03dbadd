/**
 * Measures what users feel, side by side with a peer or with the machine's own limit in the same run, and prints ratios:
 * these machines are shared and noisy, so a ratio is the result and an absolute number is information.
 *
 *   npm run bench                 every case
 *   npm run bench -- gap noop     some of them
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { far } from "./cases/far.ts";
import { gap } from "./cases/gap.ts";
import { log } from "./cases/log.ts";
import { noop } from "./cases/noop.ts";
import { output } from "./cases/output.ts";
import { page } from "./cases/page.ts";
import { reuse } from "./cases/reuse.ts";
import type { Row } from "./cases/stats.ts";
import { submit } from "./cases/submit.ts";
import { tables } from "./cases/tables.ts";
import { tabs } from "./cases/tabs.ts";

const CASES: { readonly [name: string]: () => Promise<Row[]> } = {
  gap,
  far,
  log,
  noop,
  output,
  reuse,
  submit,
  tables,
  page,
  tabs,
};

/** Of what was measured, in columns. */
const WIDTH = 76;

const wanted = process.argv.slice(2).filter((name) => !name.startsWith("-"));
const unknown = wanted.find((name) => !Object.hasOwn(CASES, name));
if (unknown === undefined) await runCases();
else {
  process.stderr.write(`no such case: ${unknown}; there are ${Object.keys(CASES).join(", ")}\n`);
  process.exitCode = 2;
}

/** Files are removed after the last case: a file system is slower at making files for minutes after many were deleted. */
async function runCases(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "exp-bench-"));
  process.env.TMPDIR = dir;
  process.env.EXP_KEEP = "1";
  try {
    for (const [name, run] of Object.entries(CASES)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      for (const row of await run()) {
        process.stdout.write(`${name.padEnd(8)}${row.what.padEnd(WIDTH)}${row.value.padEnd(18)}${row.against}\n`);
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
