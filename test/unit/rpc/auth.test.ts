import { describe, expect, test } from "vitest";
import { createHostRule, isSameOrigin } from "../../../coordinator/http/hosts.ts";
import { addressOf, createVerifier, hashToken } from "../../../coordinator/rpc/auth.ts";
import { LOGIN_ADDRESSES_MAX, LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS } from "../../../coordinator/rpc/limits.ts";

function createCase() {
  const clock = { now: 0, monotonicMs: () => clock.now, wallMs: () => 1e12 + clock.now };
  const lines: string[] = [];
  const verifier = createVerifier(hashToken("s3cret"), clock, { warn: (_, message) => lines.push(message) });
  return { clock, lines, verifier };
}

describe("the verifier", () => {
  test.each([
    ["Bearer s3cret", "granted"],
    ["bearer s3cret", "granted"],
    ["Bearer s3cre", "denied"],
    ["Bearer s3cret ", "denied"],
    // The token as it is in the file: its certificate is for clients.
    ["Bearer s3cret.MIIB0DCCAXeg-_", "granted"],
    ["Bearer s3cre.MIIB0DCCAXeg-_", "denied"],
    ["Bearer s3cret.a.b", "denied"],
    ["Basic s3cret", "denied"],
    ["s3cret", "denied"],
    [`Bearer ${"x".repeat(513)}`, "denied"],
    ["", "denied"],
    [undefined, "denied"],
  ])("%j: %s", (header, expected) => expect(createCase().verifier.check("10.0.0.7", header).kind).toBe(expected));

  test("limits one address, for a while, and not another", () => {
    const { clock, lines, verifier } = createCase();
    const fail = (address: string) => verifier.check(address, "Bearer no").kind;
    for (let i = 0; i < LOGIN_FAILURES_MAX; i++) expect(fail("a")).toBe("denied");
    for (let i = 0; i < 990; i++) expect(fail("a")).toBe("limited");
    expect(fail("b")).toBe("denied");
    expect(verifier.check("a", "Bearer s3cret").kind).toBe("granted");
    expect(lines).toHaveLength(LOGIN_FAILURES_MAX + 2);
    clock.now = LOGIN_WINDOW_MS;
    expect(fail("a")).toBe("denied");
  });

  test("remembers a bounded number of addresses, the latest ones", () => {
    const { verifier } = createCase();
    for (let i = 0; i <= LOGIN_FAILURES_MAX; i++) verifier.check("first", "no");
    for (let i = 0; i < LOGIN_ADDRESSES_MAX; i++) verifier.check(`10.${i}`, "no");
    expect(verifier.check("first", "no").kind).toBe("denied");
  });
});

test.each([
  ["10.0.0.7:4711", "10.0.0.7"],
  ["[::1]:80", "::1"],
  ["::1", "::1"],
  ["::ffff:10.0.0.7", "10.0.0.7"],
  ["[::ffff:10.0.0.7]:80", "10.0.0.7"],
  ["unknown", "unknown"],
])("the address of %s is %s", (peer, expected) => expect(addressOf(peer)).toBe(expected));

test.each([
  ["10.0.0.5:7717", "10.0.0.5", true],
  ["10.0.0.5", "::ffff:10.0.0.5", true],
  ["[fe80::1]:7717", "fe80::1", true],
  ["10.0.0.6", "10.0.0.5", false],
  ["0.0.0.0", "10.0.0.5", true],
  ["evil.test", "10.0.0.5", false],
  ["localhost@evil.test", "10.0.0.5", false],
  ["localhost:99999999", "10.0.0.5", false],
  [undefined, "10.0.0.5", false],
])("Host %j on %s: %s", (host, local, expected) => {
  expect(createHostRule("0.0.0.0", ["Fleet.lab"]).allows(host, local)).toBe(expected);
});

test.each([
  [undefined, true],
  ["http://localhost:7717", true],
  ["https://localhost:7717", true],
  ["http://localhost", false],
  ["http://localhost:7717.evil.test", false],
  ["null", false],
  ["", false],
])("Origin %j: %s", (origin, expected) => expect(isSameOrigin(origin, "LOCALHOST:7717")).toBe(expected));
