/**
 * Starts shims. Where python3 is at hand, through a small process of its own (spawner.py), which is started again when it
 * dies: starting a process costs this one milliseconds for the memory it has. Without python3, from here.
 *
 * The helper can also start shims ahead, which wait for their attempts, in a cgroup where the host has them: to start a
 * shell, and above all to enter a cgroup, behind a lock of the whole kernel, is then no part of the time between two runs
 * of a device.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";
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
  /**
   * Starts a shim that the next `spawn` in this cgroup, which is empty, will find there; one is enough. Undefined: for any
   * attempt without a cgroup.
   */
  startAhead(cgroup: string | undefined): void;
  /** Shims that are there and were not used. */
  aheadCount(cgroup: string | undefined): number;
  close(): void;
}

/** A shim that was started ahead. */
interface Place {
  readonly pid: number;
  readonly startTime: number;
  /** The helper's descriptor of the pipe that it reads from. */
  readonly pipe: number;
}

type Message =
  | { readonly kind: "ready" }
  | ({ readonly kind: "waiting"; readonly ahead: number } & Place)
  | { readonly kind: "spawned"; readonly id: number; readonly pid: number; readonly startTime: number }
  | { readonly kind: "failed"; readonly id: number; readonly errno: number; readonly message: string }
  | { readonly kind: "exited"; readonly id: number }
  | { readonly kind: "gone"; readonly ahead: number };

interface Ahead {
  readonly number: number;
  readonly cgroup: string | undefined;
  /** Undefined: there is none. */
  readonly place: Promise<Place | undefined>;
  readonly settle: (place: Place | undefined) => void;
  /** An attempt waits for it to be there. */
  taken: boolean;
}

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
  /** Shims that wait, the oldest first. */
  let ahead: readonly Ahead[] = [];

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
    if (message.kind === "waiting" || message.kind === "gone") {
      // Of one that is used no more is told than its end.
      const one = ahead.find(({ number }) => number === message.ahead);
      one?.settle(message.kind === "waiting" ? message : undefined);
      if (message.kind === "waiting" || !one) return;
      ahead = without(one);
      tell({ drop: message.ahead });
      return;
    }
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
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
    for (const { settle } of ahead) settle(undefined);
    ahead = [];
    for (const { refuse } of unanswered) refuse(new AppError("timeout", "the spawner ended before it answered"));
    for (const over of unwatched) over("unwatched");
    // Until it is back, and when it does not come back, shims are started from here.
    if (!closed) void start();
  }

  function spawnHere(request: ShimRequest): SpawnedShim {
    const { pid, exited } = spawnShim(request);
    return { pid, startTime: readStat(pid)?.startTime ?? 0, over: exited.then(() => "ended") };
  }

  function tell(what: object): void {
    helper?.stdin.write(`${JSON.stringify(what)}\n`);
  }

  function ask(what: object): Promise<SpawnedShim> {
    return new Promise((answer, refuse) => {
      const id = ++lastId;
      waiting.set(id, { answer, refuse });
      tell({ id, ...what });
    });
  }

  const free = (cgroup: string | undefined) => ahead.filter((each) => !each.taken && each.cgroup === cgroup);
  const without = (one: Ahead): readonly Ahead[] => ahead.filter((other) => other !== one);

  /** By a shim that waits in the attempt's cgroup; undefined where there is none that serves. */
  async function useAhead({ cgroup, dir }: ShimRequest, launch: ShimLaunch): Promise<SpawnedShim | undefined> {
    const [one] = free(cgroup);
    if (!one) return undefined;
    one.taken = true;
    const place = await one.place;
    // One that has ended, or whose helper has, was taken out already.
    if (!place) return undefined;
    ahead = without(one);
    if (!helper || !writeLaunch(dir, launch) || !handOver(helper, place, dir)) {
      tell({ drop: one.number });
      return undefined;
    }
    const id = ++lastId;
    const over = new Promise<"ended" | "unwatched">((done) => running.set(id, done));
    tell({ used: one.number, id });
    return { pid: place.pid, startTime: place.startTime, over };
  }

  await start();
  return {
    spawn: async (request) => {
      if (!helper) return spawnHere(request);
      const launch = shimLaunch(request);
      const shim = await useAhead(request, launch);
      if (shim) return shim;
      const { argv, env, cwd, output } = launch;
      return helper ? await ask({ argv, env, cwd, output }) : spawnHere(request);
    },
    startAhead: (cgroup) => {
      if (!helper) return;
      const number = ++lastId;
      const { promise: place, resolve: settle } = Promise.withResolvers<Place | undefined>();
      ahead = [...ahead, { number, cgroup, place, settle, taken: false }];
      tell({ ahead: number, argv: aheadArgv(cgroup) });
    },
    aheadCount: (cgroup) => free(cgroup).length,
    close: () => {
      closed = true;
      helper?.stdin.end();
    },
  };
}

/**
 * Tells a shim that waits which attempt it serves, by the helper's pipe but without the helper, which would have to wake up for
 * it. False where it has ended.
 */
function handOver(helper: Helper, { pipe }: Place, dir: string): boolean {
  let file: number | undefined;
  try {
    // Without a reader there is an error instead of a wait.
    file = openSync(`/proc/${helper.pid}/fd/${pipe}`, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(file, `${resolve(dir)}\n`);
    return true;
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
