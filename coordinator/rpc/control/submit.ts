/** Submit: a sweep file becomes a sweep and its runs, whole or not at all, durable when the call returns. */
import type { SubmitRequest, SubmitResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runId, sweepId } from "../../../shared/kernel/ids.ts";
import { sweepRef } from "../../../shared/run/names.ts";
import type { NewRun, NewSweep } from "../../core/events.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type ExpandedSource, expandSource } from "./expand-source.ts";

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
  const expanded = expandSource(request.source, request.force, deps.submissions);
  const runs = expanded.points.map(({ point }): NewRun => {
    const id = runId(`run_${deps.newUlid()}`);
    return {
      id,
      index: point.index,
      shape: point.shape,
      group: point.group,
      priority: point.priority,
      fingerprint: point.fingerprint,
      paramsJson: point.paramsJson,
    };
  });
  const sweep = newSweep(deps, request, expanded);
  const number = deps.submissions.nextNumber(sweep.name);
  await deps.engine.apply({ kind: "submit", sweep, number, runs });
  return response(required(deps.submissions.find(request.submitId), "the sweep that was submitted"));
}

function response(made: { name: string; number: number; total: number; reused: number }): SubmitResponse {
  return {
    sweep: sweepRef(made.name, made.number),
    total: made.total,
    fresh: made.total - made.reused,
    reused: made.reused,
  };
}

function newSweep(deps: WriteDeps, request: SubmitRequest, { sweep, points }: ExpandedSource): NewSweep {
  const settings = sweep.sweep;
  return {
    id: sweepId(`swp_${deps.newUlid()}`),
    name: settings.name,
    project: settings.project,
    description: settings.description,
    note: settings.note,
    tags: settings.tags,
    shapes: sweep.shapes,
    hold: settings.hold,
    after: settings.after.flatMap((ref) => deps.queries.refs.resolve([ref]).map((selection) => selection.sweepId)),
    failuresMax: settings.failures,
    submitId: request.submitId,
    createdAt: deps.clock.wallMs(),
    total: points.length,
    priority: request.priority ?? settings.priority,
    parallel: settings.parallel,
    shares: !request.force && settings.rerun !== "all",
    objective: settings.objective,
    sourcePath: request.source?.path ?? "",
    sourceText: request.source?.text ?? "",
  };
}
