/**
 * Standing by a running local stack: parts that die are started again by themselves; here it is decided what a signal
 * means. INT asks about running work. TERM and HUP stop the parts and leave the work. USR2 leaves the parts to `exp down`.
 */
import { AppError } from "../../shared/kernel/errors.ts";
import { plural } from "../render/text.ts";
import type { Session, SignalName } from "../session.ts";
import { type RunningStack, startStack, type UpOptions } from "./start.ts";
import { stopParts, stopRuns, tryHoldNode } from "./stop.ts";

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
      const wanted = name === "SIGINT" ? await onInterrupt(session, stack) : await keepRuns(stack);
      if (wanted === "go-on") continue;
      session.out.note("stopping (again: at once)");
      const hurry = signals.hurry();
      if (wanted === "stop-runs") await stopRunsFirst(session, stack, hurry);
      letGo(stack);
      await stopParts(session, stack.paths, { killRuns: wanted !== "keep-runs", hurry });
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

type Wanted = "go-on" | "stop-runs" | "keep-runs" | "no-runs";

async function onInterrupt(session: Session, stack: RunningStack): Promise<Wanted> {
  const { config, out } = session;
  const held = await tryHoldNode(stack.client, stack.file.node);
  if (!held) {
    out.note("the coordinator does not answer; runs that go on are left alone");
    return "keep-runs";
  }
  if (held.active === 0) return "no-runs";
  if (config.yes) return "stop-runs";
  if (config.interactive) {
    const answer = await session.ask(`stop ${plural(held.active, "running run")}? [y/N] `);
    if (/^y(?:es)?$/i.test(answer?.trim() ?? "")) return "stop-runs";
    out.note("going on");
  } else {
    out.note(`${plural(held.active, "run")} would be stopped: not without --yes; going on`);
    out.note("exp down --yes stops them, exp down --keep-runs leaves them");
  }
  await held.undo();
  return "go-on";
}

async function keepRuns(stack: RunningStack): Promise<Wanted> {
  const held = await tryHoldNode(stack.client, stack.file.node);
  return held?.active === 0 ? "no-runs" : "keep-runs";
}

async function stopRunsFirst(session: Session, stack: RunningStack, hurry: AbortSignal): Promise<void> {
  try {
    const left = await stopRuns(stack.client, stack.file.node, hurry);
    if (left > 0) session.out.note(`${plural(left, "run")} did not stop in time; the agent kills them`);
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
