/** Tables as Python's csv module writes them, whole and cut off anywhere. */
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../../agent/output/csv-rows.ts";

describe("parseCsv", () => {
  it.each([
    ["", []],
    ["a,b\r\n", [["a", "b"]]],
    [
      "a,b\r\n1,\r\n",
      [
        ["a", "b"],
        ["1", ""],
      ],
    ],
    ["a\n1\n", [["a"], ["1"]]],
    ['a\r\n""\r\n', [["a"], [""]]],
    ["a\r\n\r\n1\r\n", [["a"], ["1"]]],
    ['"x, ""y""\nz",2\r\n', [['x, "y"\nz', "2"]]],
    ["学,é\r\n", [["学", "é"]]],
  ])("%j", (text, rows) => expect(parseCsv(text)).toEqual({ rows, length: text.length }));

  it("takes no row before its line end, wherever the text is cut", () => {
    const whole = 'step,note\r\n1,"a ""b"",\r\nc"\r\n2,x\r\n';
    const ends = [...whole.matchAll(/\r\n(?!c)/g)].map(({ index }) => index + 2);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const { rows, length } = parseCsv(whole.slice(0, cut));
      expect([cut, rows.length, length]).toEqual([
        cut,
        ends.filter((end) => end <= cut).length,
        ends.findLast((end) => end <= cut) ?? 0,
      ]);
    }
  });
});
