/**
 * Standing by a running local stack: parts that die are started again by themselves; here it is decided what a signal
 * means. INT asks about running work. TERM and HUP stop the parts and leave the work. USR2 leaves the parts to `exp down`.
 */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import { plural } from "../render/text.ts";
import type { Session, SignalName } from "../session.ts";
import { type RunningStack, startStack, type UpOptions } from "./start.ts";
import { activeRuns, stopParts, stopRuns } from "./stop.ts";

/** Starts a stack; an interrupt meanwhile undoes it. */
export async function startInterruptibly(session: Session, options: UpOptions): Promise<RunningStack> {
  const stop = new AbortController();
  const undo = session.onSignal(() => stop.abort());
  try {
    return await startStack(session, options, stop.signal);
  } finally {
    undo();
  }
}

/** Returns when the parts are stopped, or are somebody else's to stop. */
export async function supervise(session: Session, stack: RunningStack): Promise<void> {
  const signals = createSignalQueue(session);
  try {
    while (true) {
      const name = await signals.next();
      if (name === "SIGUSR2") return letGo(stack);
      const wanted = name === "SIGINT" ? await onInterrupt(session, stack) : "keep-runs";
      if (wanted === "go-on") continue;
      session.out.note("stopping (again: at once)");
      const hurry = signals.hurry();
      if (wanted === "stop-runs") await stopRunsFirst(session, stack, hurry);
      letGo(stack);
      await stopParts(session, stack.paths, { killRuns: false, hurry });
      session.out.note("stopped");
      return;
    }
  } finally {
    signals.close();
    // Whatever ended the watch: nobody is left to start parts again.
    letGo(stack);
  }
}

function letGo(stack: RunningStack): void {
  for (const part of stack.parts) part.letGo();
}

async function onInterrupt(session: Session, stack: RunningStack): Promise<"go-on" | "stop-runs" | "keep-runs"> {
  const { config, out } = session;
  let live: number;
  try {
    live = await activeRuns(stack.client, stack.file.node);
  } catch (error) {
    out.note(`the coordinator does not answer (${errorMessage(error)}); runs that go on are left alone`);
    return "keep-runs";
  }
  if (live === 0) return "keep-runs";
  if (config.yes) return "stop-runs";
  if (config.interactive) {
    const answer = await session.ask(`stop ${plural(live, "running run")}? [y/N] `);
    if (/^y(?:es)?$/i.test(answer?.trim() ?? "")) return "stop-runs";
    out.note("going on");
    return "go-on";
  }
  out.note(`${plural(live, "run")} would be stopped: not without --yes; going on`);
  out.note("exp down --yes stops them, exp down --keep-runs leaves them");
  return "go-on";
}

async function stopRunsFirst(session: Session, stack: RunningStack, hurry: AbortSignal): Promise<void> {
  try {
    const left = await stopRuns(stack.client, stack.file.node, hurry);
    if (left > 0) session.out.note(`${plural(left, "run")} did not stop in time; their leases will end them`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    session.out.note(`runs could not be stopped: ${error.message}`);
  }
}

interface SignalQueue {
  next(): Promise<SignalName>;
  /** Aborts at the next signal. */
  hurry(): AbortSignal;
  close(): void;
}

function createSignalQueue(session: Session): SignalQueue {
  const waiting: SignalName[] = [];
  let wake: (() => void) | undefined;
  let hurry: AbortController | undefined;
  const undo = session.onSignal((name) => {
    if (hurry) return hurry.abort();
    waiting.push(name);
    wake?.();
  });
  return {
    async next() {
      while (true) {
        const name = waiting.shift();
        if (name) return name;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    hurry() {
      hurry = new AbortController();
      return hurry.signal;
    },
    close: undo,
  };
}
