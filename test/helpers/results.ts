/** Finds a run's directory and stored streams as a user would: by the names in the results directory. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunView } from "../../shared/run/views.ts";

export interface StoredRun {
  readonly dir: string;
  readonly output: Buffer;
  readonly client: Buffer;
}

/** Streams of the run's last attempt; an absent file is empty. Throws where the run has no directory, or several. */
export function attemptFiles(resultsDir: string, run: RunView): StoredRun {
  const sweep = join(resultsDir, run.sweep);
  const named = readdirSync(sweep).filter((name) => name.startsWith(`${run.ref}_`));
  const [name] = named;
  if (name === undefined || named.length > 1) throw new Error(`${run.ref} has ${named.length} directories`);
  const dir = join(sweep, name);
  const log = `run_${String(run.attempt).padStart(4, "0")}.log`;
  return {
    dir,
    output: readOrEmpty(join(dir, "terminal_logs", log)),
    client: readOrEmpty(join(dir, ".exp", `attempt-${run.attempt}.client.jsonl`)),
  };
}

function readOrEmpty(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}
