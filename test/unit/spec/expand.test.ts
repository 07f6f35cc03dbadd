import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../../shared/spec/canonical.ts";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { pointsOf, sweepOf } from "../../helpers/spec-source.ts";

const SOUND = 'name = "a"\nrun.command = ["x", "${args}"]\n';

describe("expand", () => {
  test("goes through axes in file order, the last fastest, the seeds faster still", () => {
    const points = pointsOf(`${SOUND}seeds = [7, 0]\n[grid]\nlr = [0.1, 1]\nm = ["b", "a"]\n[base]\nk = 1.0\n`);
    expect(points.map(({ index, paramsJson }) => `${index} ${paramsJson}`)).toEqual([
      '1 {"k":1.0,"lr":0.1,"m":"b","seed":7}',
      '2 {"k":1.0,"lr":0.1,"m":"b","seed":0}',
      '3 {"k":1.0,"lr":0.1,"m":"a","seed":7}',
      '4 {"k":1.0,"lr":0.1,"m":"a","seed":0}',
      '5 {"k":1.0,"lr":1,"m":"b","seed":7}',
      '6 {"k":1.0,"lr":1,"m":"b","seed":0}',
      '7 {"k":1.0,"lr":1,"m":"a","seed":7}',
      '8 {"k":1.0,"lr":1,"m":"a","seed":0}',
    ]);
  });

  test("without a grid there is one point", () => {
    expect(pointsOf(SOUND).map(({ index, params }) => [index, params.size])).toEqual([[1, 0]]);
  });

  test("has as many points as the product, all different, each with the fingerprint of its parameters", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 3 }), (axes, seedCount) => {
        const grid = axes.map((size, i) => `p${i} = ${list(size)}`).join("\n");
        const seeds = seedCount === 0 ? "" : `seeds = ${list(seedCount)}\n`;
        const { points: made, total } = sweepOf(`${SOUND}${seeds}[grid]\n${grid}\n`);
        const points = [...made];
        const product = axes.reduce((count, size) => count * size, Math.max(1, seedCount));
        expect(points).toHaveLength(product);
        expect(total).toBe(product);
        expect(new Set(points.map(({ fingerprint }) => fingerprint)).size).toBe(product);
        for (const point of points.slice(0, 20)) {
          expect(point.fingerprint).toBe(fingerprintOf({ command: ["x", "${args}"] }, point.params));
          expect(point.paramsJson).toBe(paramsToJson(point.params));
        }
      }),
      { numRuns: 50 },
    );
  });

  test("points can be gone through again, and those kept before stay as they are", () => {
    const { points } = sweepOf(`${SOUND}[grid]\na = [1, 2, 3]\n[derive]\nb = "a * 10"\nc = "run.index"\n`);
    const first = [...points];
    const again = [...points];
    expect(again.map(({ paramsJson }) => paramsJson)).toEqual(first.map(({ paramsJson }) => paramsJson));
    expect(first.map(({ params }) => paramsToJson(params))).toEqual([
      '{"a":1,"b":10,"c":1}',
      '{"a":2,"b":20,"c":2}',
      '{"a":3,"b":30,"c":3}',
    ]);
  });

  test("makes 100,000 points, each its own", () => {
    const base = Array.from({ length: 12 }, (_, i) => `base_${i} = "value ${i}"`).join("\n");
    const text = `${SOUND}seeds = ${list(10)}\n[base]\n${base}\n[grid]\na = ${list(100)}\nb = ${list(100)}\n`;
    const points = pointsOf(text);
    expect(points).toHaveLength(100_000);
    expect(points.at(-1)?.params.get("b")).toBe(99);
    expect(new Set(points.map(({ fingerprint }) => fingerprint)).size).toBe(100_000);
  });
});

function list(count: number): string {
  return `[${Array.from({ length: count }, (_, i) => i)}]`;
}
