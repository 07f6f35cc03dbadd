/** Plan: what Submit would do, without doing it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PlanPoint, PlanRequest, PlanResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { runRef } from "../../../shared/run/names.ts";
import { paramsFromJson } from "../../../shared/spec/params-json.ts";
import { warningLine } from "../../../shared/spec/problems.ts";
import { shownArgv } from "../../../shared/spec/shown-command.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, type ExpandedSource, expandSource } from "./expand-source.ts";
import { watchForMissed } from "./imported-work.ts";

const SHOW_MAX = 1000;

export const plan =
  (deps: WriteDeps) =>
  async (request: PlanRequest): Promise<PlanResponse> => {
    const expanded = await expandSource(deps, request.source, request.force);
    const show = Math.min(request.show, SHOW_MAX);
    const points: PlanPoint[] = [];
    let total = 0;
    let reused = 0;
    const missed = watchForMissed(expanded.settings, deps.submissions.imports);
    for await (const slice of expanded.slices) {
      for (const point of slice) {
        total += 1;
        if (point.reusedFrom !== undefined) reused += 1;
        else missed.look(point.paramsJson);
        if (points.length < show) points.push(planPoint(deps, expanded, point));
      }
      await nextTurn();
    }
    return {
      name: expanded.settings.name,
      total,
      fresh: total - reused,
      reused,
      axes: expanded.report.axes.map(({ key, size }) => ({ key, size })),
      points,
      warnings: [...expanded.report.warnings.map(warningLine), ...[missed.hint() ?? []].flat()],
    };
  };

function planPoint(deps: WriteDeps, { settings, shapes }: ExpandedSource, point: DecidedPoint): PlanPoint {
  const { index, reusedFrom } = point;
  const run = { id: "run_…", name: runRef(settings.name, index), index, sweep: settings.name };
  const { template, resources } = required(shapes[point.shape], "the shape of a point");
  const params = paramsFromJson(point.paramsJson);
  return {
    index,
    paramsJson: point.paramsJson,
    argv: [...shownArgv(template, params, { ...run, gpus: resources.gpus })],
    reusedFrom:
      reusedFrom === undefined ? "" : required(deps.queries.runs.get(reusedFrom), "the run that was reused").ref,
  };
}
