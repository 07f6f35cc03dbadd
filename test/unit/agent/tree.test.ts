/** Trees of processes that are played: what is hard to bring about with real ones. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { attemptDir, attemptPaths } from "../../../agent/process/attempt-dir.ts";
import type { ProcessStat } from "../../../agent/process/proc.ts";
import { createTrees } from "../../../agent/process/tree.ts";
import { fence } from "../../../shared/kernel/ids.ts";

/** Above every pid that a kernel gives: signals to them reach nobody. */
const [SHIM, PARENT, CHILD] = [5_000_000, 5_000_001, 5_000_002];

test("what was killed and dies after its parent is still of the attempt, though nobody could tell any more", async () => {
  const workdir = mkdtempSync(join(tmpdir(), "exp-tree-"));
  onTestFinished(() => rmSync(workdir, { recursive: true }));
  const one = fence(1);
  const dir = attemptDir(workdir, one);
  mkdirSync(dir, { recursive: true });
  // The shim has ended 2 s after the boot; the child was started later.
  writeFileSync(
    attemptPaths(dir).shimLog,
    `start ${SHIM} (sh) S 1 ${SHIM} ${SHIM}${" 0".repeat(15)} 100 0\nexit 0 2.00\n`,
  );
  const all = { comm: "sh", state: "T", group: SHIM, session: SHIM };
  const lives = [
    { forMs: 20, stat: () => ({ ...all, pid: PARENT, parent: 1, startTime: 150 }) },
    { forMs: 80, stat: (atMs: number) => ({ ...all, pid: CHILD, parent: atMs < 20 ? PARENT : 1, startTime: 300 }) },
  ];
  const beganMs = performance.now();
  const there = (): ProcessStat[] => {
    const atMs = performance.now() - beganMs;
    return lives.flatMap(({ forMs, stat }) => (atMs < forMs ? [stat(atMs)] : []));
  };
  const trees = createTrees({
    cgroupRoot: undefined,
    workdir,
    monotonicMs: () => 0,
    table: {
      allPids: () => there().map(({ pid }) => pid),
      readStat: (pid) => there().find((stat) => stat.pid === pid),
      markerOf: () => undefined,
    },
  });
  const target = { fence: one, pid: SHIM, startTime: 100 };
  expect(trees.members(target)).toEqual([PARENT, CHILD]);
  expect(await trees.empty(target)).toBe(true);
  expect(there()).toEqual([]);
});
