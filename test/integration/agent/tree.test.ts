/** Process trees on this host: with a cgroup where it has one, and without. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import * as cgroup from "../../../agent/process/cgroup.ts";
import { readStat, sessionMembers } from "../../../agent/process/proc.ts";
import { readShimLog } from "../../../agent/process/shim.ts";
import { createSpawner } from "../../../agent/process/spawner.ts";
import { createTrees, type Trees, type TreeTarget } from "../../../agent/process/tree.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { program, type TestAttempt, useAttemptHost } from "../../helpers/attempts.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** Roots that the tests of this file make, one for each workdir. */
const roots = new Set<string>();
let nowMs = 0;

/** Whether this host hands out a cgroup v2 subtree decides which of the two ways can be tried. */
const usable = await cgroup.findCgroupRoot("/nowhere/tree-test");
if (usable) cgroup.removeGroup(usable);

afterEach(async () => {
  for (const root of roots) await waitUntil(`${root} is removed`, () => cgroup.removeGroup(root));
  roots.clear();
});

describe.each([["without a cgroup", false], ...(usable ? [["with a cgroup", true] as const] : [])] as const)(
  "%s",
  (_, withCgroup) => {
    const host = useAttemptHost();

    async function treesOf(): Promise<Trees> {
      const cgroupRoot = withCgroup ? await cgroup.findCgroupRoot(host.workdir) : undefined;
      if (cgroupRoot) roots.add(cgroupRoot);
      expect(cgroupRoot !== undefined).toBe(withCgroup);
      return createTrees({ cgroupRoot, workdir: host.workdir, monotonicMs: () => nowMs });
    }

    async function start(trees: Trees, argv: readonly string[]): Promise<[TestAttempt, TreeTarget]> {
      const next = fence(host.lastFence + 1);
      const attempt = host.start(argv, { cgroup: trees.prepare(next) });
      expect(attempt.fence).toBe(next);
      return [attempt, { fence: attempt.fence, ...(await attempt.started()) }];
    }

    it("the members are the shim and all below it, daemons included", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, ["sh", "-c", `${program("double-fork")} daemon && sleep 20`]);
      const daemon = await daemonOf(attempt);
      const members = trees.members(target);
      expect(members).toEqual(expect.arrayContaining([attempt.pid, daemon]));
      expect(await trees.empty(target)).toBe(true);
      expect(trees.members(target)).toEqual([]);
      expect(isRunning(daemon)).toBe(false);
    });

    it("TERM reaches every process once, and the shim lives to record the end", async () => {
      const trees = await treesOf();
      const count =
        'trap "echo term" TERM; echo ready; n=0; while [ $n -lt 40 ]; do sleep 0.05; n=$((n + 1)); done; exit 7';
      const [attempt, target] = await start(trees, ["sh", "-c", `setsid sh -c '${count}' & ${count}`]);
      await waitUntil("both are ready", () => attempt.output().split("ready").length === 3);
      trees.signal(target, "TERM");
      await attempt.exited;
      expect(readShimLog(attempt.dir).exit?.code).toBe(7);
      await waitUntil("each has said so", () => attempt.output().split("term").length >= 3);
      expect(attempt.output().match(/term/g)).toHaveLength(2);
      expect(await trees.empty(target)).toBe(true);
    });

    it("KILL ends what ignores TERM", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, [program("ignore-term")]);
      await attempt.prints("ready");
      trees.signal(target, "TERM");
      expect(trees.members(target).length).toBeGreaterThanOrEqual(2);
      trees.signal(target, "KILL");
      await attempt.exited;
      expect(await trees.empty(target)).toBe(true);
      expect(readShimLog(attempt.dir).exit).toBeUndefined();
    });

    it("nothing outruns the kill by forking", async () => {
      const trees = await treesOf();
      const chain = "import os\nfor _ in range(4000):\n  if os.fork(): os._exit(0)";
      const [attempt, target] = await start(trees, ["sh", "-c", `python3 -c '${chain}' & echo ready; sleep 20`]);
      await attempt.prints("ready");
      expect(await trees.empty(target)).toBe(true);
      expect(trees.members(target)).toEqual([]);
    });

    it("leftovers of an attempt that has ended are killed, also those with a bare environment in its session", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, ["sh", "-c", 'env -i sh -c "sleep 20" & sleep 20 & exit 0']);
      await attempt.exited;
      expect(readShimLog(attempt.dir).exit?.code).toBe(0);
      await waitUntil("they are there", () => sessionMembers(attempt.pid).length >= 2);
      expect(await trees.empty(target)).toBe(true);
      expect(sessionMembers(attempt.pid)).toEqual([]);
    });

    it("leftovers that start children while they are killed leave none, bare environment or not", async () => {
      const trees = await treesOf();
      const many = "i=0; while [ $i -lt 200 ]; do sleep 20 & i=$((i+1)); done; wait";
      const [attempt, target] = await start(trees, ["sh", "-c", `env -i sh -c '${many}' & exit 0`]);
      await attempt.exited;
      await waitUntil("the first of them is there", () => sessionMembers(attempt.pid).length >= 5);
      expect(await trees.empty(target)).toBe(true);
      expect(sessionMembers(attempt.pid)).toEqual([]);
    });

    it("a daemon with a bare environment is found by its cgroup only", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, [program("double-fork"), "daemon", "bare"]);
      await attempt.exited;
      const daemon = await daemonOf(attempt);
      expect(await trees.empty(target)).toBe(true);
      expect(isRunning(daemon)).toBe(!withCgroup);
      if (!withCgroup) process.kill(daemon, "SIGKILL");
    });

    it("an attempt that is gone is empty at once, also for many who ask together", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, ["true"]);
      await attempt.exited;
      const many = Array.from({ length: 100 }, () => trees.empty(target));
      const before = performance.now();
      expect(new Set(await Promise.all(many))).toEqual(new Set([true]));
      expect(performance.now() - before).toBeLessThan(500);
    });

    it("a stranger with the pid of the shim is left alone", async () => {
      const trees = await treesOf();
      const { fence: number } = host.newDir();
      trees.prepare(number);
      const stranger = spawn("sleep", ["20"], { detached: true, stdio: "ignore", env: { EXP_FENCE: String(number) } });
      const pid = stranger.pid ?? 0;
      const target = { fence: number, pid, startTime: (readStat(pid)?.startTime ?? 0) - 1 };
      trees.signal(target, "TERM");
      trees.signal(target, "KILL");
      expect(await trees.empty(target)).toBe(true);
      expect(isRunning(pid)).toBe(true);
      process.kill(pid, "SIGKILL");
    });

    it("a removed attempt leaves no cgroup", async () => {
      const trees = await treesOf();
      const [attempt, target] = await start(trees, ["sleep", "20"]);
      const group = trees.cgroupOf(attempt.fence);
      expect(group !== undefined).toBe(withCgroup);
      expect(trees.remove(attempt.fence, true)).toBe(!withCgroup);
      await trees.empty(target);
      await waitUntil("it is removed", () => trees.remove(attempt.fence, false));
      expect(group !== undefined && existsSync(group)).toBe(false);
      expect(trees.cgroupOf(attempt.fence)).toBeUndefined();
      expect(trees.oomKilled(attempt.fence)).toBe(false);
    });
  },
);

