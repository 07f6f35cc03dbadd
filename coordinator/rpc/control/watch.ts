/** Watch: how the named runs stand, at once and at each change, until all have ended and their output is stored whole. */
import type { WatchRequest, WatchResponse } from "../../../proto/gen/runner/v1/control.ts";
import { TERMINAL_STATES } from "../../../shared/run/states.ts";
import type { Selection } from "../../store/queries/refs.ts";
import type { Progress } from "../../store/queries/sweeps.ts";
import { awaitNews, pause } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

const INTERVAL_MS = 200;
/** A look may take at most this share of the time: large selections are looked at less often. */
const DUTY = 0.05;

/** Throws AppError for references that fail. Without references: the last sweep. Ends silently on abort. */
export const watch = (deps: ReadDeps) =>
  async function* (request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const selections = deps.queries.refs.resolve(request.refs.length > 0 ? request.refs : ["last"]);
    const sweeps = new Set(selections.map(({ sweepId }) => sweepId));
    const waiter = awaitNews(deps.feed, signal, (news) => [...sweeps].some((id) => news.sweeps.has(id)));
    try {
      let shown = "";
      while (!signal.aborted) {
        const started = deps.clock.monotonicMs();
        const response = look(deps, selections);
        const lookMs = deps.clock.monotonicMs() - started;
        const text = JSON.stringify(response);
        if (text !== shown) yield response;
        shown = text;
        if (response.done) return;
        await pause(Math.max(INTERVAL_MS, lookMs / DUTY), signal);
        await waiter.next();
      }
    } finally {
      waiter.close();
    }
  };

function look(deps: ReadDeps, selections: readonly Selection[]): WatchResponse {
  let total = 0;
  let catchingUp = 0;
  const counts: { [state: string]: number } = {};
  for (const selection of selections) {
    const progress: Progress = deps.queries.sweeps.progress(selection);
    total += progress.total;
    catchingUp += progress.catchingUp;
    for (const [state, runs] of Object.entries(progress.counts)) counts[state] = (counts[state] ?? 0) + runs;
  }
  const ended = TERMINAL_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return { total, counts, catchingUp, done: ended === total && catchingUp === 0, ...bestSoFar(deps, selections) };
}

function bestSoFar(
  deps: ReadDeps,
  selections: readonly Selection[],
): Pick<WatchResponse, "bestRef" | "bestValue" | "bestMetric"> {
  const [selection, other] = selections;
  // Values of different sweeps are not comparable.
  const objective = selection && !other ? deps.queries.sweeps.objective(selection.sweepId) : undefined;
  if (!selection || !objective) return { bestRef: "", bestValue: 0, bestMetric: "" };
  const [first] = deps.queries.best.rank(selection, objective, 1);
  const run = first && deps.queries.runs.get(first.runId);
  return { bestRef: run?.ref ?? "", bestValue: first?.value ?? 0, bestMetric: objective.metric };
}
