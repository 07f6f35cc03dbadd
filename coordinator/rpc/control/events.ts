/** Events: what happened, the oldest of the wanted ones first, and on request what happens from now on. */
import type { EventsRequest, EventsResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { HistoryView } from "../../../shared/run/dashboard.ts";
import type { EventFilter } from "../../store/queries/history.ts";
import { awaitNews, pause, yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

const LIMIT_DEFAULT = 1_000;
const LIMIT_MAX = 100_000;
const EVENTS_PER_MESSAGE = 500;
const INTERVAL_MS = 200;

/** Throws AppError for a reference that fails. A follower ends silently on abort. */
export const events = (deps: ReadDeps) =>
  async function* (request: EventsRequest, signal: AbortSignal): AsyncGenerator<EventsResponse> {
    const filter = { ...historyOf(deps, request.ref), node: request.node || undefined, kinds: request.kinds };
    const limit = Math.min(request.limit > 0 ? request.limit : LIMIT_DEFAULT, LIMIT_MAX);
    const waiter = awaitNews(deps.feed, signal, (news) => news.nodes || news.sweeps.size > 0 || news.runs.size > 0);
    try {
      let first = await newest(deps, filter, limit, request.after, request.since);
      let last = request.after;
      do {
        last = first.at(-1)?.seq ?? last;
        for (let start = 0; start < first.length; start += EVENTS_PER_MESSAGE) {
          yield { events: first.slice(start, start + EVENTS_PER_MESSAGE).map(eventToProto) };
        }
        if (!request.follow) return;
        await pause(INTERVAL_MS, signal);
        await waiter.next();
        if (!signal.aborted) first = await newest(deps, filter, LIMIT_MAX, last, request.since);
      } while (!signal.aborted);
    } finally {
      waiter.close();
    }
  };

type Wanted = Pick<EventFilter, "run" | "sweep" | "node" | "kinds">;

/** The last `limit` events after number `after` and not before `sinceMs`, the oldest first. */
async function newest(deps: ReadDeps, wanted: Wanted, limit: number, after: number, sinceMs: number) {
  const found: HistoryView[] = [];
  let before: number | undefined;
  for (;;) {
    const size = Math.min(EVENTS_PER_MESSAGE, limit - found.length);
    const page = size === 0 ? [] : deps.queries.history.events({ ...wanted, before, limit: size });
    const fitting = page.filter(({ seq, at }) => seq > after && at >= sinceMs);
    found.push(...fitting);
    // Numbers and times grow together, so the first that is too old ends it.
    if (fitting.length < EVENTS_PER_MESSAGE) return found.reverse();
    before = page.at(-1)?.seq;
    await yieldTurn();
  }
}

/** Whose history is meant: a whole sweep's or one run's; everything's for "". */
export function historyOf(deps: ReadDeps, ref: string): Pick<EventFilter, "run" | "sweep"> {
  if (ref === "") return {};
  const [selection] = deps.queries.refs.resolve([ref]);
  if (selection?.picks === "all" && selection.total > 1) return { sweep: selection.sweepId };
  return { run: deps.queries.refs.resolveRun(ref).runId };
}

function eventToProto({ seq, at, kind, run, node, text, by }: HistoryView): EventsResponse["events"][number] {
  return { seq, at, kind, run: run ?? "", node: node ?? "", text, by: by ?? "" };
}
