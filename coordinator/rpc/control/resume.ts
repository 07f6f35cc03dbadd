/** Resume: held runs go back to the queue, whatever held them. */

import type { ResumeRequest, ResumeResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { Caller } from "../auth.ts";
import { changeRuns, namedRuns, type WriteDeps } from "./deps-write.ts";

export const resume =
  (deps: WriteDeps) =>
  async (request: ResumeRequest, { name }: Caller): Promise<ResumeResponse> => {
    const runIds = namedRuns(deps.queries, request.refs);
    const rows = await changeRuns(deps.engine, runIds, (some) => ({ kind: "resume", runIds: some, by: name }));
    const changed = new Set(rows.map(({ runId }) => runId)).size;
    return { queued: changed, unchanged: runIds.length - changed };
  };
