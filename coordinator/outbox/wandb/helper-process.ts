/**
 * The Python process that speaks to W&B: started with the first request, started again after it died. One request at a time
 * is answered by it; whatever goes wrong is a CallError, and the process is given up where it does not answer.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CallError, fieldsOf } from "../http-call.ts";

export interface WandbAccess {
  /** A program. */
  readonly python: string;
  /** Empty: what the package finds by itself, in its own files. */
  readonly apiKey: string;
  /** Empty: the package's own. */
  readonly baseUrl: string;
  readonly mode: "online" | "offline";
  /** Where the package keeps what is on its way; absolute. */
  readonly directory: string;
}

export interface HelperProcess {
  /** Counts starts: what an earlier one had open is not open any more. */
  readonly generation: number;
  /** What the package is called and its version. */
  readonly version: string;
  request(op: string, body: object, signal: AbortSignal): Promise<{ readonly [name: string]: unknown }>;
  /** Lets it finish what it has, for a while. */
  close(): Promise<void>;
}

const ANSWER_MS_MAX = 120_000;
const CLOSE_MS_MAX = 10_000;

interface Waiting {
  readonly id: number;
  readonly resolve: (answer: { readonly [name: string]: unknown }) => void;
  readonly reject: (error: CallError) => void;
}

/** `answerMsMax`: a helper that takes longer is ended. */
export function createHelperProcess(access: WandbAccess, answerMsMax = ANSWER_MS_MAX): HelperProcess {
  let child: ChildProcessWithoutNullStreams | undefined;
  let ready: Promise<void> | undefined;
  let waiting: Waiting | undefined;
  let lastId = 0;
  const state = { generation: 0, version: "" };

  function start(): ChildProcessWithoutNullStreams {
    const made = spawn(access.python, ["-u", join(import.meta.dirname, "helper.py")], { stdio: "pipe" });
    child = made;
    state.generation += 1;
    const end = (what: string) => {
      if (child !== made) return;
      child = undefined;
      ready = undefined;
      const asker = waiting;
      waiting = undefined;
      asker?.reject(new CallError(what, true));
    };
    made.once("error", (error) => end(`${access.python} does not start: ${error.message}`));
    made.once("exit", (code, signal) => end(`the helper for W&B ended: ${signal ?? `exit code ${code}`}`));
    // Said by the exit.
    made.stdin.on("error", () => {});
    made.stderr.resume();
    createInterface({ input: made.stdout }).on("line", (line) => {
      const answer = fieldsOf(JSON.parse(line));
      const asker = waiting;
      if (answer.id !== asker?.id) return;
      waiting = undefined;
      if (typeof answer.error === "string") asker?.reject(new CallError(answer.error.slice(0, 500), true));
      else asker?.resolve(answer);
    });
    return made;
  }

  function ask(op: string, body: object, signal: AbortSignal): Promise<{ readonly [name: string]: unknown }> {
    const to = child ?? start();
    lastId += 1;
    const id = lastId;
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        to.kill("SIGKILL");
        settle(() => reject(new CallError(`the helper for W&B did not answer to ${op} in time`, true)));
      }, answerMsMax);
      const stop = () => settle(() => reject(new CallError("broken off", true)));
      const settle = (done: () => void) => {
        clearTimeout(limit);
        signal.removeEventListener("abort", stop);
        if (waiting?.id === id) waiting = undefined;
        done();
      };
      waiting = {
        id,
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      };
      signal.addEventListener("abort", stop);
      to.stdin.write(`${JSON.stringify({ op, id, ...body })}\n`);
    });
  }

  async function hello(signal: AbortSignal): Promise<void> {
    const { apiKey, baseUrl, mode, directory } = access;
    const answer = await ask("hello", { api_key: apiKey, base_url: baseUrl, mode, dir: directory }, signal);
    if (typeof answer.missing === "string") {
      const { python } = access;
      throw new CallError(`${python} has no package wandb (${answer.missing}): ${python} -m pip install wandb`, true);
    }
    state.version = String(answer.version);
  }

  return {
    get generation() {
      return state.generation;
    },
    get version() {
      return state.version;
    },
    async request(op, body, signal) {
      ready ??= hello(signal);
      try {
        await ready;
      } catch (error) {
        // Without the package it is of no use: the next one looks again.
        ready = undefined;
        child?.kill("SIGKILL");
        throw error;
      }
      return await ask(op, body, signal);
    },
    async close() {
      const to = child;
      if (!to) return;
      const ended = new Promise((resolve) => to.once("exit", resolve));
      to.stdin.end();
      const limit = setTimeout(() => to.kill("SIGKILL"), CLOSE_MS_MAX);
      await ended;
      clearTimeout(limit);
    },
  };
}
