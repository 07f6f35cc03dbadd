/**
 * [P] Our own random numbers: Threefry-2x32 with 20 rounds (Salmon and others, "Parallel random numbers: as easy as 1, 2, 3",
 * 2011), a function from a key and a counter to 64 bits. There is no stream to keep in step: the key comes from the seed and
 * the name of a parameter, the counter says which draw it is. So a parameter added to a search, or more samples, leave all
 * other values as they were, and any draw can be made alone.
 */
import { createHash } from "node:crypto";

export type Word2 = readonly [number, number];

/** A key for one purpose: the first 64 bits of a SHA-256. */
export function threefryKey(purpose: string, seed: number | bigint, name: string): Word2 {
  const digest = createHash("sha256").update(`expfleet/${purpose}/1\0${seed}\0${name}`).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** 64 bits as two unsigned words. */
export function threefry(key: Word2, counter: Word2): Word2 {
  const keys = [key[0], key[1], 0x1bd11bda ^ key[0] ^ key[1]] as const;
  let x = (counter[0] + key[0]) | 0;
  let y = (counter[1] + key[1]) | 0;
  for (let group = 0; group < 5; group++) {
    for (const rotation of group % 2 === 0 ? EVEN : ODD) {
      x = (x + y) | 0;
      y = ((y << rotation) | (y >>> (32 - rotation))) ^ x;
    }
    x = (x + (keys[(group + 1) % 3] ?? 0)) | 0;
    y = (y + (keys[(group + 2) % 3] ?? 0) + group + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}

const EVEN = [13, 15, 26, 6] as const;
const ODD = [17, 29, 16, 24] as const;

/** A number between 0 and 1, never either of them: the middles of 2^52 equal parts. */
export function unitFrom([high, low]: Word2): number {
  return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
}
