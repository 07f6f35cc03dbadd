/** Starts shims through a small process of its own (spawner-main.ts), which is started again when it dies. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AppError } from "../../shared/kernel/errors.ts";
import type { ShimRequest } from "./shim.ts";
import type { SpawnerMessage } from "./spawner-main.ts";

export interface SpawnedShim {
  readonly pid: number;
  readonly startTime: number;
  /** "ended": the shim is over. "unwatched": it may go on, and nobody waits for it any more. */
  readonly over: Promise<"ended" | "unwatched">;
}

export interface Spawner {
  /**
   * Rejects with AppError: `invalid` or `unavailable` as `spawnShim` does, and `timeout` when the spawner died before it
   * answered: then nobody knows whether the shim was started, and the attempt's claim decides.
   */
  spawn(request: ShimRequest): Promise<SpawnedShim>;
  close(): void;
}

interface Waiting {
  readonly answer: (shim: SpawnedShim) => void;
  readonly refuse: (error: AppError) => void;
}

const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./spawner-main.ts" : "./spawner-main.js", import.meta.url),
);
/** Fewer threads and less memory: what a fork copies is what it costs. */
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning", "--v8-pool-size=0", "--max-semi-space-size=1"];

export async function createSpawner(): Promise<Spawner> {
  let lastId = 0;
  let closed = false;
  const waiting = new Map<number, Waiting>();
  const running = new Map<number, (how: "ended" | "unwatched") => void>();
  let child: ChildProcess;

  function start(): Promise<void> {
    const started = fork(MAIN, { execArgv: NODE_FLAGS, serialization: "json" });
    child = started;
    return new Promise((resolve, reject) => {
      started.on("message", (message) => receive(message as SpawnerMessage, resolve));
      started.once("error", reject);
      started.once("exit", () => {
        reject(new AppError("unavailable", "the spawner did not start", { id: "agent.spawner" }));
        lost();
      });
    });
  }

  function receive(message: SpawnerMessage, ready: () => void): void {
    switch (message.kind) {
      case "ready":
        return ready();
      case "spawned": {
        const { pid, startTime, id } = message;
        const over = new Promise<"ended" | "unwatched">((resolve) => running.set(id, resolve));
        waiting.get(id)?.answer({ pid, startTime, over });
        break;
      }
      case "failed":
        waiting.get(message.id)?.refuse(new AppError(message.invalid ? "invalid" : "unavailable", message.message));
        break;
      case "exited":
        running.get(message.id)?.("ended");
        running.delete(message.id);
        return;
    }
    waiting.delete(message.id);
  }

  /** What it was asked and did not answer is unknown; what it watched goes on unwatched. */
  function lost(): void {
    const unanswered = [...waiting.values()];
    const unwatched = [...running.values()];
    waiting.clear();
    running.clear();
    for (const { refuse } of unanswered) refuse(new AppError("timeout", "the spawner ended before it answered"));
    for (const over of unwatched) over("unwatched");
    // A host that cannot even start this cannot start runs: the next request says so.
    if (!closed) void start().catch(() => undefined);
  }

  await start();
  return {
    spawn: (shim) =>
      new Promise((answer, refuse) => {
        const id = ++lastId;
        if (!child.connected) {
          refuse(new AppError("unavailable", "the spawner is being started again"));
          return;
        }
        waiting.set(id, { answer, refuse });
        child.send({ id, shim });
      }),
    close: () => {
      closed = true;
      if (child.connected) child.disconnect();
    },
  };
}
