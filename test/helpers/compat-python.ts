/** A Python with the programs whose formats we write. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

/** Its path. Installs the packages of the set at the first call, which takes a minute and the network. */
export function compatPython(set: "results" | "trackers" | "mlflow" = "results"): string {
  const script = join(resolve(import.meta.dirname, "../.."), "scripts/compat-venv.sh");
  return execFileSync("sh", [script, set], { encoding: "utf8" }).trim();
}
