/** Pause: queued runs are held until somebody lets them go. */

import type { PauseRequest, PauseResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { Caller } from "../auth.ts";
import { changeRuns, namedRuns, type WriteDeps } from "./deps-write.ts";

export const pause =
  (deps: WriteDeps) =>
  async (request: PauseRequest, { name }: Caller): Promise<PauseResponse> => {
    const runIds = namedRuns(deps.queries, request.refs);
    const rows = await changeRuns(deps.engine, runIds, (some) => ({ kind: "pause", runIds: some, by: name }));
    const held = rows.filter(({ state }) => state === "held").length;
    return { held, running: rows.length - held, unchanged: runIds.length - rows.length };
  };
