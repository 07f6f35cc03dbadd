/**
 * Writing results directories in a thread of its own: a run of a million points takes seconds, and the main thread answers
 * heartbeats meanwhile. One directory after the other, so that two projections of one run never mix.
 */
import { Worker } from "node:worker_threads";
import { paramsToJson } from "../../shared/spec/params-json.ts";
import type { ResultRecord } from "../store/run-record.ts";

export interface Projector {
  /** Brings the directory up to date; "words": only what people wrote on a run that is over. Rejects where it cannot be written, and where the thread ended before. */
  project(record: ResultRecord, directory: string, what?: "all" | "words"): Promise<void>;
  close(): Promise<void>;
}

/** Parameters as text: their own classes would not survive the way. */
export interface ProjectRequest {
  readonly id: number;
  readonly record: Omit<ResultRecord, "params"> & { readonly paramsJson: string };
  readonly directory: string;
  readonly what: "all" | "words";
}

export interface ProjectReply {
  readonly id: number;
  /** Undefined: it is written. */
  readonly problem: string | undefined;
}

const HEAP_MB_MAX = 1_024;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The thread starts with the first directory; one that dies is started again by the next. */
export function createProjector(): Projector {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let lastId = 0;
  let closed = false;

  function start(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./projector-worker.ts" : "./projector-worker.js";
    const made = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      name: "results",
    });
    let failure = "it was ended";
    // It does not keep the program alive.
    made.unref();
    made.on("message", ({ id, problem }: ProjectReply) => {
      const asker = waiting.get(id);
      waiting.delete(id);
      if (problem === undefined) asker?.resolve();
      else asker?.reject(new Error(problem));
    });
    made.once("error", (error) => {
      failure = String(error);
    });
    made.once("exit", () => {
      if (worker !== made) return;
      worker = undefined;
      for (const { reject } of waiting.values()) reject(new Error(`the thread that writes results ended: ${failure}`));
      waiting.clear();
    });
    return made;
  }

  return {
    project({ params, ...record }, directory, what = "all") {
      if (closed) return Promise.reject(new Error("the coordinator is stopping"));
      worker ??= start();
      lastId += 1;
      const id = lastId;
      const request: ProjectRequest = { id, record: { ...record, paramsJson: paramsToJson(params) }, directory, what };
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker?.postMessage(request);
      });
    },
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}
