/** Why: the one line that says where a run stands, and what each node says to it. */
import type { WhyRequest, WhyResponse } from "../../../proto/gen/runner/v1/control.ts";
import { describeRequest, requestFromJson } from "../../../shared/run/devices.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { runToProto } from "../../../shared/wire/views.ts";
import { explain } from "../../core/explain.ts";
import type { ReadDeps } from "./deps.ts";
import { readRun } from "./get-run.ts";

/** Throws AppError for a reference that fails. */
export const why =
  (deps: ReadDeps) =>
  async (request: WhyRequest): Promise<WhyResponse> => {
    const place = deps.queries.refs.resolveRun(request.ref);
    const run = readRun(deps, place.runId);
    const explanation = explain(deps.cluster, place.runId, deps.clock.wallMs());
    if (explanation) {
      return { run: runToProto(run), ...explanation, nodes: explanation.nodes.map((node) => ({ ...node })) };
    }
    const { resourcesJson = "{}" } = deps.queries.runs.shape(place.runId) ?? {};
    return {
      run: runToProto(run),
      reason: endReason(run),
      needs: describeRequest(requestFromJson(resourcesJson)),
      nodes: [],
      ahead: 0,
    };
  };

function endReason(run: RunRecord): string {
  const where = run.node === undefined ? "" : ` on ${run.node}`;
  return run.reason === "" ? `${run.state}${where}` : `${run.state}${where}: ${run.reason}`;
}
