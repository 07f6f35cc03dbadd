/** Best: the leaderboard of a sweep. */
import type { BestRequest, BestResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { nearest } from "../../../shared/kernel/nearest.ts";
import { runToProto } from "../../../shared/wire/views.ts";
import type { Selection } from "../../store/queries/refs.ts";
import type { Objective } from "../../store/queries/sweeps.ts";
import type { ReadDeps } from "./deps.ts";

const ROWS_DEFAULT = 10;
const ROWS_MAX = 10_000;

/**
 * Metric and goal are those of the request, else of the sweep's objective. Throws AppError for a reference that fails,
 * where metric or goal are not known, and for a metric that no succeeded run has.
 */
export const best =
  (deps: ReadDeps) =>
  async (request: BestRequest): Promise<BestResponse> => {
    const [selection] = deps.queries.refs.resolve([request.ref || "last"]);
    if (!selection) throw new Error("a reference resolved to nothing");
    const objective = objectiveOf(request, selection, deps.queries.sweeps.objective(selection.sweepId));
    const { metric, goal } = objective;
    const limit = Math.min(request.limit > 0 ? request.limit : ROWS_DEFAULT, ROWS_MAX);
    const ranked = deps.queries.best.rank(selection, metric, goal, limit);
    if (ranked.length === 0) assertMetricKnown(deps, selection, metric);
    const rows = ranked.flatMap(({ runId, value, rank }) => {
      const run = deps.queries.runs.get(runId);
      return run ? [{ run: runToProto(run), value, rank }] : [];
    });
    return { metric, goal, rows };
  };

function objectiveOf(request: BestRequest, selection: Selection, declared: Objective | undefined): Objective {
  const metric = request.metric || declared?.metric;
  if (!metric) {
    throw new AppError("invalid", `${selection.ref} has no [objective]; say which metric to rank by`, {
      id: "best.no-metric",
      hint: `exp best ${selection.ref} --metric NAME --goal maximize`,
    });
  }
  const goal = request.goal || (metric === declared?.metric ? declared.goal : "");
  if (goal !== "maximize" && goal !== "minimize") {
    const problem = goal === "" ? `is a high or a low "${metric}" better?` : `"${goal}" is no goal`;
    throw new AppError("invalid", problem, { id: "best.goal", hint: "say --goal maximize or --goal minimize" });
  }
  return { metric, goal };
}

/** No row at all may just mean that nothing has succeeded yet: then the empty answer is right. */
function assertMetricKnown(deps: ReadDeps, selection: Selection, metric: string): void {
  const names = deps.queries.best.metricNames(selection);
  if (names.length === 0 || names.includes(metric)) return;
  const near = nearest(metric, names, 3);
  throw new AppError("not_found", `no succeeded run of ${selection.ref} logged "${metric}"`, {
    id: "best.unknown-metric",
    hint: near.length > 0 ? `did you mean ${near.join(", ")}?` : `it has ${names.slice(0, 8).join(", ")}`,
  });
}
