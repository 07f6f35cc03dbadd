/**
 * Watching runs until they have ended, with progress on stderr: one block that is drawn over on a terminal, else a line at
 * each change. A coordinator that restarts is waited for. An interrupt ends the watching, never the runs.
 */

import type { WatchResponse } from "../proto/gen/runner/v1/control.ts";
import { AppError } from "../shared/kernel/errors.ts";
import { Absence } from "./absence.ts";
import type { Client } from "./client.ts";
import { endedCount, type Progress, progressBlock, progressLine } from "./render/progress.ts";
import { escapeControl } from "./render/text.ts";
import type { Session } from "./session.ts";

export interface Followed {
  /** False: interrupted before all had ended. */
  readonly done: boolean;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
  /** Name of the metric that the sweep is about; "" where there is none. */
  readonly bestMetric: string;
}

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 2_000;
const REDRAW_EVERY_MS = 1_000;

/** `tellFailures`: each as it comes. Throws AppError; code "timeout" when `--timeout` passes first. */
export async function followRuns(
  session: Session,
  client: Client,
  refs: readonly string[],
  title: string,
  tellFailures = false,
): Promise<Followed> {
  const stop = new AbortController();
  const undo = session.onSignal(() => stop.abort());
  const screen = createScreen(session, title);
  const said = new Set<string>();
  /** Says which runs failed since it was last asked, and why. */
  const failures = async (failed: number): Promise<void> => {
    if (failed <= said.size) return;
    for (const run of await client.listRuns({ refs, states: ["failed"] })) {
      if (!said.has(run.ref)) screen.say(`${run.ref} failed: ${escapeControl(run.reason)}`);
      said.add(run.ref);
    }
  };
  let last: WatchResponse | undefined;
  const absence = new Absence(session.clock);
  try {
    while (!stop.signal.aborted && !last?.done) {
      try {
        for await (const response of client.watch(refs, stop.signal)) {
          last = response;
          absence.end();
          screen.show(response);
          if (tellFailures) await failures(response.counts.failed ?? 0);
        }
      } catch (error) {
        if (!last) throw error;
        if (error instanceof AppError && error.code === "timeout") throw tooLate(session, last, error);
        if (absence.bear(error)) screen.say("the coordinator is away; waiting for it (the runs go on)");
        await pause(500, stop.signal);
      }
    }
  } finally {
    undo();
    screen.end();
  }
  return {
    done: last?.done ?? false,
    total: last?.total ?? 0,
    counts: last?.counts ?? {},
    bestMetric: last?.bestMetric ?? "",
  };
}

/** Runs that ended in another way than the user wanted. */
export function unsuccessful(counts: Followed["counts"]): number {
  return (counts.failed ?? 0) + (counts.cancelled ?? 0);
}

interface Screen {
  show(response: WatchResponse): void;
  say(line: string): void;
  end(): void;
}

function createScreen(session: Session, title: string): Screen {
  const { clock, config, out } = session;
  const startedMs = clock.monotonicMs();
  const progressOf = (response: WatchResponse): Progress => ({
    title,
    ...response,
    elapsedMs: clock.monotonicMs() - startedMs,
  });
  return config.terminal.stderrIsTty && !config.quiet ? block() : plain();

  function block(): Screen {
    let shown: WatchResponse | undefined;
    let drawn = 0;
    const draw = () => {
      if (!shown) return;
      const lines = progressBlock(progressOf(shown), config.terminal.columns ?? 80, config.color.err);
      out.raw(clear() + lines.map((line) => `${line}\n`).join(""));
      drawn = lines.length;
    };
    const clear = () => (drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`);
    const timer = setInterval(draw, REDRAW_EVERY_MS);
    return {
      show(response) {
        shown = response;
        draw();
      },
      say(line) {
        out.raw(`${clear()}${line}\n`);
        drawn = 0;
        draw();
      },
      end: () => clearInterval(timer),
    };
  }

  function plain(): Screen {
    let text = "";
    let pending: WatchResponse | undefined;
    let nextMs = 0;
    let timer: NodeJS.Timeout | undefined;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (!pending) return;
      const line = progressLine(progressOf(pending));
      pending = undefined;
      if (line === text) return;
      text = line;
      nextMs = clock.monotonicMs() + LINE_EVERY_MS;
      out.note(line);
    };
    return {
      show(response) {
        pending = response;
        const waitMs = nextMs - clock.monotonicMs();
        if (response.done || waitMs <= 0) flush();
        else timer ??= setTimeout(flush, waitMs);
      },
      say: (line) => out.note(line),
      end: flush,
    };
  }
}

function tooLate(session: Session, last: WatchResponse, cause: unknown): AppError {
  const left = last.total - endedCount(last.counts);
  const what = left === 0 ? "their output is not stored whole yet" : `${left} of ${last.total} runs have not ended`;
  const after = session.config.timeoutMs === undefined ? "" : ` after ${session.config.timeoutMs / 1000}s`;
  return new AppError("timeout", `${what}${after}; they go on`, { id: "wait.timeout", cause });
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
