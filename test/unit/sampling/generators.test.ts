/** Generators against the programs and papers that they come from. */
import { describe, expect, test } from "vitest";
import { MersenneTwister } from "../../../shared/sampling/mt19937.ts";
import { shuffledIndexes } from "../../../shared/sampling/shuffle.ts";
import { SOBOL_DIMENSIONS_MAX, sobolDirections, sobolWord } from "../../../shared/sampling/sobol.ts";
import { threefry, threefryKey, unitFrom } from "../../../shared/sampling/threefry.ts";
import PYTHON from "../../fixtures/sampling/python.json" with { type: "json" };
import SOBOL from "../../fixtures/sampling/sobol.json" with { type: "json" };
import { chiSquare } from "./chi-square.ts";

describe("MT19937 is CPython's", () => {
  test.each(PYTHON.mt19937)("seed $seed", (row) => {
    const generator = new MersenneTwister(BigInt(row.seed));
    expect(row.sizes.map((size) => generator.below(size))).toEqual(row.below);
    expect(row.random.map(() => generator.random())).toEqual(row.random);
    expect(row.bits.map(([count = 0]) => [count, generator.getRandBits(count)])).toEqual(row.bits);
    const shuffled = Array.from({ length: 20 }, (_, i) => i);
    generator.shuffle(shuffled);
    expect(shuffled).toEqual(row.shuffled);
    const later = Array.from({ length: 700 }, () => generator.random());
    expect(later.at(-1)).toBe(row.later);
  });

  test.each([
    [42, "0,0,2,1,3,17,2,0"],
    [0, "1,1,0,2,8,62,1,1"],
    [1, "0,2,0,2,1,63,1,1"],
    [123, "0,1,0,6,6,34,0,0"],
    [2 ** 40, "0,1,0,3,0,49,1,2"],
  ])("seed %d as number", (seed, expected) => {
    const generator = new MersenneTwister(seed);
    expect([2, 3, 5, 7, 10, 100, 3, 3].map((size) => generator.below(size)).join()).toBe(expected);
  });
});

describe("Threefry-2x32-20", () => {
  // Known answers of the Random123 library: counter, key, output.
  test.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)("%j", (counter, key, expected) => expect(threefry(key, counter)).toEqual(expected));

  test("keys differ by purpose, seed and name, and stay as they are", () => {
    const keys = [
      threefryKey("sample", 0, "lr"),
      threefryKey("sample", 1, "lr"),
      threefryKey("sample", 0, "lr2"),
      threefryKey("shuffle", 0, "lr"),
    ];
    expect(new Set(keys.map(String)).size).toBe(4);
    expect(threefryKey("sample", 7n, "lr")).toEqual(threefryKey("sample", 7, "lr"));
    expect(keys[0]).toMatchInlineSnapshot(`
      [
        3728925291,
        2481689457,
      ]
    `);
  });

  test("units lie within 0 and 1 and are even", () => {
    expect(unitFrom([0, 0])).toBe(2 ** -53);
    expect(unitFrom([0xffffffff, 0xffffffff])).toBe(1 - 2 ** -53);
    const key = threefryKey("sample", 3, "x");
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++) {
      const cell = Math.floor(unitFrom(threefry(key, [i, 0])) * 64);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    expect(chiSquare(counts, new Array(64).fill(1000))).toBeLessThan(110);
  });
});

describe("Sobol", () => {
  const axes = Array.from({ length: SOBOL_DIMENSIONS_MAX }, (_, dimension) => sobolDirections(dimension));

  test.each(SOBOL as [number, number[]][])("point %i in every dimension is scipy's", (point, expected) => {
    expect(axes.map((directions) => sobolWord(directions, point) / 4)).toEqual(expected);
  });

  test("every axis has one point in each of 2^k parts, the sum of two axes one in each square", () => {
    for (const [dimension, directions] of axes.entries()) {
      const parts = Array.from({ length: 256 }, (_, i) => sobolWord(directions, i) >>> 24);
      expect(new Set(parts).size, `dimension ${dimension}`).toBe(256);
    }
    const [first = new Uint32Array(), second = new Uint32Array()] = axes;
    const squares = Array.from({ length: 256 }, (_, i) => {
      return (sobolWord(first, i) >>> 28) * 16 + (sobolWord(second, i) >>> 28);
    });
    expect(new Set(squares).size).toBe(256);
  });
});

describe("shuffle", () => {
  test("a permutation, the same for the same seed", () => {
    const order = shuffledIndexes(1000, 5);
    expect([...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(shuffledIndexes(1000, 5)).toEqual(order);
    expect(shuffledIndexes(1000, 6)).not.toEqual(order);
    expect([...shuffledIndexes(0, 1), ...shuffledIndexes(1, 1)]).toEqual([0]);
    expect([...shuffledIndexes(10, 0)]).toMatchInlineSnapshot(`
      [
        4,
        6,
        9,
        1,
        0,
        8,
        5,
        7,
        3,
        2,
      ]
    `);
  });

  test("each order of four is as frequent as the others", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 24_000; seed++) {
      const order = shuffledIndexes(4, seed).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()], new Array(24).fill(1000))).toBeLessThan(55);
  });
});
