/** What one `log()` of the Python client costs the training loop, held against the write that it cannot do without. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fixed, type Row } from "./stats.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** What the client promises, in microseconds. */
const PROMISED_US = 6;

export async function log(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), "exp-log-"));
  const printed = execFileSync("python3", [join(import.meta.dirname, "log_cost.py")], {
    encoding: "utf8",
    env: {
      ...process.env,
      PYTHONPATH: join(ROOT, "python"),
      PYTHONDONTWRITEBYTECODE: "1",
      EXP_RUN_ID: "run_1",
      EXP_EVENTS: join(dir, "client.jsonl"),
    },
  });
  const [plain = Number.NaN, withContext = Number.NaN, write = Number.NaN] = printed.split(" ").map(Number);
  const row = (what: string, us: number): Row => ({
    what,
    value: `${fixed(us)} us`,
    against: `${fixed(us / write)} x its write (${fixed(write)} us); promised: under ${PROMISED_US} us`,
  });
  return [row("log() of two metrics", plain), row("the same with a split", withContext)];
}
