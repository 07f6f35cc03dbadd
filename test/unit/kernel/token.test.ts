import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";
import { expect, test } from "vitest";
import { formatToken, parseToken, TOKEN_CHARACTERS_MAX } from "../../../shared/kernel/token.ts";

const SECRET = "fU7WIefe1dj8zt6a1_v9ct6FpzR-9SDBoyxqJh8_vgk";

test("a bare secret stays what it is", () => {
  expect(parseToken(SECRET)).toEqual({ secret: SECRET, certificate: undefined });
  expect(formatToken({ secret: SECRET, certificate: undefined })).toBe(SECRET);
});

test("one word carries a certificate, whole", async () => {
  const { cert } = await generate([{ name: "commonName", value: "x" }], { keyType: "ec", curve: "P-256" });
  const word = formatToken({ secret: SECRET, certificate: cert });
  expect(word).toMatch(/^[\w-]+\.[\w-]+$/);
  expect(word.length).toBeLessThan(TOKEN_CHARACTERS_MAX);
  const { secret, certificate = "" } = parseToken(word);
  expect(secret).toBe(SECRET);
  expect(new X509Certificate(certificate).fingerprint256).toBe(new X509Certificate(cert).fingerprint256);
  expect(formatToken({ secret, certificate })).toBe(word);
  // A copy that was cut off is no certificate either, though it begins as one.
  for (const cut of [word.slice(0, -1), word.slice(0, -40), `${word}A`])
    expect(() => parseToken(cut)).toThrow(/damaged/);
});

test.each(["", "x", "abc$", "MIIB=", "....", `MII\nB`])("after its dot %j is no certificate", (rest) => {
  expect(() => parseToken(`${SECRET}.${rest}`)).toThrow(/the token is damaged/);
});
