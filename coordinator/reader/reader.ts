/**
 * Reads that may be heavy, in a thread of their own with a connection of its own: tables over every run, curves of a million
 * points. The main thread, which answers heartbeats and places runs, spends on each only a message there and back.
 *
 * The thread starts with the first question and keeps what it has read; each question says what changed since the last one.
 * One that dies takes its questions along and is started again by the next.
 */
import { Worker } from "node:worker_threads";
import { AppError, errorOfRefusal } from "../../shared/kernel/errors.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import type { Feed } from "../feed.ts";
import type { Changed, QuestionKind, Questions, ReadReply, ReadRequest } from "./messages.ts";

export interface Reader {
  /** Throws AppError as the question is refused; "unavailable" where too many wait, or the thread died or was ended. */
  ask<Kind extends QuestionKind>(kind: Kind, question: Questions[Kind]["ask"]): Promise<Questions[Kind]["answer"]>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** File of the store. */
  readonly path: string;
  readonly feed: Feed;
  readonly logger: { error(fields: object, message: string): void };
}

const WAITING_MAX = 64;
/** Changes that are named one by one; after more of them everything is read again. */
const CHANGES_MAX = 20_000;
const HEAP_MB_MAX = 1_024;

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

export function createReader({ path, feed, logger }: ReaderOptions): Reader {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let closed = false;
  let lastId = 0;
  let runs = new Set<RunId>();
  let sweeps = new Set<SweepId>();
  let outputs = new Set<Fence>();
  let all = false;

  const unsubscribe = feed.subscribe((news) => {
    if (!worker || all) return;
    for (const id of news.runs) runs.add(id);
    for (const id of news.sweeps) sweeps.add(id);
    for (const fence of news.outputs) outputs.add(fence);
    if (runs.size + sweeps.size + outputs.size > CHANGES_MAX) all = true;
  });

  function takeChanges(): Changed {
    const changed = {
      all,
      runs: all ? [] : [...runs],
      sweeps: all ? [] : [...sweeps],
      outputs: all ? [] : [...outputs],
    };
    runs = new Set();
    sweeps = new Set();
    outputs = new Set();
    all = false;
    return changed;
  }

  function start(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./reader-worker.ts" : "./reader-worker.js";
    const made = new Worker(new URL(file, import.meta.url), {
      workerData: { path },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      name: "reader",
    });
    // It does not keep the program alive.
    made.unref();
    made.on("message", (reply: ReadReply) => {
      const asker = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (!asker) return;
      if ("answer" in reply) asker.resolve(reply.answer as never);
      else if ("refusal" in reply) asker.reject(errorOfRefusal(reply.refusal));
      else asker.reject(new Error(`reading failed: ${reply.broken}`));
    });
    made.once("error", (error) => logger.error({ err: error }, "the reading thread failed"));
    made.once("exit", () => {
      if (worker !== made) return;
      worker = undefined;
      takeChanges();
      rejectAll(died());
    });
    return made;
  }

  function rejectAll(error: AppError): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  return {
    ask(kind, question) {
      if (closed) return Promise.reject(stopping());
      if (waiting.size >= WAITING_MAX) return Promise.reject(tooMany());
      worker ??= start();
      lastId += 1;
      const request: ReadRequest = { id: lastId, kind, ask: question, changed: takeChanges() };
      return new Promise((resolve, reject) => {
        waiting.set(lastId, { resolve, reject });
        worker?.postMessage(request);
      });
    },
    async close() {
      closed = true;
      unsubscribe();
      rejectAll(stopping());
      await worker?.terminate();
    },
  };
}

function stopping(): AppError {
  return new AppError("unavailable", "the coordinator is stopping", { id: "server.stopping" });
}

function died(): AppError {
  return new AppError("unavailable", "what reads the store for tables and curves ended; it starts again by itself", {
    id: "reader.died",
    hint: "ask again; for fewer runs where it repeats",
  });
}

function tooMany(): AppError {
  return new AppError("unavailable", `${WAITING_MAX} reads wait already`, { id: "reader.busy", hint: "ask again" });
}
