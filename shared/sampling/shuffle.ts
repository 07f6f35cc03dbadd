/** [P] A shuffled order that depends on nothing but the seed and the number of things. */
import { threefry, threefryKey, unitFrom } from "./threefry.ts";

/** Indexes from 0 in the order of Fisher and Yates; every order is equally likely. */
export function shuffledIndexes(count: number, seed: number | bigint): Uint32Array {
  const indexes = Uint32Array.from({ length: count }, (_, i) => i);
  const key = threefryKey("shuffle", seed, "");
  for (let i = count - 1; i >= 1; i--) {
    const j = Math.floor(unitFrom(threefry(key, [i, 0])) * (i + 1));
    const moved = indexes[i] ?? 0;
    indexes[i] = indexes[j] ?? 0;
    indexes[j] = moved;
  }
  return indexes;
}
