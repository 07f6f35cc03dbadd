import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, fingerprintOf, isIgnored, type WorkIdentity } from "../../../shared/spec/canonical.ts";
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
    expect(fingerprintOf({ command }, paramsFromJson(params))).toBe(fingerprint);
    expect(`v2:${createHash("sha256").update(canonical).digest("hex")}`).toBe(fingerprint);
  });

  test("do not depend on the order of parameters and keys", () => {
    const reversed = (value: ParamValue): ParamValue => {
      if (typeof value !== "object" || value === null || value instanceof FloatParam) return value;
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
        expect(fingerprintOf({ command: "x" }, other)).toBe(fingerprintOf({ command: "x" }, params));
      }),
    );
  });

  test("depend on every value and on the command", () => {
    fc.assert(
      fc.property(anyParams(), anyParams(), (a, b) => {
        const canonical = (params: typeof a) => canonicalJson(Object.fromEntries(params));
        expect(fingerprintOf({ command: "x" }, a) === fingerprintOf({ command: "x" }, b)).toBe(
          canonical(a) === canonical(b),
        );
        expect(fingerprintOf({ command: ["x"] }, a)).not.toBe(fingerprintOf({ command: "x" }, a));
      }),
    );
  });

  test("what is absent differs from null, empty and false", () => {
    const texts = [{}, { a: "" }, { a: false }, { a: 0 }, { a: [] }, { a: {} }].map(canonicalJson);
    texts.push(`{"a":${canonicalJson(null)}}`);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("hold what else counts, each under its own key", () => {
    const params = new Map([["a", 1]]);
    const works: WorkIdentity[] = [{}, { command: "x" }, { code: "x" }, { env: "x" }, { data: "x" }];
    const whole: WorkIdentity = { command: "x", code: "c", env: "e", data: "d" };
    expect(new Set([...works, whole].map((work) => fingerprintOf(work, params))).size).toBe(6);
    const canonical = '{"code":"c","command":"x","data":"d","env":"e","params":{"a":1}}';
    expect(fingerprintOf(whole, params)).toBe(`v2:${createHash("sha256").update(canonical).digest("hex")}`);
  });

  test.each([
    [["out"], ["out"]],
    [["logging"], ["logging.level", "logging.dir.x"]],
    [["log*"], ["log", "logging.level", "logging.dir.x", "log.x"]],
    [["*.workers"], ["data.workers", "a.b.workers"]],
    [["data.*"], ["data.workers"]],
    [[], []],
  ])("ignore %j leaves out %j", (ignore, expected) => {
    const names = [
      "out",
      "outer",
      "log",
      "log.x",
      "logging.level",
      "logging.dir.x",
      "data.workers",
      "a.b.workers",
      "lr",
    ];
    expect(names.filter((name) => isIgnored(name, ignore)).sort()).toEqual([...expected].sort());
  });

  test("numbers that are not finite have none", () => {
    expect(() => canonicalJson(new FloatParam(Number.NaN))).toThrow("NaN");
  });
});
