/** [P] What a command line says over one of EXP's files: its name, how many of its runs, and whether they wait. */
import { nameProblem } from "../run/names.ts";
import type { SpecOverrides } from "../spec/overrides.ts";
import type { SpecProblem } from "../spec/problems.ts";
import type { ExpandedSweep, SweepPoint } from "../spec/types.ts";

/** The sweep with them, or why not: there are no parameters that `--set` and `--where` could be about. */
export function withExpOverrides(
  sweep: ExpandedSweep,
  { set, where, limit, name, hold }: SpecOverrides,
): { sweep: ExpandedSweep } | { problems: SpecProblem[] } {
  if (set.length + where.length > 0) {
    const message = "--set and --where are for sweep files, and this is one of EXP's";
    return { problems: [{ id: "spec.set", message, hint: "exp convert FILE makes a sweep file of it" }] };
  }
  const wrong = name === undefined ? undefined : nameProblem(name);
  if (wrong !== undefined) return { problems: [{ id: "spec.value", message: `the name of the sweep ${wrong}` }] };
  const total = Math.min(sweep.total, limit ?? sweep.total);
  const settings = {
    ...sweep.sweep,
    ...(name !== undefined && { name }),
    ...(limit !== undefined && { runsMax: limit }),
    hold: hold || sweep.sweep.hold,
  };
  const report = { ...sweep.report, cut: sweep.total - total };
  const points = { [Symbol.iterator]: () => firstOf(sweep.points, total) };
  return { sweep: { ...sweep, sweep: settings, points, total, report } };
}

function* firstOf(points: Iterable<SweepPoint>, total: number): Generator<SweepPoint> {
  for (const point of points) {
    if (point.index > total) return;
    yield point;
  }
}