describe.each(usable ? ["on a host with cgroups"] : [])("a shim that could not enter its cgroup, %s", () => {
  const host = useAttemptHost();

  it("is found without it", async () => {
    const cgroupRoot = await cgroup.findCgroupRoot(host.workdir);
    if (cgroupRoot) roots.add(cgroupRoot);
    const trees = createTrees({ cgroupRoot, workdir: host.workdir, monotonicMs: () => nowMs });
    trees.prepare(fence(host.lastFence + 1));
    const attempt = host.start(["sleep", "20"], { cgroup: "/nowhere" });
    const target = { fence: attempt.fence, ...(await attempt.started()) };
    expect(trees.members(target)).toContain(attempt.pid);
    expect(await trees.empty(target)).toBe(true);
    expect(isRunning(attempt.pid)).toBe(false);
  });
});

describe.each(usable ? ["on a host with cgroups"] : [])("the cgroup of a run that is over, %s", () => {
  const host = useAttemptHost();

  async function rooted(): Promise<{ root: string; trees: Trees }> {
    const root = (await cgroup.findCgroupRoot(host.workdir)) ?? "";
    roots.add(root);
    return { root, trees: createTrees({ cgroupRoot: root, workdir: host.workdir, monotonicMs: () => nowMs }) };
  }

  it("goes to the next run when the run was short and all agree", async () => {
    const { trees } = await rooted();
    const first = trees.prepare(fence(1));
    expect(trees.prepare(fence(2))).not.toBe(first);
    expect(trees.remove(fence(1), true)).toBe(true);
    expect(trees.prepare(fence(3))).toBe(first);
    expect(trees.remove(fence(3), false)).toBe(true);
    expect(existsSync(first ?? "")).toBe(false);
    nowMs += 60_000;
    expect(trees.remove(fence(2), true)).toBe(true);
    expect(cgroup.groups([...roots].at(-1) ?? "")).toEqual([]);
  });

  it("is not used again with a group of the program's own in it, nor with a process", async () => {
    const { trees } = await rooted();
    const first = trees.prepare(fence(1)) ?? "";
    mkdirSync(join(first, "own"));
    expect(trees.remove(fence(1), true)).toBe(true);
    expect(existsSync(first)).toBe(false);
    const second = trees.prepare(fence(2)) ?? "";
    const child = spawn("sh", ["-c", `echo $$ >${second}/cgroup.procs; exec sleep 20`], { stdio: "ignore" });
    await waitUntil("a process in the group", () => cgroup.members(second).length > 0);
    expect(trees.remove(fence(2), true)).toBe(false);
    child.kill("SIGKILL");
    await waitUntil("the group is let go", () => trees.remove(fence(2), true));
  });

  it("has a shim that waits for the next run, until none comes", async () => {
    const root = (await cgroup.findCgroupRoot(host.workdir)) ?? "";
    roots.add(root);
    const spawner = await createSpawner();
    onTestFinished(() => spawner.close());
    const trees = createTrees({ cgroupRoot: root, workdir: host.workdir, monotonicMs: () => nowMs, shims: spawner });
    const group = trees.prepare(fence(1)) ?? "";
    expect(trees.remove(fence(1), true)).toBe(true);
    const [waiting] = await waitUntil("a shim in the group", () => {
      const pids = cgroup.members(group);
      return pids.length > 0 && pids;
    });
    expect(trees.prepare(fence(2))).toBe(group);
    // Not used after all: it waits on.
    expect(trees.remove(fence(2), true)).toBe(true);
    expect(trees.prepare(fence(3))).toBe(group);
    const { dir } = host.newDir();
    const shim = await spawner.spawn({ dir, argv: ["true"], cwd: dir, env: {}, cgroup: group });
    expect(shim.pid).toBe(waiting);
    expect(await shim.over).toBe("ended");
    expect(await trees.empty({ fence: fence(3), ...shim })).toBe(true);
    expect(trees.remove(fence(3), true)).toBe(true);
    await waitUntil("another shim in the group", () => cgroup.members(group).length > 0);
    await trees.close();
    expect(cgroup.groups(root)).toEqual([]);
  });

  it("is adopted by the next agent, which removes those of nobody", async () => {
    const { root, trees } = await rooted();
    const kept = trees.prepare(fence(1)) ?? "";
    const stray = trees.prepare(fence(2)) ?? "";
    const next = createTrees({ cgroupRoot: root, workdir: host.workdir, monotonicMs: () => nowMs });
    next.adopt(fence(1), kept);
    next.tidy();
    expect([existsSync(kept), existsSync(stray)]).toEqual([true, false]);
    expect(next.cgroupOf(fence(1))).toBe(kept);
    expect([kept, stray]).not.toContain(next.prepare(fence(3)));
    expect(next.remove(fence(1), true)).toBe(true);
    expect(existsSync(kept)).toBe(false);
    next.remove(fence(3), false);
  });
});

it("without cgroups, each short run that ends has a shim started for the next one", () => {
  const ahead: (string | undefined)[] = [];
  const shims = {
    startAhead: (group: string | undefined) => void ahead.push(group),
    aheadCount: () => ahead.length,
  };
  const trees = createTrees({ cgroupRoot: undefined, workdir: "/nowhere", monotonicMs: () => nowMs, shims });
  for (let number = 1; number <= 20; number++) expect(trees.prepare(fence(number))).toBeUndefined();
  expect(trees.remove(fence(1), true)).toBe(true);
  expect(trees.remove(fence(1), true)).toBe(true);
  expect(ahead).toEqual([undefined]);
  for (let number = 2; number <= 19; number++) trees.remove(fence(number), true);
  expect(ahead).toHaveLength(16);
  ahead.length = 0;
  nowMs += 10_000;
  trees.remove(fence(20), true);
  // One of an earlier agent.
  trees.remove(fence(21), true);
  expect(ahead).toEqual([]);
});

function daemonOf(attempt: TestAttempt): Promise<number> {
  const file = join(attempt.dir, "daemon");
  return waitUntil("a daemon", () => existsSync(file) && Number(readFileSync(file, "utf8")));
}

function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== "Z";
}
