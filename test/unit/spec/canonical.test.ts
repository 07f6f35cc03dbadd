import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, fingerprintOf } from "../../../shared/spec/canonical.ts";
import { paramsFromJson } from "../../../shared/spec/params-json.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { anyParams } from "./any-params.ts";

interface Vector {
  readonly title: string;
  readonly command: string | string[];
  readonly params: string;
  readonly canonical: string;
  readonly fingerprint: string;
}

const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL("../../fixtures/spec/fingerprints.json", import.meta.url), "utf8"),
);

describe("fingerprints", () => {
  test.each(VECTORS)("$title", ({ command, params, canonical, fingerprint }) => {
    expect(fingerprintOf(command, paramsFromJson(params))).toBe(fingerprint);
    expect(`v1:${createHash("sha256").update(canonical).digest("hex")}`).toBe(fingerprint);
  });

  test("do not depend on the order of parameters and keys", () => {
    const reversed = (value: ParamValue): ParamValue => {
      if (typeof value !== "object" || value instanceof FloatParam) return value;
      if (Array.isArray(value)) return value.map(reversed);
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, item]) => [key, reversed(item)]),
      );
    };
    fc.assert(
      fc.property(anyParams(), (params) => {
        const other = new Map([...params].toReversed().map(([name, value]) => [name, reversed(value)]));
        expect(fingerprintOf("x", other)).toBe(fingerprintOf("x", params));
      }),
    );
  });

  test("depend on every value and on the command", () => {
    fc.assert(
      fc.property(anyParams(), anyParams(), (a, b) => {
        const canonical = (params: typeof a) => canonicalJson(Object.fromEntries(params));
        expect(fingerprintOf("x", a) === fingerprintOf("x", b)).toBe(canonical(a) === canonical(b));
        expect(fingerprintOf(["x"], a)).not.toBe(fingerprintOf("x", a));
      }),
    );
  });

  test("what is absent differs from null, empty and false", () => {
    const texts = [{}, { a: "" }, { a: false }, { a: 0 }, { a: [] }, { a: {} }].map(canonicalJson);
    texts.push(`{"a":${canonicalJson(null)}}`);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("numbers that are not finite have none", () => {
    expect(() => canonicalJson(new FloatParam(Number.NaN))).toThrow("NaN");
  });
});
