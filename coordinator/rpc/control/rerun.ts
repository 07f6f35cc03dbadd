/** Rerun: one run once more, as a sweep of its own that knows what it repeats. Nothing that was done before stands for it. */

import type { RerunRequest, RerunResponse } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runId, sweepId } from "../../../shared/kernel/ids.ts";
import { isSubmitId, runRef, sweepRef } from "../../../shared/run/names.ts";
import { commandIdentity, createLeftOut, fingerprintOf } from "../../../shared/spec/canonical.ts";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { type RunPlace, rederive } from "../../../shared/spec/rederive.ts";
import { setValues } from "../../../shared/spec/set-values.ts";
import { commandProblem } from "../../../shared/spec/template.ts";
import type { Params } from "../../../shared/spec/types.ts";
import type { NewSweep } from "../../core/events.ts";
import type { RepeatableRun } from "../../store/queries/repeat.ts";
import type { Caller } from "../auth.ts";
import type { WriteDeps } from "./deps-write.ts";

/** Throws AppError for a reference that fails, a parameter that the run does not have, and a run of another program. */
export const rerun =
  (deps: WriteDeps) =>
  async (request: RerunRequest, caller: Caller): Promise<RerunResponse> => {
    if (!isSubmitId(request.submitId)) {
      throw new AppError("invalid", "submit_id must be 8 to 64 letters, digits, - or _", { id: "submit.id" });
    }
    const place = deps.queries.refs.resolveRun(request.ref);
    const before = required(deps.queries.repeatable(place.runId), "the run of a reference");
    const repeats = runRef(deps.queries.refs.sweep(before.sweepId).ref, before.index);
    const earlier = deps.submissions.find(request.submitId);
    if (earlier) return { sweep: sweepRef(earlier.name, earlier.number), repeats };
    if (deps.queries.imports.directory(place.runId) !== undefined) {
      throw new AppError("conflict", `${repeats} was imported: how to run it is not known`, { id: "rerun.imported" });
    }
    const set = setValues(before.params, request.set);
    const derived = before.identity?.params?.derived ?? [];
    const params = "problem" in set ? set : rederive(set.params, set.names, derived, placeOf(before));
    if ("problem" in params) {
      const { problem, hint } = params;
      throw new AppError("invalid", problem, { id: "rerun.set", hint });
    }
    const problem = commandProblem(before.shape.template, params, 1);
    if (problem !== undefined) throw new AppError("invalid", problem, { id: "spec.command" });
    const origin = deps.queries.origins.ofSweep(before.sweepId);
    const id = sweepId(`swp_${deps.newUlid()}`);
    const sweep: NewSweep = {
      ...newSweep(before, request.submitId),
      id,
      createdAt: deps.clock.wallMs(),
      origin: {
        originJson: origin?.code ? JSON.stringify(origin.code) : "",
        snapshot: origin?.snapshot ?? undefined,
        repeats: place.runId,
        resumes: request.resume,
      },
    };
    const run = {
      id: runId(`run_${deps.newUlid()}`),
      index: 1,
      shape: 0,
      priority: undefined,
      fingerprint: request.set.length === 0 ? before.fingerprint : fingerprintFor(before, params),
      paramsJson: paramsToJson(params),
    };
    const number = deps.submissions.nextNumber(sweep.name);
    await deps.engine.apply({ kind: "submit", sweep, number, runs: [run], by: caller.name });
    const made = required(deps.submissions.find(request.submitId), "the sweep that was submitted");
    return { sweep: sweepRef(made.name, made.number), repeats };
  };

function newSweep(before: RepeatableRun, submitId: string): Omit<NewSweep, "id" | "createdAt"> {
  const { name, project, description, tags, objective, identity, shape } = before;
  return {
    name,
    project,
    description,
    note: "",
    tags,
    shapes: [shape],
    hold: false,
    after: [],
    failuresMax: 0,
    gpuMsMax: 0,
    deadline: 0,
    submitId,
    total: 1,
    priority: 0,
    parallel: 0,
    shares: false,
    objective,
    sourcePath: "",
    sourceText: "",
    ...(identity && { identity }),
  };
}

/** What says which run it is goes on to name the run that is repeated. */
function placeOf({ index, name }: RepeatableRun): RunPlace {
  return { index, sweepName: name };
}

function fingerprintFor({ identity, shape }: RepeatableRun, params: Params): string {
  const { ignore = [], include = ["command"], code = "", env = "", data = "" } = identity ?? {};
  const isLeftOut = createLeftOut(ignore, identity?.params?.numbered ?? []);
  const counted = new Map([...params].filter(([name]) => !isLeftOut(name)));
  const work = {
    ...(include.includes("command") && commandIdentity(shape.template)),
    ...(include.includes("code") && code !== "" && { code }),
    ...(include.includes("env") && env !== "" && { env }),
    ...(include.includes("data") && data !== "" && { data }),
  };
  return fingerprintOf(work, counted);
}
