import fc from "fast-check";
import { expect, test } from "vitest";
import { sortedBy } from "../../../coordinator/reader/sorting.ts";
import type { Cell } from "../../../shared/run/dashboard.ts";

const sorted = (cells: readonly Cell[], column: string, descending = false) =>
  sortedBy(cells, [{ column, descending, read: (cell) => cell }]);

test.each<[string, Cell[], Cell[], Cell[]]>([
  ["param:a", [3, null, 1, 2], [1, 2, 3, null], [3, 2, 1, null]],
  ["param:a", ["b", 2, null, "a", 10, true], [true, 2, 10, "a", "b", null], ["b", "a", 10, 2, true, null]],
  [
    "metric:a",
    [1, "NaN", "Infinity", "-Infinity", null],
    ["-Infinity", 1, "Infinity", "NaN", null],
    ["Infinity", 1, "-Infinity", "NaN", null],
  ],
  [
    "ref",
    ["a.10.1", "a.9.10", "a.9.9", "b.1.1"],
    ["a.9.9", "a.9.10", "a.10.1", "b.1.1"],
    ["b.1.1", "a.10.1", "a.9.10", "a.9.9"],
  ],
  ["state", ["failed", "queued", "running"], ["queued", "running", "failed"], ["failed", "running", "queued"]],
])("%s %j", (column, cells, up, down) => {
  expect(sorted(cells, column)).toEqual(up);
  expect(sorted(cells, column, true)).toEqual(down);
});

test("several keys, and equal rows in their order", () => {
  const row = fc.record({
    a: fc.integer({ min: 0, max: 3 }),
    b: fc.option(fc.integer({ min: 0, max: 3 })),
    at: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 50 }), (rows) => {
      const keys = [
        { column: "param:a", descending: true, read: (one: (typeof rows)[number]) => one.a },
        { column: "param:b", descending: false, read: (one: (typeof rows)[number]) => one.b },
      ];
      const expected = rows.toSorted((x, y) => y.a - x.a || (x.b ?? 9) - (y.b ?? 9));
      expect(sortedBy(rows, keys)).toEqual(expected);
    }),
  );
});
