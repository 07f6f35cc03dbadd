/** Cancel: what does not run yet ends now; what runs is told to stop. */

import type { CancelRequest, CancelResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { Caller } from "../auth.ts";
import { namedRuns, type WriteDeps } from "./deps-write.ts";

export const cancel =
  (deps: WriteDeps) =>
  async (request: CancelRequest, { name }: Caller): Promise<CancelResponse> => {
    const runIds = namedRuns(deps.queries, request.refs);
    const changes = await deps.engine.apply({ kind: "cancel", runIds, by: name });
    let cancelled = 0;
    let stopping = 0;
    for (const change of changes) {
      if (change.kind !== "run-changed") continue;
      if (change.row.state === "cancelled") cancelled += 1;
      else stopping += 1;
    }
    return { cancelled, stopping, unchanged: runIds.length - cancelled - stopping };
  };
