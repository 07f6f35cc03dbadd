import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { FingerprintSet } from "../../../shared/spec/fingerprint-set.ts";

const print = (text: string) => `v2:${createHash("sha256").update(text).digest("hex")}`;

test("tells what it has seen from what it has not, up to as many as were said", () => {
  const set = new FingerprintSet(1000);
  for (let i = 0; i < 1000; i++) expect(set.add(print(String(i)))).toBe(true);
  for (let i = 0; i < 1000; i++) expect(set.add(print(String(i)))).toBe(false);
});

test("one place is room for one, and zeros are a fingerprint like any other", () => {
  const set = new FingerprintSet(1);
  expect(set.add(`v2:${"0".repeat(64)}`)).toBe(true);
  expect(set.add(`v2:${"0".repeat(64)}`)).toBe(false);
});

test("fingerprints that begin alike are different", () => {
  const set = new FingerprintSet(4);
  expect(set.add(`v2:${"0".repeat(24)}1${"0".repeat(39)}`)).toBe(true);
  expect(set.add(`v2:${"0".repeat(24)}2${"0".repeat(39)}`)).toBe(true);
  expect(set.add(`v2:${"0".repeat(23)}10${"0".repeat(39)}`)).toBe(true);
});
