/** The index of fingerprints against a plain map: sets, removals, growth, near collisions, and texts of other forms. */
import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FingerprintIndex } from "../../../coordinator/reuse/fingerprint-index.ts";
import { runId } from "../../../shared/kernel/ids.ts";

const ID = "run_01JD0000000000000000000000";

function fingerprint(name: string | number, version = 2): string {
  return `v${version}:${hash("sha256", String(name), "hex")}`;
}

describe("index of fingerprints", () => {
  test("finds what was set, and nothing else", () => {
    const index = new FingerprintIndex();
    expect(index.get(fingerprint("a"))).toBeUndefined();
    index.set(fingerprint("a"), runId(ID));
    expect(index.get(fingerprint("a"))).toBe(ID);
    expect(index.get(fingerprint("b"))).toBeUndefined();
    expect(index.size).toBe(1);
  });

  test("the last run of a fingerprint counts", () => {
    const index = new FingerprintIndex();
    for (const id of ["run_1", "run_22", "run_3"]) index.set(fingerprint("a"), runId(id));
    expect(index.get(fingerprint("a"))).toBe("run_3");
    expect(index.size).toBe(1);
  });

  // One digit apart, in each place: leading bits, last bits, version.
  test.each(Array.from({ length: 64 }, (_, i) => i))("digit %i decides", (i) => {
    const index = new FingerprintIndex();
    const zeros = "0".repeat(64);
    const other = `${zeros.slice(0, i)}1${zeros.slice(i + 1)}`;
    index.set(`v2:${zeros}`, runId("run_zeros"));
    expect(index.get(`v2:${other}`)).toBeUndefined();
    index.set(`v2:${other}`, runId("run_other"));
    expect([index.get(`v2:${zeros}`), index.get(`v2:${other}`)]).toEqual(["run_zeros", "run_other"]);
    expect(index.get(`v1:${zeros}`)).toBeUndefined();
    expect(index.get(`v12:${zeros}`)).toBeUndefined();
  });

  test.each([
    "",
    "v1:x",
    "v2:",
    `v2:${"g".repeat(64)}`,
    `v0:${"0".repeat(64)}`,
    `v999:${"0".repeat(64)}`,
    "v1:1.2",
    "é",
  ])("a text of another form is kept apart: %j", (text) => {
    const index = new FingerprintIndex();
    index.set(`v2:${"0".repeat(64)}`, runId("run_regular"));
    expect(index.get(text)).toBeUndefined();
    index.set(text, runId("run_other"));
    expect(index.get(text)).toBe("run_other");
    expect(index.get(`${text} `)).toBeUndefined();
  });

  test("says the same as a map, whatever is done", () => {
    const keys = fc.integer({ min: 0, max: 300 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), key: keys, id: fc.integer({ min: 0, max: 1e9 }) }),
      fc.record({ kind: fc.constant("delete" as const), key: keys }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const index = new FingerprintIndex();
        const map = new Map<string, string>();
        for (const each of steps) {
          const key = fingerprint(each.key, 1 + (each.key % 3));
          if (each.kind === "delete") {
            index.delete(key);
            map.delete(key);
          } else {
            index.set(key, runId(`run_${each.id}`));
            map.set(key, `run_${each.id}`);
          }
        }
        for (let i = 0; i <= 300; i++) {
          const key = fingerprint(i, 1 + (i % 3));
          expect(index.get(key)).toBe(map.get(key));
        }
        expect(index.size).toBe(map.size);
        expect(index.lines()).toHaveLength(map.size);
      }),
      { numRuns: 40 },
    );
  });

  test("grows past what was reserved, and loses nothing", () => {
    const index = new FingerprintIndex();
    index.reserve(1000);
    for (let i = 0; i < 10_000; i++) index.set(fingerprint(i), runId(`run_${i}`));
    for (let i = 0; i < 10_000; i++) expect(index.get(fingerprint(i))).toBe(`run_${i}`);
    expect(index.size).toBe(10_000);
    index.reserve(1);
    expect(index.get(fingerprint(9_999))).toBe("run_9999");
  });

  test("an id that does not fit is a fault of ours", () => {
    expect(() => new FingerprintIndex().set(fingerprint("a"), runId(`run_${"0".repeat(27)}`))).toThrow(
      "assertion failed",
    );
  });
});
