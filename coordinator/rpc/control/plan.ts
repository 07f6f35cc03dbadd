/** Plan: what Submit would do, without doing it. */
import type { PlanRequest, PlanResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { runRef } from "../../../shared/run/names.ts";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { shownArgv } from "../../../shared/spec/shown-command.ts";
import type { SweepSpec } from "../../../shared/spec/types.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, expandSource } from "./expand-source.ts";

const SHOW_MAX = 1000;

export const plan =
  (deps: WriteDeps) =>
  async (request: PlanRequest): Promise<PlanResponse> => {
    const { spec, points } = expandSource(request.source, request.force, deps.submissions);
    const reused = points.filter(({ reusedFrom }) => reusedFrom !== undefined).length;
    const axes = [...spec.grid].map(([key, values]) => ({ key, size: values.length }));
    if (spec.seeds) axes.push({ key: "seed", size: spec.seeds.length });
    return {
      name: spec.name,
      total: points.length,
      fresh: points.length - reused,
      reused,
      axes,
      points: points.slice(0, Math.min(request.show, SHOW_MAX)).map((decided) => planPoint(deps, spec, decided)),
    };
  };

function planPoint(deps: WriteDeps, spec: SweepSpec, { point, reusedFrom }: DecidedPoint) {
  const run = { id: "run_…", name: runRef(spec.name, point.index), index: point.index, sweep: spec.name };
  return {
    index: point.index,
    paramsJson: paramsToJson(point.params),
    argv: [...shownArgv(spec.template, point.params, { ...run, gpus: spec.resources.gpus })],
    reusedFrom:
      reusedFrom === undefined ? "" : required(deps.queries.runs.get(reusedFrom), "the run that was reused").ref,
  };
}
