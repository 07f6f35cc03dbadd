/** Edit: what may be changed of runs that are not over, which is their priority. */
import type { EditRequest, EditResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { PRIORITY_MAX } from "../../../shared/run/limits.ts";
import { changeRuns, namedRuns, type WriteDeps } from "./deps-write.ts";

export const edit =
  (deps: WriteDeps) =>
  async (request: EditRequest): Promise<EditResponse> => {
    const { priority } = request;
    if (priority === undefined) {
      throw new AppError("invalid", "nothing is to be changed", { id: "edit.nothing", hint: "say --priority N" });
    }
    if (Math.abs(priority) > PRIORITY_MAX) {
      const limit = PRIORITY_MAX.toLocaleString("en");
      throw new AppError("invalid", `priority ${priority} is not from -${limit} to ${limit}`, { id: "edit.priority" });
    }
    const runIds = namedRuns(deps.queries, request.refs);
    const rows = await changeRuns(deps.engine, runIds, (some) => ({ kind: "edit", runIds: some, priority }));
    return { changed: rows.length, unchanged: runIds.length - rows.length };
  };
