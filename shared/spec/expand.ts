/**
 * From a spec to its points, total and ordered: grid axes in file order, the last one fastest, and the seeds faster still.
 * The same spec gives the same list, byte for byte.
 */
import { assert } from "../kernel/assert.ts";
import { RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { canonicalJson, createFingerprinter } from "./canonical.ts";
import { paramsToJson } from "./params-json.ts";
import type { AxisReport, ExpandedSweep, Params, ParamValue, SweepPoint, SweepSpec } from "./types.ts";

/** Name of the parameter that `seeds` sets. */
export const SEED_PARAM = "seed";

/** Points of the sweep, by multiplication. */
export function countPoints(spec: SweepSpec): number {
  let count = spec.seeds?.length ?? 1;
  for (const values of spec.grid.values()) count *= values.length;
  return count;
}

/** The whole sweep. The spec must be within `RUNS_PER_SWEEP_MAX`, as every parsed one is. */
export function expand(spec: SweepSpec): ExpandedSweep {
  const total = countPoints(spec);
  assert(total <= RUNS_PER_SWEEP_MAX, `${total} points are over the limit`);
  return {
    sweep: spec.settings,
    shapes: [spec.shape],
    points: { [Symbol.iterator]: () => pointsOf(spec, total) },
    total,
    report: {
      axes: reportedAxes(spec),
      product: total,
      where: [],
      duplicates: 0,
      order: "listed",
      cut: 0,
      warnings: [],
    },
  };
}

function* pointsOf(spec: SweepSpec, total: number): Generator<SweepPoint> {
  const axes = axesOf(spec);
  const names = [...spec.base.keys(), ...axes.map(({ name }) => name)];
  const fingerprint = createFingerprinter(spec.shape.template.command, names);
  const canonical = [...Array.from(spec.base.values(), canonicalJson), ...axes.map(() => "")];
  const firstAxis = spec.base.size;
  const replicates = spec.seeds?.length ?? 1;
  for (let index = 1; index <= total; index++) {
    const params = new Map(spec.base);
    let rest = index - 1;
    for (const [i, axis] of axes.entries()) {
      const at = Math.floor(rest / axis.stride);
      rest -= at * axis.stride;
      params.set(axis.name, axis.values[at] as ParamValue);
      canonical[firstAxis + i] = axis.canonical[at] as string;
    }
    yield new Point(index, params, fingerprint(canonical), Math.ceil(index / replicates));
  }
}

class Point implements SweepPoint {
  readonly index: number;
  readonly params: Params;
  readonly fingerprint: string;
  readonly shape = 0;
  readonly group: number;
  readonly priority = undefined;

  constructor(index: number, params: Params, fingerprint: string, group: number) {
    this.index = index;
    this.params = params;
    this.fingerprint = fingerprint;
    this.group = group;
  }

  get paramsJson(): string {
    return paramsToJson(this.params);
  }
}

interface Axis {
  readonly name: string;
  readonly values: readonly ParamValue[];
  readonly canonical: readonly string[];
  /** Points between two values of this axis. */
  readonly stride: number;
}

function axesOf(spec: SweepSpec): Axis[] {
  const lists: [string, readonly ParamValue[]][] = [...spec.grid];
  if (spec.seeds) lists.push([SEED_PARAM, spec.seeds]);
  const axes: Axis[] = [];
  let stride = 1;
  for (const [name, values] of lists.toReversed()) {
    axes.unshift({ name, values, canonical: values.map(canonicalJson), stride });
    stride *= values.length;
  }
  return axes;
}

function reportedAxes(spec: SweepSpec): AxisReport[] {
  const axes = Array.from(
    spec.grid,
    ([key, values]): AxisReport => ({ step: "grid", key, size: values.length, variant: undefined }),
  );
  if (spec.seeds) axes.push({ step: "seeds", key: SEED_PARAM, size: spec.seeds.length, variant: undefined });
  return axes;
}
