/** ListRuns: the selected runs by submission and position, in portions. */
import type { ListRunsRequest, ListRunsResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { runStateFromProto, runToProto } from "../../../shared/wire/views.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";
import { listedRuns } from "./get-run.ts";

const RUNS_PER_MESSAGE = 500;

/** Throws AppError for references that fail. A limit keeps the newest runs. */
export const listRuns = (deps: ReadDeps) =>
  async function* (request: ListRunsRequest): AsyncGenerator<ListRunsResponse> {
    const states = request.states.map(runStateFromProto);
    const limit = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    const portions = await newestIds(deps, request.refs, states, limit);
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
