/**
 * Submit: a sweep file becomes a sweep and its runs, whole or not at all, durable when the call returns. The runs of a large
 * one are written in slices, between which heartbeats are answered and runs are placed; they count for nothing before the
 * sweep itself is there.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SubmitRequest, SubmitResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import { sweepRef } from "../../../shared/run/names.ts";
import { warningLine } from "../../../shared/spec/problems.ts";
import type { NewSweep, StagedRun } from "../../core/events.ts";
import { SLICE_POINTS } from "../expand/messages.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, type ExpandedSource, expandSource } from "./expand-source.ts";

const SUBMIT_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** One submission at a time: a sweep's number, and whether its submit_id is new, are looked up before they are taken. */
export const submit = (deps: WriteDeps) => {
  let last: Promise<unknown> = Promise.resolve();
  return (request: SubmitRequest): Promise<SubmitResponse> => {
    const answer = last.then(() => submitOne(deps, request));
    last = answer.catch(() => undefined);
    return answer;
  };
};

async function submitOne(deps: WriteDeps, request: SubmitRequest): Promise<SubmitResponse> {
  if (!SUBMIT_ID.test(request.submitId)) {
    throw new AppError("invalid", "submit_id must be 8 to 64 letters, digits, - or _", { id: "submit.id" });
  }
  const earlier = deps.submissions.find(request.submitId);
  if (earlier) return response(earlier);
  const expanded = await expandSource(deps, request.source, request.force);
  const id = sweepId(`swp_${deps.newUlid()}`);
  const sweep = newSweep(deps, id, request, expanded);
  const kind = expanded.total > SLICE_POINTS ? "submit-staged" : "submit";
  const runs = kind === "submit" ? await rowsOf(deps, expanded) : await stagedRowsOf(deps, sweep, expanded);
  const number = deps.submissions.nextNumber(sweep.name);
  await deps.engine.apply({ kind, sweep: { ...sweep, total: runs.length }, number, runs });
  const made = required(deps.submissions.find(request.submitId), "the sweep that was submitted");
  return { ...response(made), warnings: expanded.report.warnings.map(warningLine) };
}

function response(made: { name: string; number: number; total: number; reused: number }): SubmitResponse {
  return {
    sweep: sweepRef(made.name, made.number),
    total: made.total,
    fresh: made.total - made.reused,
    reused: made.reused,
    warnings: [],
  };
}

async function rowsOf(deps: WriteDeps, { slices }: ExpandedSource): Promise<StagedRun[]> {
  const rows: StagedRun[] = [];
  for await (const slice of slices) for (const point of slice) rows.push(rowOf(deps, point, point.paramsJson));
  return rows;
}

/** Writes the runs as they come. What they hold besides parameters is kept for the last step. */
async function stagedRowsOf(deps: WriteDeps, sweep: NewSweep, { slices }: ExpandedSource): Promise<StagedRun[]> {
  const rows: StagedRun[] = [];
  deps.staging.begin(sweep.id);
  try {
    for await (const slice of slices) {
      const written = slice.map((point) => rowOf(deps, point, ""));
      const paramsJson = slice.map((point) => point.paramsJson);
      deps.staging.add(sweep, written, paramsJson);
      for (const row of written) rows.push(row);
      await nextTurn();
    }
    return rows;
  } catch (error) {
    await dropStaged(deps, sweep.id);
    throw error;
  }
}

async function dropStaged(deps: WriteDeps, id: SweepId): Promise<void> {
  while (deps.staging.drop(id, SLICE_POINTS)) await nextTurn();
}

function rowOf(deps: WriteDeps, point: DecidedPoint, paramsJson: string): StagedRun {
  return {
    id: runId(`run_${deps.newUlid()}`),
    index: point.index,
    shape: point.shape,
    group: point.group,
    priority: point.priority,
    fingerprint: point.fingerprint,
    paramsJson,
    reusedFrom: point.reusedFrom,
    waitsFor: point.waitsFor,
    imported: point.imported,
  };
}

function newSweep(
  deps: WriteDeps,
  id: SweepId,
  request: SubmitRequest,
  { settings, shapes, shares, total, identity, codeManifest }: ExpandedSource,
): NewSweep {
  return {
    id,
    name: settings.name,
    project: settings.project,
    description: settings.description,
    note: settings.note,
    tags: settings.tags,
    shapes,
    hold: settings.hold,
    after: settings.after.flatMap((ref) => deps.queries.refs.resolve([ref]).map((selection) => selection.sweepId)),
    failuresMax: settings.failures,
    submitId: request.submitId,
    createdAt: deps.clock.wallMs(),
    total,
    priority: request.priority ?? settings.priority,
    parallel: settings.parallel,
    shares,
    objective: settings.objective,
    sourcePath: request.source?.path ?? "",
    sourceText: request.source?.text ?? "",
    identity,
    codeManifest,
  };
}
