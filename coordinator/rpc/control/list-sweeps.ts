/** ListSweeps: by submission; a limit keeps the newest. */
import type {
  ListSweepsRequest,
  ListSweepsResponse,
  Sweep as SweepMessage,
} from "../../../proto/gen/runner/v1/control.ts";
import type { SweepId } from "../../../shared/kernel/ids.ts";
import { sweepToProto } from "../../../shared/wire/views.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

/** Throws AppError for references that fail. */
export const listSweeps =
  (deps: ReadDeps) =>
  async (request: ListSweepsRequest): Promise<ListSweepsResponse> => {
    const limit = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    const found: SweepMessage[] = [];
    for (const selection of deps.queries.refs.newestFirst(request.refs)) {
      if (found.length >= limit) break;
      const sweep = deps.queries.sweeps.get(selection.sweepId);
      if (sweep)
        found.push({ ...sweepToProto(sweep), ...(request.progress && (await progressOf(deps, selection.sweepId))) });
      await yieldTurn();
    }
    return { sweeps: found.reverse() };
  };

async function progressOf({ sweepDetail }: ReadDeps, id: SweepId): Promise<Partial<SweepMessage>> {
  const detail = await sweepDetail?.(id);
  if (!detail) return {};
  const [value, ref] = [detail.bestOverTime.value.at(-1), detail.bestOverTime.ref.at(-1)];
  return {
    ...(value !== undefined && ref !== undefined && { bestValue: value, bestRef: ref }),
    ...(detail.etaMs !== null && { etaMs: detail.etaMs }),
  };
}
