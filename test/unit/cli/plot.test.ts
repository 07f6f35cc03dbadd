import { describe, expect, test } from "vitest";
import { type Curve, plotLines } from "../../../cli/render/plot.ts";
import { displayWidth } from "../../../cli/render/width.ts";

const OPTIONS = { width: 40, height: 9, log: false, color: false, xLabel: "step" };
const curve = (label: string, f: (x: number) => number, count = 41): Curve => ({
  label,
  points: Array.from({ length: count }, (_, x): [number, number] => [x, f(x)]),
});

describe("plots", () => {
  test.each<[string, Curve[], Partial<typeof OPTIONS>]>([
    ["a line", [curve("up", (x) => x)], {}],
    ["two curves that cross", [curve("up", (x) => x), curve("down", (x) => 40 - x)], { height: 12 }],
    ["an exponential is a line on a log scale", [curve("loss", (x) => 10 ** (-x / 10))], { log: true }],
    ["one point", [{ label: "学習率", points: [[3, 0.5]] }], {}],
    ["a parabola in a wide place", [curve("p", (x) => (x - 20) ** 2)], { width: 70, height: 12 }],
  ])("%s", (_name, curves, more) => {
    expect(`\n${plotLines(curves, { ...OPTIONS, ...more }).join("\n")}\n`).toMatchSnapshot();
  });

  test("order of points does not matter", () => {
    const up = curve("up", (x) => x);
    expect(plotLines([{ ...up, points: up.points.toReversed() }], OPTIONS)).toEqual(plotLines([up], OPTIONS));
  });

  test("what cannot be drawn is counted", () => {
    const points: [number, number][] = [
      [0, Number.NaN],
      [1, 1],
      [2, Number.POSITIVE_INFINITY],
      [3, -1],
    ];
    expect(plotLines([{ label: "a", points }], OPTIONS).at(-1)).toBe("● a  1 → -1  (2 not drawn)");
    expect(plotLines([{ label: "a", points }], { ...OPTIONS, log: true }).at(-1)).toBe("● a  1 → 1  (3 not drawn)");
    expect(plotLines([{ label: "a", points: [[0, Number.NaN]] }], OPTIONS)).toEqual([
      "● a  (1 not drawn)",
      "no points to draw",
    ]);
  });

  test("numbers at the ends of what there is are drawn", () => {
    const points: [number, number][] = [
      [0, -Number.MAX_VALUE],
      [1, Number.MAX_VALUE],
    ];
    const text = plotLines([{ label: "a", points }], OPTIONS).join("\n");
    expect(text).not.toContain("NaN");
    expect(text).toContain("●");
  });

  test("never wider than asked, from 30 columns on; labels cannot move the cursor", () => {
    for (const width of [30, 40, 80, 200]) {
      const lines = plotLines([curve("検証の精度 \u001b[2J".repeat(9), Math.sin), curve("b", Math.cos)], {
        ...OPTIONS,
        width,
      });
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      expect(lines.join("")).not.toContain("\u001b");
    }
  });

  test("marks tell curves apart where they are one", () => {
    const same = [1, 2, 3].map((n) => curve(String(n), (x) => x));
    const area = plotLines(same, { ...OPTIONS, width: 80 })
      .slice(0, -3)
      .join("");
    for (const mark of "●▲■") expect(area).toContain(mark);
  });
});
