/**
 * Starting and stopping a program. Each step of a start pushes how it is undone; a stop walks back, also when it comes in
 * the middle of a start. Signals mean: first stop in order, second hurry, third leave at once.
 */
import { errorMessage } from "./kernel/errors.ts";
import type { Logger } from "./logger.ts";

export type Release = () => void | Promise<void>;

export class ReleaseStack {
  readonly #steps: { name: string; release: Release }[] = [];
  #released: Promise<void> | undefined;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  push(name: string, release: Release): void {
    this.#steps.push({ name, release });
  }

  /** Undoes every step, the last one first; one that fails is logged and does not keep the others. Safe to call twice. */
  release(): Promise<void> {
    this.#released ??= this.#walkBack();
    return this.#released;
  }

  async #walkBack(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.release();
      } catch (error) {
        this.#logger.warn({ step: step.name, error: errorMessage(error) }, "stopping failed in part");
      }
    }
  }
}

export interface SignalPlan {
  /** First INT or TERM. */
  readonly onFirst: (signal: NodeJS.Signals) => void;
  /** Second. */
  readonly onSecond: (signal: NodeJS.Signals) => void;
}

/** Installs the three meanings; the third signal ends the process with 130. */
export function handleSignals(plan: SignalPlan): void {
  let count = 0;
  const handle = (signal: NodeJS.Signals) => {
    count += 1;
    if (count === 1) plan.onFirst(signal);
    else if (count === 2) plan.onSecond(signal);
    else process.exit(130);
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  // A closed terminal ends a program as an interrupt does.
  process.on("SIGHUP", handle);
}
