/**
 * A cgroup v2 subtree of our own, `exp-<hash of the workdir>/<number>`: the only way to hold a process tree that nothing
 * can leave. An attempt has one group of it at a time, and its lease file says which. Taken into use only after a sample was made, filled and killed there; nothing outside it is ever touched.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { systemCode } from "../../shared/kernel/errors.ts";

const PROBE_BOUND_MS = 3_000;

/**
 * The subtree of the agent with this workdir, proven to work; undefined where the host gives none. The top of the
 * hierarchy comes first, since a service manager that ends the agent's own cgroup would end the runs in it.
 */
export async function findCgroupRoot(workdir: string): Promise<string | undefined> {
  const place = existsSync(workdir) ? realpathSync(workdir) : resolve(workdir);
  const name = `exp-${createHash("sha256").update(place).digest("hex").slice(0, 12)}`;
  const parents = parentCandidates(readText("/proc/self/mounts"), readText("/proc/self/cgroup"));
  for (const parent of parents) {
    const root = join(parent, name);
    if (await provesUsable(root)) {
      // Lets the kernel count out-of-memory kills for each attempt, where the host hands out the controller.
      write(join(root, "cgroup.subtree_control"), "+memory");
      return root;
    }
    removeGroup(root);
  }
  return undefined;
}

/** Directories in which a subtree may be made: the tops of all v2 mounts, then our own place below them. */
export function parentCandidates(mounts: string, ownCgroup: string): string[] {
  const tops = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup2")
    .map((fields) => unescapeMount(fields[1] ?? ""));
  const own = /^0::(\/.*)$/m.exec(ownCgroup)?.[1] ?? "/";
  // A path with ".." lies outside of what this namespace may see.
  const below = own === "/" || own.includes("/..") ? [] : tops.map((top) => join(top, own));
  return [...new Set([...tops, ...below])];
}

/** Groups of the subtree, used or not. */
export function groups(root: string): string[] {
  return subgroups(root).filter((group) => /^\d+$/.test(basename(group)));
}

/** Makes a group of this number; undefined where the subtree has gone since it was proven. */
export function makeGroup(root: string, number: number): string | undefined {
  const group = join(root, String(number));
  return makeDirectory(group) ? group : undefined;
}

/** The file by which a process enters the group. */
export function procsOf(group: string): string {
  return join(group, "cgroup.procs");
}

/** True when the group holds no process and no further groups. */
export function isEmpty(group: string): boolean {
  return /^nr_descendants 0$/m.test(readText(join(group, "cgroup.stat"))) && !isPopulated(group);
}

/** True while a live process is in the group or below it. */
export function isPopulated(group: string): boolean {
  return /^populated 1$/m.test(readText(join(group, "cgroup.events")));
}

/** Pids in the group and in groups that its processes made below it. */
export function members(group: string): number[] {
  const own = readText(join(group, "cgroup.procs")).split("\n").map(Number);
  return [...own.filter((pid) => pid > 0), ...subgroups(group).flatMap(members)];
}

/** Kills every process of the group and below, those that are being forked included. */
export function kill(group: string): void {
  write(join(group, "cgroup.kill"), "1");
}

/** How many processes of the group the kernel has killed for memory; 0 also where the host does not count them. */
export function oomKills(group: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(readText(join(group, "memory.events")))?.[1] ?? 0);
}

/** Removes an empty group with the empty groups below it; false where a process is still inside. */
export function removeGroup(group: string): boolean {
  if (removeDirectory(group)) return true;
  const below = subgroups(group);
  for (const subgroup of below) removeGroup(subgroup);
  return below.length > 0 && removeDirectory(group);
}

/** Makes a group, fills it the way the shim does (a process enters by itself), kills it and sees it empty. */
async function provesUsable(root: string): Promise<boolean> {
  const probe = join(root, `probe-${process.pid}`);
  if (!makeDirectory(root) || !makeDirectory(probe) || !existsSync(join(probe, "cgroup.kill"))) {
    removeGroup(probe);
    return false;
  }
  const enter = 'echo "$$" >"$0/cgroup.procs" && exec sleep 20';
  const sample = execa("/bin/sh", ["-c", enter, probe], { reject: false, stdio: "ignore", timeout: PROBE_BOUND_MS });
  const entered = await becomes(() => isPopulated(probe));
  kill(probe);
  const emptied = await becomes(() => !isPopulated(probe));
  if (!entered) sample.kill("SIGKILL");
  const { signal } = await sample;
  const removed = await becomes(() => removeGroup(probe));
  return entered && emptied && signal === "SIGKILL" && removed;
}

async function becomes(condition: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < PROBE_BOUND_MS / 3; waitedMs += 5) {
    if (condition()) return true;
    await sleep(5);
  }
  return condition();
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    return systemCode(error) === "EEXIST";
  }
}

/** True when it is gone. The kernel lets only a group go that holds neither processes nor groups. */
function removeDirectory(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return systemCode(error) === "ENOENT";
  }
}

function subgroups(group: string): string[] {
  try {
    return readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(group, entry.name));
  } catch {
    // Gone, and with it all below.
    return [];
  }
}

/** Empty where there is no such file: a group may vanish, and files differ between kernels. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** False where it cannot be written: what a group allows differs between hosts. */
function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

/** Mount points have spaces and the like as octal escapes. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
