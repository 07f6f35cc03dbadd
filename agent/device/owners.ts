/** Whose process is on a GPU: one of this agent's attempts, or somebody else's, and then whose. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { markerOf, readStat } from "../process/proc.ts";

/** Ancestors to look at: a program below an attempt's that has cleared its environment is still the attempt's. */
const ANCESTORS_MAX = 32;

/** True for processes of attempts under `workdir`; of any agent's attempts where it is undefined. */
export function createOwnership(workdir: string | undefined): (pid: number) => boolean {
  const runs = workdir === undefined ? "/" : `${join(realpathSync(workdir), "runs")}/`;
  return (pid) => {
    let at: number | undefined = pid;
    for (let depth = 0; at !== undefined && at > 1 && depth < ANCESTORS_MAX; depth++) {
      if (markerOf(at)?.startsWith(runs)) return true;
      at = readStat(at)?.parent;
    }
    return false;
  };
}

/** Name of the user whose process this is; its number where the host knows no name, empty where it cannot be seen. */
export function userOf(pid: number): string {
  try {
    const { uid } = statSync(`/proc/${pid}`);
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((entry) => entry.split(":")[2] === String(uid));
    return line?.split(":")[0] ?? String(uid);
  } catch {
    // The process has ended, or belongs to another pid namespace.
    return "";
  }
}
