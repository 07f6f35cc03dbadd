/** Lines of an output that are drawn again only where they are new. */
import { expect, test } from "vitest";
import { Kept } from "../../../dashboard/app/logs/kept.ts";

function counting() {
  const kept = new Kept<{ readonly line: number }>();
  let made: number[] = [];
  return {
    look(about: readonly unknown[], first: number, last: number) {
      made = [];
      const stretch = kept.stretch(about, first, last, (line) => {
        made.push(line);
        return { line };
      });
      expect(stretch.map(({ line }) => line)).toEqual(
        Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i),
      );
      return { made, stretch };
    },
  };
}

test("scrolling makes the lines that come; the others are the same objects", () => {
  const { look } = counting();
  const window = {};
  const before = look([window, 0, 90, ""], 10, 20);
  expect(before.made).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  const after = look([window, 0, 90, ""], 12, 22);
  expect(after.made).toEqual([20, 21]);
  expect(after.stretch[0]).toBe(before.stretch[2]);
  expect(look([window, 0, 90, ""], 11, 22).made).toEqual([11]);
  expect(look([window, 0, 90, ""], 11, 22).made).toEqual([]);
});

test.each([
  ["another window", [{}, 0, 90, ""]],
  ["more at its end", [undefined, 0, 95, ""]],
  ["less at its start", [undefined, 5, 90, ""]],
  ["another search", [undefined, 0, 90, "x"]],
  ["nothing known", []],
])("all lines are made anew: %s", (_, about) => {
  const { look } = counting();
  look([undefined, 0, 90, ""], 0, 3);
  expect(look(about, 0, 3).made).toEqual([0, 1, 2]);
});

test("nothing of no lines", () => {
  expect(counting().look([], 5, 5).stretch).toEqual([]);
  expect(counting().look([], 5, 2).stretch).toEqual([]);
});
