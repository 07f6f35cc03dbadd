/** Which fingerprints were seen: a table of numbers, as a million texts would take a hundred times the memory. */

const WORDS = 4;

export class FingerprintSet {
  readonly #mask: number;
  /** 128 bits of each; all zero: free. */
  readonly #table: Uint32Array;

  /** `most`: how many will be added at most. */
  constructor(most: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, most * 2)));
    this.#mask = slots - 1;
    this.#table = new Uint32Array(slots * WORDS);
  }

  /** False where it was there before. `fingerprint`: a prefix with a colon, then hex digits. */
  add(fingerprint: string): boolean {
    const start = fingerprint.indexOf(":") + 1;
    const word = (i: number) => Number.parseInt(fingerprint.slice(start + i * 8, start + i * 8 + 8), 16);
    // The last bit tells a used slot from a free one.
    const [a, b, c, d] = [word(0), word(1), word(2), (word(3) | 1) >>> 0];
    const table = this.#table;
    for (let slot = a & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS;
      if (table[at + 3] === 0) {
        table[at] = a;
        table[at + 1] = b;
        table[at + 2] = c;
        table[at + 3] = d;
        return true;
      }
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return false;
    }
  }
}
