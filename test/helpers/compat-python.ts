/** A Python with the programs whose formats we write. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

/** Its path. Installs it at the first call, which takes a minute and the network. */
export function compatPython(): string {
  const script = join(resolve(import.meta.dirname, "../.."), "scripts/compat-venv.sh");
  return execFileSync("sh", [script], { encoding: "utf8" }).trim();
}
