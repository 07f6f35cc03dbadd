/** [P] Of the bars that a program draws the one that tells how far the run is, and when that is worth a line. */
import type { Progress } from "./parse/captured.ts";

const EVERY_MS = 2_000;
/** Another bar takes over when the shown one was not drawn for so long. */
const QUIET_MS = 60_000;

export class ProgressKeeper {
  #shown: Progress | undefined;
  #drawnMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #told = true;

  /**
   * Takes a bar as it was just drawn. The first one stays the shown one until it is full: those within it come and go.
   */
  take(bar: Progress, nowMs: number): void {
    const shown = this.#shown;
    const isOver = shown?.total !== undefined && shown.done >= shown.total;
    if (shown && shown.bar !== bar.bar && !isOver && nowMs - this.#drawnMs < QUIET_MS) return;
    this.#shown = bar;
    this.#drawnMs = nowMs;
    this.#told = false;
  }

  /** The bar where it is time to tell of it. `last`: it is now or never. */
  due(last: boolean, nowMs: number): Progress | undefined {
    if (this.#told || (!last && nowMs - this.#toldMs < EVERY_MS)) return undefined;
    this.#told = true;
    this.#toldMs = nowMs;
    return this.#shown;
  }
}
