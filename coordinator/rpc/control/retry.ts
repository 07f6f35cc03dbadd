/** Retry: failed, cancelled and skipped runs go back to the queue, held ones are let go. */

import type { RetryRequest, RetryResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { Caller } from "../auth.ts";
import { namedRuns, type WriteDeps } from "./deps-write.ts";

export const retry =
  (deps: WriteDeps) =>
  async (request: RetryRequest, { name }: Caller): Promise<RetryResponse> => {
    const runIds = namedRuns(deps.queries, request.refs, request.failedOnly ? ["failed"] : []);
    const terminal = runIds.flatMap((id) => deps.loadTerminalRun(id) ?? []);
    const changes = await deps.engine.apply({ kind: "retry", runIds, terminal, by: name });
    const requeued = changes.filter(({ kind }) => kind === "run-changed" || kind === "run-revived").length;
    return { requeued, unchanged: runIds.length - requeued };
  };
