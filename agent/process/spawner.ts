/**
 * Starts shims. Where python3 is at hand, through a small process of its own (spawner.py), which is started again when it
 * dies: starting a process costs this one milliseconds for the memory it has. Without python3, from here.
 *
 * The helper can also start shims ahead, each in a cgroup that waits for its attempt: to start a shell, and above all to
 * enter a cgroup, behind a lock of the whole kernel, is then no part of the time between two runs of a device.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { getSystemErrorName } from "node:util";
import { AppError } from "../../shared/kernel/errors.ts";
import { readStat } from "./proc.ts";
import {
  aheadArgv,
  type ShimLaunch,
  type ShimRequest,
  shimLaunch,
  spawnShim,
  startError,
  writeLaunch,
} from "./shim.ts";

export interface SpawnedShim {
  readonly pid: number;
  readonly startTime: number;
  /** "ended": the shim is over. "unwatched": it may go on, and nobody waits for it any more. */
  readonly over: Promise<"ended" | "unwatched">;
}

export interface Spawner {
  /**
   * Rejects with AppError: `invalid` or `unavailable` as `spawnShim` does, and `timeout` when the helper died before it
   * answered: then nobody knows whether the shim was started, and the attempt's claim decides.
   */
  spawn(request: ShimRequest): Promise<SpawnedShim>;
  /** Starts a shim that the next `spawn` in this cgroup, which is empty, will find there. */
  startAhead(cgroup: string): void;
  /** True while such a shim is there and was not used. */
  isAhead(cgroup: string): boolean;
  close(): void;
}

type Message =
  | { readonly kind: "ready" }
  | { readonly kind: "spawned"; readonly id: number; readonly pid: number; readonly startTime: number }
  | { readonly kind: "failed"; readonly id: number; readonly errno: number; readonly message: string }
  | { readonly kind: "exited"; readonly id: number }
  | { readonly kind: "gone"; readonly ahead: number };

interface Waiting {
  readonly answer: (shim: SpawnedShim) => void;
  readonly refuse: (error: AppError) => void;
}

type Helper = ChildProcessByStdio<Writable, Readable, null>;

const SCRIPT = fileURLToPath(new URL("./spawner.py", import.meta.url));
/** Isolated: no site packages, nothing from the environment or the current directory. */
const PYTHON_FLAGS = ["-I", "-S", "-B"];
const READY_MS = 10_000;

/** `python`: program to run the helper with; tests name one that is not there. */
export async function createSpawner(python = "python3"): Promise<Spawner> {
  let lastId = 0;
  let closed = false;
  let helper: Helper | undefined;
  const waiting = new Map<number, Waiting>();
  const running = new Map<number, (how: "ended" | "unwatched") => void>();
  /** Number of the shim that waits in a cgroup. */
  const ahead = new Map<string, number>();

  /** Resolves when the helper is ready, or when it is clear that there will be none. */
  function start(): Promise<void> {
    return new Promise((done) => {
      const started = spawn(python, [...PYTHON_FLAGS, SCRIPT], { stdio: ["pipe", "pipe", "ignore"], detached: true });
      const giveUp = setTimeout(() => started.kill("SIGKILL"), READY_MS);
      createInterface({ input: started.stdout }).on("line", (line) => {
        const message = JSON.parse(line) as Message;
        if (message.kind !== "ready") return receive(message);
        clearTimeout(giveUp);
        if (closed) started.stdin.end();
        else helper = started;
        done();
      });
      // A write to a helper that has just died: its end is seen below.
      started.stdin.on("error", () => undefined);
      started.once("error", () => started.emit("close"));
      started.once("close", () => {
        clearTimeout(giveUp);
        if (helper === started) lost();
        done();
      });
    });
  }

  function receive(message: Exclude<Message, { kind: "ready" }>): void {
    if (message.kind === "exited") {
      running.get(message.id)?.("ended");
      running.delete(message.id);
      return;
    }
    if (message.kind === "gone") {
      for (const [cgroup, number] of ahead) if (number === message.ahead) ahead.delete(cgroup);
      return;
    }
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "failed" && message.errno === 0) {
      asked?.refuse(new AppError("not_found", "the shim that was started ahead is gone"));
      return;
    }
    if (message.kind === "failed") {
      const code = getSystemErrorName(-message.errno);
      asked?.refuse(startError(Object.assign(new Error(message.message), { code })));
      return;
    }
    const { pid, startTime, id } = message;
    const over = new Promise<"ended" | "unwatched">((done) => running.set(id, done));
    asked?.answer({ pid, startTime, over });
  }

  /** What it was asked and did not answer is unknown; what it watched goes on unwatched. */
  function lost(): void {
    helper = undefined;
    const unanswered = [...waiting.values()];
    const unwatched = [...running.values()];
    waiting.clear();
    running.clear();
    ahead.clear();
    for (const { refuse } of unanswered) refuse(new AppError("timeout", "the spawner ended before it answered"));
    for (const over of unwatched) over("unwatched");
    // Until it is back, and when it does not come back, shims are started from here.
    if (!closed) void start();
  }

  function spawnHere(request: ShimRequest): SpawnedShim {
    const { pid, exited } = spawnShim(request);
    return { pid, startTime: readStat(pid)?.startTime ?? 0, over: exited.then(() => "ended") };
  }

  function ask(stdin: Writable, what: object): Promise<SpawnedShim> {
    return new Promise((answer, refuse) => {
      const id = ++lastId;
      waiting.set(id, { answer, refuse });
      stdin.write(`${JSON.stringify({ id, ...what })}\n`);
    });
  }

  /** By the shim that waits in the attempt's cgroup; undefined where there is none that serves. */
  async function useAhead(stdin: Writable, { cgroup = "", dir }: ShimRequest, launch: ShimLaunch) {
    const number = ahead.get(cgroup);
    ahead.delete(cgroup);
    if (number === undefined || !writeLaunch(dir, launch)) return undefined;
    try {
      return await ask(stdin, { use: number, dir: resolve(dir) });
    } catch (error) {
      if (error instanceof AppError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  await start();
  return {
    spawn: async (request) => {
      if (!helper) return spawnHere(request);
      const launch = shimLaunch(request);
      const shim = await useAhead(helper.stdin, request, launch);
      if (shim) return shim;
      const { argv, env, cwd, output } = launch;
      return helper ? await ask(helper.stdin, { argv, env, cwd, output }) : spawnHere(request);
    },
    startAhead: (cgroup) => {
      if (!helper || ahead.has(cgroup)) return;
      const number = ++lastId;
      ahead.set(cgroup, number);
      helper.stdin.write(`${JSON.stringify({ ahead: number, argv: aheadArgv(cgroup) })}\n`);
    },
    isAhead: (cgroup) => ahead.has(cgroup),
    close: () => {
      closed = true;
      helper?.stdin.end();
    },
  };
}
