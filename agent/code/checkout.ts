/** Brings the code of an attempt to its place, however long the coordinator is away, unless the attempt is over before. */
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../shared/kernel/errors.ts";
import { isRetryable } from "../../shared/wire/status.ts";

/** Lays out a snapshot in a directory that is not there. Throws AppError. */
export type Checkout = (snapshot: string, directory: string) => Promise<void>;

export interface WantedCode {
  readonly snapshot: string;
  readonly directory: string;
  /** Why it is of no use any more; undefined while it is. */
  readonly ended: () => string | undefined;
}

const AGAIN_MS = 1_000;
const LOOK_MS = 100;

/** Throws AppError: "invalid" where the code cannot be had, "unavailable" where the attempt is over. */
export async function layOutCode(checkout: Checkout, { snapshot, directory, ended }: WantedCode): Promise<void> {
  for (;;) {
    try {
      await untilEnded(checkout(snapshot, directory), ended);
      return;
    } catch (error) {
      if (ended() !== undefined || !(error instanceof AppError) || !isRetryable(error)) throw error;
    }
    await rm(directory, { recursive: true, force: true });
    await sleep(AGAIN_MS);
  }
}

/** What is on its way goes on for whoever wants it next. */
async function untilEnded(work: Promise<void>, ended: () => string | undefined): Promise<void> {
  const over = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    const why = ended();
    if (why !== undefined) over.reject(new AppError("unavailable", why));
  }, LOOK_MS);
  try {
    await Promise.race([work, over.promise]);
  } finally {
    clearInterval(timer);
    // Its end is of interest to nobody, if it comes later.
    work.catch(() => undefined);
  }
}
