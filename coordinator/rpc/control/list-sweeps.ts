/** ListSweeps: by submission; a limit keeps the newest. */
import type { ListSweepsRequest, ListSweepsResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { SweepSummary } from "../../../shared/run/records.ts";
import { sweepToProto } from "../../../shared/wire/views.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

/** Throws AppError for references that fail. */
export const listSweeps =
  (deps: ReadDeps) =>
  async (request: ListSweepsRequest): Promise<ListSweepsResponse> => {
    const limit = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    const found: SweepSummary[] = [];
    for (const selection of deps.queries.refs.newestFirst(request.refs)) {
      if (found.length >= limit) break;
      const sweep = deps.queries.sweeps.get(selection.sweepId);
      if (sweep) found.push(sweep);
      await yieldTurn();
    }
    return { sweeps: found.reverse().map(sweepToProto) };
  };
