import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "../../../shared/kernel/nearest.ts";

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
  ["digits", "digist", 1],
  ["abc", "abc", 0],
])("from %j to %j: %i", (a, b, expected) => expect(editDistance(a, b)).toBe(expected));

test("the distance is the same both ways and at most the longer length", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance === 0).toBe(a === b);
    }),
  );
});

test.each([
  ["digist", ["mnist", "digits", "digits.2", "x"], ["digits", "digits.2", "mnist"]],
  ["LR", ["lr", "wd"], ["lr", "wd"]],
  ["learning_rate", ["lr", "seed"], []],
])("%s among %j", (word, candidates, expected) => expect(nearest(word, candidates, 3)).toEqual(expected));
