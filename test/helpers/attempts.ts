/** Attempts on this very host for the tests of agent/process: a workdir of their own, and no process left behind. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach } from "vitest";
import { attemptDir, attemptMarker, createAttemptDir } from "../../agent/process/attempt-dir.ts";
import { processesOfFence } from "../../agent/process/proc.ts";
import { readShimLog, type ShimProcess, spawnShim } from "../../agent/process/shim.ts";
import { stopWarden } from "../../agent/process/warden.ts";
import { type Fence, fence } from "../../shared/kernel/ids.ts";
import { waitUntil } from "./wait-until.ts";

/** Path of a program under test/fixtures/programs. */
export function program(name: string): string {
  return fileURLToPath(new URL(`../fixtures/programs/${name}`, import.meta.url));
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly cgroup?: string | undefined;
  readonly cwd?: string;
}

export interface TestAttempt extends ShimProcess {
  readonly fence: Fence;
  readonly dir: string;
  /** Text of output.log as it is now. */
  output(): string;
  /** Waits for the shim's start line. */
  started(): Promise<{ pid: number; startTime: number }>;
  /** Waits until `text` is in the output. */
  prints(text: string): Promise<void>;
}

export interface AttemptHost {
  /** A new one for each test. */
  readonly workdir: string;
  /** Of the attempt made last; 0 before the first. */
  readonly lastFence: number;
  newDir(config?: string): { fence: Fence; dir: string };
  start(argv: readonly string[], options?: StartOptions): TestAttempt;
}

/** Call at the top of a describe block. After each test every process of its attempts is killed, and its workdir removed. */
export function useAttemptHost(): AttemptHost {
  let workdir = "";
  let last = 0;
  const dirs: string[] = [];

  beforeEach(() => {
    workdir = realpathSync(mkdtempSync(join(tmpdir(), "attempts-")));
  });

  afterEach(async () => {
    await stopWarden(workdir);
    const markers = dirs.splice(0).map(attemptMarker);
    await waitUntil("no process of an attempt is left", () => {
      const left = markers.flatMap((marker) => processesOfFence(marker));
      for (const pid of left) process.kill(pid, "SIGKILL");
      return left.length === 0;
    });
    rmSync(workdir, { recursive: true, force: true });
  });

  const host = {
    get workdir() {
      return workdir;
    },
    get lastFence() {
      return last;
    },
    newDir(config = "{}") {
      last += 1;
      const dir = attemptDir(workdir, fence(last));
      createAttemptDir(dir, config);
      dirs.push(dir);
      return { fence: fence(last), dir };
    },
    start(argv: readonly string[], options: StartOptions = {}): TestAttempt {
      const { fence: number, dir } = host.newDir();
      const env = { PATH: process.env.PATH ?? "", EXP_FENCE: String(number), ...options.env };
      const shim = spawnShim({ dir, argv, env, cwd: options.cwd ?? dir, cgroup: options.cgroup });
      const output = () => readFileSync(join(dir, "output.log"), "utf8");
      return {
        ...shim,
        fence: number,
        dir,
        output,
        started: () => waitUntil("a start line", () => readShimLog(dir).started),
        prints: async (text) => {
          await waitUntil(`output with ${JSON.stringify(text)}`, () => output().includes(text), { seen: output });
        },
      };
    },
  };
  return host;
}
