/**
 * Expansion of sweep files in threads of their own. One thread is kept warm, so that a small file costs a message there and
 * back; a second file that comes meanwhile gets another thread. A thread that runs out of memory takes nothing along.
 */
import { Worker } from "node:worker_threads";
import { AppError, errorOfRefusal } from "../../../shared/kernel/errors.ts";
import type { RunNumbers } from "../../../shared/spec/types.ts";
import {
  CREDITS,
  type ExpandReply,
  type ExpandRequest,
  type ExpansionHead,
  type PointSlice,
  type SourceFiles,
} from "./messages.ts";

export interface Expansion extends ExpansionHead {
  /** All points in order, once. Leaving the loop early ends the expansion. Throws AppError for a point that fails. */
  readonly slices: AsyncIterable<PointSlice>;
}

export interface Expander {
  /**
   * Throws AppError "invalid" with the place of the first problem. `names`: also what imported work would be called.
   * `numbers`: of the runs; absent: 1, 2, 3 …. The slices must be read, or left.
   */
  expand(source: SourceFiles, names: boolean, numbers?: RunNumbers): Promise<Expansion>;
  /** Starts the thread that is kept, so that the first file does not wait for it. */
  warm(): void;
  close(): Promise<void>;
}

/** Of one expanding thread; a million points with a set of their fingerprints fit. */
const HEAP_MB_MAX = 640;
/** Files expanded at the same time; further ones wait. */
const THREADS_MAX = 3;
/** So far below 0 that what is added to it meanwhile does not matter. */
const NOBODY = -(2 ** 30);

const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./expand-worker.ts" : "./expand-worker.js", import.meta.url);

/** `program`: what the threads run; tests name one that fails. */
export function createExpander(program = PROGRAM): Expander {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const queue: (() => void)[] = [];
  let closed = false;

  function start(): Worker {
    const worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      name: "expand",
    });
    all.add(worker);
    // Who converses with it listens too; of one that fails while nobody does, no more is to be said than that it is gone.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      all.delete(worker);
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    });
    return worker;
  }

  async function take(): Promise<Worker> {
    while (idle.length === 0 && all.size >= THREADS_MAX) await new Promise<void>((resolve) => queue.push(resolve));
    if (closed) throw new AppError("unavailable", "the coordinator is stopping", { id: "server.stopping" });
    return idle.pop() ?? start();
  }

  function keep(worker: Worker): void {
    idle.push(worker);
    // A thread that waits for work does not keep the program alive.
    worker.unref();
  }

  async function giveBack(worker: Worker): Promise<void> {
    if (idle.length === 0 && all.has(worker) && !closed) {
      keep(worker);
    } else {
      await worker.terminate();
    }
    queue.shift()?.();
  }

  return {
    async expand(source, names, numbers) {
      const worker = await take();
      worker.ref();
      const conversation = new Conversation(worker, { ...source, names, numbers });
      try {
        const reply = await conversation.next();
        if (reply?.kind !== "head") throw new Error("assertion failed: an expansion begins with its head");
        return { ...reply.head, slices: slicesOf(conversation, () => giveBack(worker)) };
      } catch (error) {
        await conversation.leave();
        await giveBack(worker);
        throw error;
      }
    },
    warm() {
      if (all.size === 0 && !closed) keep(start());
    },
    async close() {
      closed = true;
      for (const resolve of queue.splice(0)) resolve();
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

/** Ends an expansion whose points nobody wants any more, read or not: its thread is free then. */
export async function leave(slices: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of slices) break;
}

async function* slicesOf(conversation: Conversation, done: () => Promise<void>): AsyncGenerator<PointSlice> {
  try {
    for (let reply = await conversation.next(); reply; reply = await conversation.next()) {
      if (reply.kind !== "slice") continue;
      yield reply.slice;
      conversation.wantMore();
    }
  } finally {
    await conversation.leave();
    await done();
  }
}

/** One expansion as a line of replies that are waited for. */
class Conversation {
  readonly #worker: Worker;
  readonly #credits = new Int32Array(new SharedArrayBuffer(4));
  readonly #replies: ExpandReply[] = [];
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  #over = false;

  constructor(worker: Worker, question: Omit<ExpandRequest, "credits">) {
    this.#worker = worker;
    this.#credits[0] = CREDITS;
    worker.on("message", this.#onReply);
    worker.on("error", this.#onFailure);
    worker.on("exit", this.#onExit);
    const request: ExpandRequest = { ...question, credits: this.#credits.buffer as SharedArrayBuffer };
    worker.postMessage(request);
  }

  /** The next reply; undefined when the expansion is over. */
  async next(): Promise<ExpandReply | undefined> {
    while (this.#replies.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const reply = this.#replies.shift();
    if (reply?.kind === "end") return undefined;
    if (reply?.kind === "refused") throw errorOfRefusal(reply.refusal);
    if (reply?.kind === "broken") throw new Error(`expanding failed: ${reply.message}`);
    return reply;
  }

  wantMore(): void {
    Atomics.add(this.#credits, 0, 1);
    Atomics.notify(this.#credits, 0);
  }

  /** No more is wanted; resolves when the thread has stopped sending. */
  async leave(): Promise<void> {
    Atomics.store(this.#credits, 0, NOBODY);
    Atomics.notify(this.#credits, 0);
    while (!this.#over) {
      this.#replies.length = 0;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#worker.off("message", this.#onReply);
    this.#worker.off("error", this.#onFailure);
    this.#worker.off("exit", this.#onExit);
  }

  readonly #onReply = (reply: ExpandReply): void => {
    this.#replies.push(reply);
    if (reply.kind === "end" || reply.kind === "refused" || reply.kind === "broken") this.#over = true;
    this.#wake?.();
  };

  readonly #onFailure = (error: Error & { code?: string }): void => {
    this.#failure =
      error.code === "ERR_WORKER_OUT_OF_MEMORY"
        ? new AppError("exhausted", `the sweep needs more than ${HEAP_MB_MAX} MB of memory to expand`, {
            id: "spec.memory",
            hint: "split it into several sweeps",
          })
        : error;
    this.#over = true;
    this.#wake?.();
  };

  readonly #onExit = (): void => {
    this.#failure ??= new AppError("unavailable", "the coordinator is stopping", { id: "server.stopping" });
    this.#over = true;
    this.#wake?.();
  };
}
