/** A coordinator that restarts is waited for by what follows something there. */
import type { Clock } from "../shared/kernel/clock.ts";
import { AppError } from "../shared/kernel/errors.ts";

/** How long it may be away. */
const AWAY_MAX_MS = 120_000;

export class Absence {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #sinceMs: number | undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** It has answered. */
  end(): void {
    this.#sinceMs = undefined;
  }

  /** Throws `error` where the coordinator is not away, or has been for too long. True: it was there until now. */
  bear(error: unknown): boolean {
    if (!(error instanceof AppError) || error.code !== "unavailable") throw error;
    const nowMs = this.#clock.monotonicMs();
    const isNew = this.#sinceMs === undefined;
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs > AWAY_MAX_MS) throw error;
    return isNew;
  }
}
