import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../../shared/spec/canonical.ts";
import { expand } from "../../../shared/spec/expand.ts";
import type { SweepSpec } from "../../../shared/spec/types.ts";
import { pointsOf, specOf } from "../../helpers/spec-source.ts";

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
        const grid = new Map(axes.map((size, i) => [`p${i}`, Array.from({ length: size }, (_, j) => j)]));
        const seeds = seedCount === 0 ? undefined : Array.from({ length: seedCount }, (_, i) => i);
        const spec: SweepSpec = { ...specOf(SOUND), grid, seeds };
        const { points: made, total } = expand(spec);
        const points = [...made];
        const product = axes.reduce((count, size) => count * size, Math.max(1, seedCount));
        expect(points).toHaveLength(product);
        expect(total).toBe(product);
        expect(new Set(points.map(({ fingerprint }) => fingerprint)).size).toBe(product);
        for (const point of points.slice(0, 20)) {
          expect(point.fingerprint).toBe(fingerprintOf(spec.shape.template.command, point.params));
        }
      }),
    );
  });

  test("refuses a spec over the limit, which no parsed one is", () => {
    const seeds = Array.from({ length: 1_000_001 }, (_, i) => i);
    expect(() => expand({ ...specOf(SOUND), seeds })).toThrow("over the limit");
  });

  test("makes 100,000 points in well under two seconds", () => {
    const numbers = (count: number) => `[${Array.from({ length: count }, (_, i) => i)}]`;
    const base = Array.from({ length: 12 }, (_, i) => `base_${i} = "value ${i}"`).join("\n");
    const spec = specOf(
      `${SOUND}seeds = ${numbers(10)}\n[base]\n${base}\n[grid]\na = ${numbers(100)}\nb = ${numbers(100)}\n`,
    );
    const started = performance.now();
    const points = [...expand(spec).points];
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(points).toHaveLength(100_000);
    expect(points.at(-1)?.params.get("b")).toBe(99);
  });
});
