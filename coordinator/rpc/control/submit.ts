/**
 * Submit: a sweep file becomes a sweep and its runs, whole or not at all, durable when the call returns. The runs of a large
 * one are written in slices, between which heartbeats are answered and runs are placed; they count for nothing before the
 * sweep itself is there.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { SubmitRequest, SubmitResponse } from "../../../proto/gen/runner/v1/control.ts";
import { withoutLarkSecrets } from "../../../shared/compat/lark.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type RunId, runId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import { requestKey } from "../../../shared/run/devices.ts";
import { isSubmitId, sweepRef } from "../../../shared/run/names.ts";
import { warningLine } from "../../../shared/spec/problems.ts";
import { newRun } from "../../core/apply-change.ts";
import type { RunRow } from "../../core/changes.ts";
import type { Event, NewRun, NewSweep } from "../../core/events.ts";
import { StagedWork } from "../../core/staged-work.ts";
import type { Caller } from "../auth.ts";
import { leave } from "../expand/expander.ts";
import { SLICE_POINTS } from "../expand/messages.ts";
import { originOf } from "./code-origin.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type ExpandedSource, expandSource } from "./expand-source.ts";

/** One submission at a time: a sweep's number, and whether its submit_id is new, are looked up before they are taken. */
export const submit = (deps: WriteDeps) => {
  let last: Promise<unknown> = Promise.resolve();
  return (request: SubmitRequest, caller: Caller): Promise<SubmitResponse> => {
    const answer = last.then(() => submitOne(deps, request, caller));
    last = answer.catch(() => undefined);
    return answer;
  };
};

async function submitOne(deps: WriteDeps, request: SubmitRequest, { name: by }: Caller): Promise<SubmitResponse> {
  if (!isSubmitId(request.submitId)) {
    throw new AppError("invalid", "submit_id must be 8 to 64 letters, digits, - or _", { id: "submit.id" });
  }
  const earlier = deps.submissions.find(request.submitId);
  if (earlier) return response(earlier);
  const expanded = await expandSource(deps, request.source, request.force);
  const sweep = await headOf(deps, request, expanded).catch(async (error: unknown) => {
    await leave(expanded.slices);
    throw error;
  });
  const isLarge = expanded.total > SLICE_POINTS;
  const event = isLarge ? await stagedEvent(deps, sweep, expanded) : await plainEvent(deps, sweep, expanded);
  await deps.engine.apply({ ...event, number: deps.submissions.nextNumber(sweep.name), by });
  const made = required(deps.submissions.find(request.submitId), "the sweep that was submitted");
  return { ...response(made), warnings: expanded.report.warnings.map(warningLine) };
}

async function headOf(deps: WriteDeps, request: SubmitRequest, expanded: ExpandedSource): Promise<NewSweep> {
  const origin = await originOf(deps, request, expanded.shapes);
  const id = sweepId(`swp_${deps.newUlid()}`);
  return { ...newSweep(deps, id, request, expanded), ...(origin && { origin }) };
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

type SubmitEvent = DistributiveOmit<Extract<Event, { kind: "submit" | "submit-staged" }>, "number">;
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

async function plainEvent(deps: WriteDeps, sweep: NewSweep, { slices }: ExpandedSource): Promise<SubmitEvent> {
  const runs: NewRun[] = [];
  for await (const slice of slices) {
    for (const { reusedFrom: _, waitsFor: _w, place: _p, ...point } of slice)
      runs.push({ id: newRunId(deps), ...point });
  }
  return { kind: "submit", sweep: { ...sweep, total: runs.length }, runs };
}

/** Writes the runs as they come. What memory will need of them is kept for the last step, and nothing else. */
async function stagedEvent(deps: WriteDeps, sweep: NewSweep, { slices }: ExpandedSource): Promise<SubmitEvent> {
  const work = new StagedWork(sweep.shapes.map(({ resources }) => requestKey(resources)));
  const decidedAt = deps.engine.cluster.workLog.end;
  let total = 0;
  deps.staging.begin(sweep.id);
  try {
    for await (const slice of slices) {
      const rows = slice.map(({ place: _, ...point }): RunRow => ({ id: newRunId(deps), ...point }));
      deps.staging.add(sweep, rows);
      total += rows.length;
      for (const row of rows) if (row.reusedFrom === undefined) work.add(newRun(sweep, row));
      await nextTurn();
    }
  } catch (error) {
    await dropStaged(deps, sweep.id);
    throw error;
  }
  return { kind: "submit-staged", sweep: { ...sweep, total }, work, reused: total - work.size, decidedAt };
}

async function dropStaged(deps: WriteDeps, id: SweepId): Promise<void> {
  while (deps.staging.drop(id, SLICE_POINTS)) await nextTurn();
}

function newRunId(deps: WriteDeps): RunId {
  return runId(`run_${deps.newUlid()}`);
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
    gpuMsMax: settings.gpuMs,
    deadline: settings.deadline,
    submitId: request.submitId,
    createdAt: deps.clock.wallMs(),
    total,
    priority: request.priority ?? settings.priority,
    parallel: settings.parallel,
    shares,
    objective: settings.objective,
    sourcePath: request.source?.path ?? "",
    sourceText: withoutLarkSecrets(request.source?.text ?? ""),
    identity,
    codeManifest,
    ...(settings.notify && { notify: settings.notify }),
    ...(settings.stop && { stop: settings.stop }),
  };
}
