/**
 * From a spec to its points, total and ordered: grid axes in file order, the last one fastest, and the seeds faster still.
 * The same spec gives the same list, byte for byte.
 */
import { assert } from "../kernel/assert.ts";
import { RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { canonicalJson, createFingerprinter } from "./canonical.ts";
import type { ParamValue, SweepPoint, SweepSpec } from "./types.ts";

/** Name of the parameter that `seeds` sets. */
export const SEED_PARAM = "seed";

/** Points of the sweep, by multiplication. */
export function countPoints(spec: SweepSpec): number {
  let count = spec.seeds?.length ?? 1;
  for (const values of spec.grid.values()) count *= values.length;
  return count;
}

/** All points, numbered from 1. The spec must be within `RUNS_PER_SWEEP_MAX`, as every parsed one is. */
export function expand(spec: SweepSpec): SweepPoint[] {
  const count = countPoints(spec);
  assert(count <= RUNS_PER_SWEEP_MAX, `${count} points are over the limit`);
  const axes = axesOf(spec);
  const names = [...spec.base.keys(), ...axes.map(({ name }) => name)];
  const fingerprint = createFingerprinter(spec.template.command, names);
  const canonical = [...Array.from(spec.base.values(), canonicalJson), ...axes.map(() => "")];
  const firstAxis = spec.base.size;
  const points: SweepPoint[] = [];
  for (let index = 1; index <= count; index++) {
    const params = new Map(spec.base);
    let rest = index - 1;
    for (const [i, axis] of axes.entries()) {
      const at = Math.floor(rest / axis.stride);
      rest -= at * axis.stride;
      params.set(axis.name, axis.values[at] as ParamValue);
      canonical[firstAxis + i] = axis.canonical[at] as string;
    }
    points.push({ index, params, fingerprint: fingerprint(canonical) });
  }
  return points;
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
