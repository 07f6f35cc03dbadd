import fc from "fast-check";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { offsetInString } from "../../../shared/spec/toml-offset.ts";

test.each([
  ["'ab'", 1, 2],
  ['"ab"', 1, 2],
  ['"a\\"b"', 2, 4],
  ['"\\u00e9b"', 1, 7],
  ['"\\U0001F600b"', 2, 11],
  ['"\\x41b"', 1, 5],
  ['"""ab"""', 1, 4],
  ['"""\nab"""', 1, 5],
  ["'''\r\nab'''", 1, 6],
  ['"""a\\\n   b"""', 1, 9],
  ['""', 0, 1],
  ['"a"', 9, 3],
])("%j at %d is at %d", (raw, index, offset) => expect(offsetInString(raw, index)).toBe(offset));

test("every character of a string is found where it is written", () => {
  const piece = fc.oneof(
    fc.constantFrom("\\n", '\\"', "\\\\", "\\u00e9", "\\U0001F600", "\\t", "\\e"),
    fc.string({ unit: fc.constantFrom("a", "B", " ", "é", "😀", "'", "#"), minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.string({ unit: fc.constantFrom("x", "y"), maxLength: 3 }),
      (before, after) => {
        const head = before.join("");
        for (const quote of ['"', '"""']) {
          const raw = `${quote}${head}Z${after}${quote}`;
          const value = String(parse(`k = ${raw}`).k);
          const index = value.lastIndexOf("Z");
          expect(raw[offsetInString(raw, index)]).toBe("Z");
        }
      },
    ),
  );
});
