/** Plan: what Submit would do, and why, without doing it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type {
  PlanPoint,
  PlanReason,
  PlanRequest,
  PlanResponse,
  PlanSteps,
} from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { runRef } from "../../../shared/run/names.ts";
import { paramsFromJson } from "../../../shared/spec/params-json.ts";
import { warningLine } from "../../../shared/spec/problems.ts";
import { shownArgv, shownImage } from "../../../shared/spec/shown-command.ts";
import type { ExpansionReport } from "../../../shared/spec/types.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, type ExpandedSource, expandSource } from "./expand-source.ts";
import { watchForMissed } from "./imported-work.ts";
import { EXPLAINED_MAX, planReasons } from "./plan-reasons.ts";
import { planEstimate, planNeeds } from "./plan-room.ts";

const SHOW_MAX = 1000;

export const plan =
  (deps: WriteDeps) =>
  async (request: PlanRequest): Promise<PlanResponse> => {
    const source = await expandSource(deps, request.source, request.force);
    const counted = await count(deps, source, Math.min(request.show, SHOW_MAX));
    const { report, settings } = source;
    const { cluster } = deps.engine;
    const { past } = deps.queries;
    const needs = planNeeds(cluster, source, counted.freshByShape);
    return {
      name: settings.name,
      total: counted.total,
      fresh: counted.total - counted.reused,
      reused: counted.reused,
      axes: report.axes.map(({ key, size, step, variant }) => ({ key, size, step, variant: variant ?? 0 })),
      points: counted.points,
      waiting: counted.waiting,
      waitingFor: counted.waitingFor,
      failedBefore: counted.failedBefore,
      failedExample: counted.failedExample,
      reasons: await reasons(deps, source, counted),
      where: report.where.map(({ condition, dropped }) => ({ condition, dropped })),
      steps: stepsMessage(report, source.leftOut()),
      needs,
      estimate: planEstimate(cluster, past, source, needs),
      rerun: request.force ? "all" : settings.rerun,
      warnings: [...report.warnings.map(warningLine), ...missedImports(deps, source, counted)],
    };
  };

function stepsMessage(report: ExpansionReport, leftOut: number): PlanSteps {
  const { product, duplicates, cut, steps, order, shuffleSeed } = report;
  return { product, duplicates, cut, leftOut, taken: [...steps], order, shuffleSeed };
}

/** What somebody who has just imported work may have expected to be reused. */
function missedImports(deps: WriteDeps, { settings, params }: ExpandedSource, { unexplained }: Counted): string[] {
  const missed = watchForMissed(settings, params, deps.submissions.imports);
  for (const { paramsJson } of unexplained) missed.look(paramsJson);
  const hint = missed.hint();
  return hint === undefined ? [] : [hint];
}

interface Counted {
  total: number;
  reused: number;
  /** New, and done by another run right now. */
  waiting: number;
  /** Handle of one of those. */
  waitingFor: string;
  failedBefore: number;
  failedExample: string;
  readonly freshByShape: Map<number, number>;
  readonly points: PlanPoint[];
  /** New ones that nobody does or has failed at: the first of them. */
  readonly unexplained: DecidedPoint[];
}

async function count(deps: WriteDeps, source: ExpandedSource, show: number): Promise<Counted> {
  const counted: Counted = {
    total: 0,
    reused: 0,
    waiting: 0,
    waitingFor: "",
    failedBefore: 0,
    failedExample: "",
    freshByShape: new Map(),
    points: [],
    unexplained: [],
  };
  for await (const slice of source.slices) {
    for (const point of slice) countPoint(deps, source, counted, point, show);
    await nextTurn();
  }
  return counted;
}

function countPoint(
  deps: WriteDeps,
  source: ExpandedSource,
  counted: Counted,
  point: DecidedPoint,
  show: number,
): void {
  counted.total += 1;
  if (counted.points.length < show) counted.points.push(planPoint(deps, source, point));
  if (point.reusedFrom !== undefined) {
    counted.reused += 1;
    return;
  }
  if (point.waitsFor !== undefined) {
    counted.waiting += 1;
    counted.waitingFor ||= refOf(deps, point.waitsFor);
    return;
  }
  counted.freshByShape.set(point.shape, (counted.freshByShape.get(point.shape) ?? 0) + 1);
  const failed = source.shares ? deps.engine.cluster.failed.get(point.fingerprint) : undefined;
  if (failed !== undefined) {
    counted.failedBefore += 1;
    counted.failedExample ||= refOf(deps, failed);
  } else if (counted.unexplained.length < EXPLAINED_MAX) {
    counted.unexplained.push(point);
  }
}

async function reasons(deps: WriteDeps, source: ExpandedSource, counted: Counted): Promise<PlanReason[]> {
  return await planReasons(deps.queries.past, source, counted.unexplained);
}

function refOf(deps: WriteDeps, id: RunId): string {
  return deps.queries.runs.get(id)?.ref ?? id;
}

function planPoint(deps: WriteDeps, { settings, shapes }: ExpandedSource, point: DecidedPoint): PlanPoint {
  const { index, reusedFrom, waitsFor } = point;
  const { template, resources } = required(shapes[point.shape], "the shape of a point");
  const name = runRef(settings.name, index);
  const run = { id: "run_…", name, index, sweep: settings.name, gpus: resources.gpus };
  const params = paramsFromJson(point.paramsJson);
  return {
    index,
    paramsJson: point.paramsJson,
    argv: [...shownArgv(template, params, run)],
    image: shownImage(template, params, run) ?? "",
    reusedFrom: reusedFrom === undefined ? "" : refOf(deps, reusedFrom),
    waitsFor: waitsFor === undefined ? "" : refOf(deps, waitsFor),
  };
}
