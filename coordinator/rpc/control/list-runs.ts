/** ListRuns: the selected runs by submission and position, in portions. */
import type { ListRunsRequest, ListRunsResponse } from "../../../proto/gen/runner/v1/control.ts";
import { createRunCondition, type RunCondition } from "../../../shared/expression/run-condition.ts";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { runStateFromProto, runToProto } from "../../../shared/wire/views.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";
import { listedRuns } from "./get-run.ts";

const RUNS_PER_MESSAGE = 500;

/**
 * Throws AppError for references that fail, and for a `where` that cannot be read or that no run can answer. A limit
 * keeps the newest runs (of those that match).
 */
export const listRuns = (deps: ReadDeps) =>
  async function* (request: ListRunsRequest): AsyncGenerator<ListRunsResponse> {
    const states = request.states.map(runStateFromProto);
    const limit = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    const condition = request.where === "" ? undefined : createRunCondition(request.where, deps.clock.wallMs());
    const portions = condition
      ? await newestMatching(deps, request.refs, states, limit, condition)
      : await newestIds(deps, request.refs, states, limit);
    for (const ids of portions.reverse()) {
      for (let start = 0; start < ids.length; start += RUNS_PER_MESSAGE) {
        const runs = listedRuns(deps, ids.slice(start, start + RUNS_PER_MESSAGE));
        yield { runs: runs.map(runToProto) };
        await yieldTurn();
      }
    }
  };

/** Ids of each sweep by position, the newest sweep first. */
async function newestIds(
  deps: ReadDeps,
  refs: readonly string[],
  states: readonly RunState[],
  limit: number,
): Promise<RunId[][]> {
  const portions: RunId[][] = [];
  let left = limit;
  for (const selection of deps.queries.refs.newestFirst(refs)) {
    const ids = deps.queries.runs.ids(selection, { states, order: "desc", limit: left });
    if (ids.length > 0) portions.push(ids.reverse());
    left -= ids.length;
    if (left <= 0) break;
    await yieldTurn();
  }
  return portions;
}

/** As `newestIds`, of the runs that match. All are looked at before the first is sent, as a name may be in none. */
async function newestMatching(
  deps: ReadDeps,
  refs: readonly string[],
  states: readonly RunState[],
  limit: number,
  condition: RunCondition,
): Promise<RunId[][]> {
  const portions: RunId[][] = [];
  let left = limit;
  for (const selection of deps.queries.refs.newestFirst(refs)) {
    const ids = deps.queries.runs.ids(selection, { states, order: "desc" });
    const matching: RunId[] = [];
    for (let start = 0; start < ids.length && (left > 0 || condition.isUnsure()); start += RUNS_PER_MESSAGE) {
      const portion = ids.slice(start, start + RUNS_PER_MESSAGE);
      const runs = condition.needsReason ? listedRuns(deps, portion) : deps.queries.runs.getMany(portion);
      const found = runs.filter((run) => condition.matches(run)).map((run) => runId(run.id));
      matching.push(...found.slice(0, left));
      left -= Math.min(left, found.length);
      await yieldTurn();
    }
    if (matching.length > 0) portions.push(matching.reverse());
    if (left <= 0 && !condition.isUnsure()) break;
  }
  condition.finish();
  return portions;
}
