/**
 * [P] The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) as CPython's `random.Random` seeds and reads it, so that
 * searches made by Python programs can be drawn again, number by number.
 */

const SIZE = 624;
const MIDDLE = 397;

export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #next = SIZE;

  /** The seed's size counts, not its sign, as in Python. */
  constructor(seed: number | bigint) {
    this.#seedByArray(wordsOf(BigInt(seed)));
  }

  /** 32 bits, as an unsigned integer. */
  next32(): number {
    if (this.#next >= SIZE) this.#refill();
    let word = this.#state[this.#next++] ?? 0;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** From 0 on and below 1, in steps of 2^-53. `random.random()` */
  random(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** `random.getrandbits(count)`, for up to 53 bits. */
  getRandBits(count: number): number {
    if (count <= 32) return this.next32() >>> (32 - count);
    const low = this.next32();
    return (this.next32() >>> (64 - count)) * 2 ** 32 + low;
  }

  /** An index below `size`, from 1 to 2^53. `random.choice` and `random.randrange` draw it this way. */
  below(size: number): number {
    const bits = bitLength(size);
    let drawn = this.getRandBits(bits);
    while (drawn >= size) drawn = this.getRandBits(bits);
    return drawn;
  }

  /** In place, as `random.shuffle`. */
  shuffle<T>(list: T[]): void {
    for (let i = list.length - 1; i >= 1; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
  }

  #seedByWord(seed: number): void {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1] ?? 0;
      state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  #seedByArray(key: readonly number[]): void {
    this.#seedByWord(19650218);
    const state = this.#state;
    let i = 1;
    let j = 0;
    const mixed = (factor: number) => {
      const before = state[i - 1] ?? 0;
      return (state[i] ?? 0) ^ Math.imul(before ^ (before >>> 30), factor);
    };
    const advance = () => {
      i += 1;
      if (i < SIZE) return;
      state[0] = state[SIZE - 1] ?? 0;
      i = 1;
    };
    for (let k = Math.max(SIZE, key.length); k > 0; k--) {
      state[i] = mixed(1664525) + (key[j] ?? 0) + j;
      advance();
      j = j + 1 < key.length ? j + 1 : 0;
    }
    for (let k = SIZE - 1; k > 0; k--) {
      state[i] = mixed(1566083941) - i;
      advance();
    }
    state[0] = 0x80000000;
  }

  #refill(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const joined = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % SIZE] ?? 0) & 0x7fffffff);
      const twist = joined & 1 ? 0x9908b0df : 0;
      state[i] = (state[(i + MIDDLE) % SIZE] ?? 0) ^ (joined >>> 1) ^ twist;
    }
    this.#next = 0;
  }
}

function bitLength(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32);
}

/** Words of 32 bits of a number's size, the lowest first; one word for zero. */
function wordsOf(seed: bigint): number[] {
  const words: number[] = [];
  for (let rest = seed < 0n ? -seed : seed; rest > 0n || words.length === 0; rest >>= 32n) {
    words.push(Number(rest & 0xffffffffn));
  }
  return words;
}
