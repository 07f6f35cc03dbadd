/** Plan: what Submit would do, without doing it. */
import type { PlanRequest, PlanResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { runRef } from "../../../shared/run/names.ts";
import { shownArgv } from "../../../shared/spec/shown-command.ts";
import type { ExpandedSweep } from "../../../shared/spec/types.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, expandSource } from "./expand-source.ts";

const SHOW_MAX = 1000;

export const plan =
  (deps: WriteDeps) =>
  async (request: PlanRequest): Promise<PlanResponse> => {
    const { sweep, points } = expandSource(request.source, request.force, deps.submissions);
    const reused = points.filter(({ reusedFrom }) => reusedFrom !== undefined).length;
    const axes = sweep.report.axes.map(({ key, size }) => ({ key, size }));
    return {
      name: sweep.sweep.name,
      total: points.length,
      fresh: points.length - reused,
      reused,
      axes,
      points: points.slice(0, Math.min(request.show, SHOW_MAX)).map((decided) => planPoint(deps, sweep, decided)),
    };
  };

function planPoint(deps: WriteDeps, { sweep, shapes }: ExpandedSweep, { point, reusedFrom }: DecidedPoint) {
  const { template, resources } = required(shapes[point.shape], "the shape of a point");
  const run = { id: "run_…", name: runRef(sweep.name, point.index), index: point.index, sweep: sweep.name };
  return {
    index: point.index,
    paramsJson: point.paramsJson,
    argv: [...shownArgv(template, point.params, { ...run, gpus: resources.gpus })],
    reusedFrom:
      reusedFrom === undefined ? "" : required(deps.queries.runs.get(reusedFrom), "the run that was reused").ref,
  };
}
