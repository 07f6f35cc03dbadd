/**
 * Processes of a local stack, known by their command line: the directory is in it. So neither a pid that was given away
 * again nor a stale file can make us stop a stranger, and no part is overlooked.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";
import { pause } from "../follow.ts";
import type { PartName } from "./files.ts";
import type { StackPaths } from "./paths.ts";

/** Pids of the parts that run on this directory; more than one of a kind only if somebody started it by hand. */
export function findParts(paths: StackPaths): { [name in PartName]: number[] } {
  const found: { [name in PartName]: number[] } = { nats: [], coordinator: [], agent: [] };
  for (const [pid, line] of commandLines()) {
    const part = partOf(line, paths);
    if (part) found[part].push(pid);
  }
  return found;
}

/** Sends the signals one after the other, each with its time to act. True when the process is gone. */
export async function endProcess(
  pid: number,
  isOurs: (pid: number) => boolean,
  ladder: readonly (readonly [signal: NodeJS.Signals, waitMs: number])[],
): Promise<boolean> {
  for (const [signal, waitMs] of ladder) {
    if (!isOurs(pid)) return true;
    sendSignal(pid, signal);
    if (await waitGone(pid, isOurs, waitMs)) return true;
  }
  return !isOurs(pid);
}

/** True as soon as the process is gone, false when it is still there after `boundMs`. */
export async function waitGone(pid: number, isOurs: (pid: number) => boolean, boundMs: number): Promise<boolean> {
  const endMs = performance.now() + boundMs;
  while (isOurs(pid)) {
    if (performance.now() > endMs) return false;
    await pause(25);
  }
  return true;
}

/** Whether `pid` is the part `name` of this directory. */
export function isPart(name: PartName, paths: StackPaths): (pid: number) => boolean {
  return (pid) => {
    const line = commandLineOf(pid);
    return line !== undefined && partOf(line, paths) === name;
  };
}

/** Differs between two processes that had the same pid; undefined where there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== "linux") return ps(["-o", "lstart=", "-p", String(pid)])[0];
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Fields from the third on: the second may hold spaces and brackets. A dead child that nobody has waited for is gone.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function partOf(line: string, paths: StackPaths): PartName | undefined {
  if (line.includes(` -c ${paths.natsConfig} `)) return "nats";
  if (line.includes(" start ") && line.includes(` --data ${paths.coordinator} `)) return "coordinator";
  if (line.includes(" start ") && line.includes(` --workdir ${paths.agent} `)) return "agent";
  return undefined;
}

function* commandLines(): Iterable<[pid: number, line: string]> {
  if (process.platform !== "linux") {
    for (const line of ps(["-axo", "pid=,command="])) {
      const [, pid, words] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
      if (words !== undefined) yield [Number(pid), ` ${words} `];
    }
    return;
  }
  for (const entry of readdirSync("/proc")) {
    const pid = /^\d+$/.test(entry) ? Number(entry) : 0;
    const line = pid > 0 ? commandLineOf(pid) : undefined;
    if (line !== undefined) yield [pid, line];
  }
}

/** Words with a space before and after each; undefined where there is no such process, or it is dead already. */
function commandLineOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    const [line] = ps(["-o", "command=", "-p", String(pid)]);
    return line === undefined ? undefined : ` ${line} `;
  }
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return text === "" ? undefined : ` ${text.replaceAll("\0", " ")} `;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function ps(args: readonly string[]): string[] {
  const { stdout } = spawnSync("ps", args, { encoding: "utf8" });
  return (stdout ?? "").split("\n").filter((line) => line !== "");
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "");
}
