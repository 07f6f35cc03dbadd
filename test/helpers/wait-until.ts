/** Waits for a condition with a bound, in place of a fixed sleep. */
import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly boundMs?: number;
  /** State to show when the bound is reached. */
  readonly seen?: () => unknown;
}

/** The first value of `look` that is neither undefined nor false. Fails after the bound (10 s) with what was seen last. */
export async function waitUntil<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { boundMs = 10_000, seen }: WaitOptions = {},
): Promise<T> {
  const end = performance.now() + boundMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) {
      throw new Error(`not seen within ${boundMs} ms: ${what}${seen ? `; last: ${JSON.stringify(seen())}` : ""}`);
    }
    await sleep(5);
  }
}
