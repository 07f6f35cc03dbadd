/**
 * Of which work it may be decided otherwise than before: work that was completed, began or ended. Who takes long over many
 * decisions notes where the log ends, and afterwards looks again at what came since.
 */

/** Fingerprints that are kept at least; the double at most. */
export const WORK_LOG_MIN = 10_000;

export class WorkLog {
  #fingerprints: string[] = [];
  /** Number of the first that is kept. */
  #first = 0;

  /** Where it ends. */
  get end(): number {
    return this.#first + this.#fingerprints.length;
  }

  note(fingerprint: string): void {
    if (this.#fingerprints.length === 2 * WORK_LOG_MIN) {
      this.#fingerprints = this.#fingerprints.slice(WORK_LOG_MIN);
      this.#first += WORK_LOG_MIN;
    }
    this.#fingerprints.push(fingerprint);
  }

  /** What was noted since the log ended at `end`; undefined where that is too long ago to know. */
  since(end: number): ReadonlySet<string> | undefined {
    return end < this.#first ? undefined : new Set(this.#fingerprints.slice(end - this.#first));
  }
}
