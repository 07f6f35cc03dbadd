/** GetRun: one run with its attempts, what happened to it, and what it was made from. */
import type { Attempt, GetRunRequest, GetRunResponse } from "../../../proto/gen/runner/v1/control.ts";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { describeOutcome, isTerminal } from "../../../shared/run/states.ts";
import { outcomeToProto, runToProto } from "../../../shared/wire/views.ts";
import { liveReason } from "../../core/explain.ts";
import type { AttemptRecord } from "../../store/queries/attempts.ts";
import type { ReadDeps } from "./deps.ts";

const EVENTS_MAX = 1_000;

/** Throws AppError for a reference that fails. */
export const getRun =
  (deps: ReadDeps) =>
  async (request: GetRunRequest): Promise<GetRunResponse> => {
    const place = deps.queries.refs.resolveRun(request.ref);
    const { templateJson = "{}", resourcesJson = "{}" } = deps.queries.runs.shape(place.runId) ?? {};
    return {
      run: runToProto(readRun(deps, place.runId)),
      attempts: deps.queries.attempts.everyRank(place.runId).map(attemptToProto),
      events: deps.queries.attempts.history(place.runId, EVENTS_MAX),
      templateJson,
      resourcesJson,
    };
  };

/** The run with what only memory and the file system know: why it waits, and where its results are. */
export function readRun(deps: ReadDeps, id: RunId): RunRecord {
  const run = deps.queries.runs.get(id, true);
  if (!run) throw new Error(`run ${id} was resolved and is not there`);
  return { ...withReason(deps, run), resultsDir: resultsDirOf(deps, id) };
}

/** The runs with why they wait. */
export function listedRuns(deps: ReadDeps, ids: readonly RunId[]): RunRecord[] {
  return deps.queries.runs.getMany(ids).map((run) => withReason(deps, run));
}

function withReason(deps: ReadDeps, run: RunRecord): RunRecord {
  const reason = isTerminal(run.state) ? "" : liveReason(deps.cluster, runId(run.id), deps.clock.wallMs());
  return reason === "" ? run : { ...run, reason };
}

function resultsDirOf(deps: ReadDeps, id: RunId): string {
  const output = deps.queries.runs.outputRun(id);
  // An imported run lies where it ran; only its parameters and points are here.
  const elsewhere = deps.queries.imports.directory(output);
  if (elsewhere !== undefined) return elsewhere;
  const last = deps.queries.attempts.ofRun(output).at(-1);
  return (last && deps.resultsDir(last.fence)) ?? "";
}

function attemptToProto(attempt: AttemptRecord): Attempt {
  return {
    number: attempt.number,
    fence: attempt.fence,
    node: attempt.node,
    devices: [...attempt.devices],
    state: attempt.outcome ? describeOutcome(attempt.outcome) : attempt.phase,
    outcome: attempt.outcome && outcomeToProto(attempt.outcome),
    assignedAt: attempt.assignedAt,
    startedAt: attempt.startedAt ?? 0,
    finishedAt: attempt.finishedAt ?? 0,
    sealed: attempt.sealed,
    rank: attempt.rank,
    nodes: attempt.nodes,
  };
}
