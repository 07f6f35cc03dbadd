/** [P] Curves of runs that belong together, as one: their mean, and how far apart they lie. */

import type { JsonValue } from "../../../shared/run/views.ts";
import { meanOf, summarise } from "../../../shared/stats/sample.ts";

export interface BandRun {
  readonly sweep: string;
  readonly params: { readonly [name: string]: JsonValue };
  /** Names of the parameters by which replicates of a point differ. */
  readonly replicates: readonly string[];
}

export interface BandGroup {
  /** What tells it from the other groups: "lr=0.1 width=32 (3)", with the number of its runs. */
  readonly label: string;
  /** Positions of its runs. */
  readonly members: readonly number[];
}

/** Replicates of a point of one sweep together, in order of first appearance. */
export function groupReplicates(runs: readonly BandRun[]): BandGroup[] {
  // Values as JSON: the text "1" is not the number. A parameter has a name, so the sweep stands under none.
  const facts = runs.map(
    ({ sweep, params, replicates }) =>
      new Map<string, string>([
        ["", JSON.stringify(sweep)],
        ...Object.entries(params)
          .filter(([name]) => !replicates.includes(name))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, JSON.stringify(value)] as const),
      ]),
  );
  const groups = Map.groupBy(facts.keys(), (i) => JSON.stringify([...(facts[i] ?? [])]));
  const names = [...new Set(facts.flatMap((each) => [...each.keys()]))];
  const telling = names.filter((name) => new Set(facts.map((each) => each.get(name))).size > 1);
  return [...groups.values()].map((members) => {
    const own = facts[members[0] ?? 0];
    const words = telling.flatMap((name) => {
      const value = own?.get(name);
      return value === undefined ? [] : [name === "" ? plain(value) : `${name}=${plain(value)}`];
    });
    const label = words.length > 0 ? words.join(" ") : plain(own?.get("") ?? '""');
    return { label: `${label} (${members.length})`, members };
  });
}

/** A text without its quotes, anything else as JSON. */
function plain(json: string): string {
  const value = JSON.parse(json) as JsonValue;
  return typeof value === "string" ? value : json;
}

export interface BandCurve {
  readonly xs: readonly number[];
  readonly ys: readonly (number | null)[];
}

export interface Band {
  readonly xs: readonly number[];
  readonly mean: readonly number[];
  /** Smallest and largest value, or one standard deviation of the sample below and above the mean. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export type Spread = "range" | "deviation";

/**
 * Over all xs of the curves, which ascend. A curve counts from its first to its last value, and between two of its points lies
 * on the line through them: curves that are cut to a screen have points at different xs.
 */
export function bandOf(curves: readonly BandCurve[], spread: Spread): Band {
  const known = curves.map(withoutGaps).filter(({ xs }) => xs.length > 0);
  const xs = [...new Set(known.flatMap((curve) => curve.xs))].sort((a, b) => a - b);
  const rows = known.map((curve) => along(curve, xs));
  const band = { xs, mean: [] as number[], low: [] as number[], high: [] as number[] };
  for (const i of xs.keys()) {
    const values = rows.flatMap((row) => row[i] ?? []);
    if (spread === "range") {
      band.mean.push(meanOf(values));
      band.low.push(Math.min(...values));
      band.high.push(Math.max(...values));
    } else {
      const { mean, deviation = 0 } = summarise(values);
      band.mean.push(mean);
      band.low.push(mean - deviation);
      band.high.push(mean + deviation);
    }
  }
  return band;
}

interface WholeCurve {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

/** Of several points at one x the last. */
function withoutGaps({ xs, ys }: BandCurve): WholeCurve {
  const points = new Map<number, number>();
  for (const [i, y] of ys.entries()) {
    const x = xs[i];
    if (x !== undefined && y !== null) points.set(x, y);
  }
  return { xs: [...points.keys()], ys: [...points.values()] };
}

/** Its values at `xs`, which ascend and have all of its own; undefined outside of it. */
function along(curve: WholeCurve, xs: readonly number[]): (number | undefined)[] {
  let at = 0;
  return xs.map((x) => {
    while ((curve.xs[at] ?? Number.POSITIVE_INFINITY) < x) at += 1;
    const [right, value] = [curve.xs[at], curve.ys[at]];
    if (right === x) return value;
    const [left, before] = [curve.xs[at - 1], curve.ys[at - 1]];
    if (right === undefined || value === undefined || left === undefined || before === undefined) return undefined;
    return before + ((value - before) * (x - left)) / (right - left);
  });
}
