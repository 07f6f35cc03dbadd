/** GetRecord: where a sweep or a run came from, what it repeats, and what its attempts ran on. */
import type { GetRecordRequest, GetRecordResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { AttemptEnvironment } from "../../../shared/run/provenance.ts";
import type { StoredOrigin } from "../../store/origins.ts";
import type { ReadDeps } from "./deps.ts";

/** Throws AppError for a reference that fails, or that names more than a sweep or a run. */
export const getRecord =
  (deps: ReadDeps) =>
  async ({ ref }: GetRecordRequest): Promise<GetRecordResponse> => {
    const { refs, origins, sweeps } = deps.queries;
    const [selection] = refs.resolve([ref]);
    if (!selection) throw new AppError("not_found", `no sweep or run is called "${ref}"`, { id: "ref.unknown" });
    const { path, text } = sweeps.source(selection.sweepId);
    const origin = originFields(deps, origins.ofSweep(selection.sweepId));
    const common = { ...origin, sourcePath: path, sourceText: text };
    if (selection.picks === "all")
      return { ...common, repeatedBy: [], environments: [], tags: [], note: "", favourite: false };
    const { runId } = refs.resolveRun(ref);
    const { tags, note, favourite } = deps.queries.annotation(runId);
    return {
      ...common,
      repeatedBy: origins.repeatedBy(runId).flatMap((id) => refOf(deps, id)),
      environments: environmentsOf(deps, runId).map(({ attempt, environment }) => {
        return { attempt, environmentJson: JSON.stringify(environment) };
      }),
      tags: [...tags],
      note,
      favourite,
    };
  };

function originFields(deps: ReadDeps, origin: StoredOrigin | undefined) {
  return {
    originJson: origin?.code ? JSON.stringify(origin.code) : "",
    snapshot: origin?.snapshot?.hash ?? "",
    root: origin?.snapshot?.root ?? "",
    repeats: (origin?.repeats && refOf(deps, origin.repeats)[0]) ?? "",
  };
}

/** What the attempts of a run ran on: of the run whose result stands for this one. */
export function environmentsOf(deps: ReadDeps, id: RunId): AttemptEnvironment[] {
  const ran = deps.queries.runs.outputRun(id);
  const found = deps.queries.origins.environments(ran);
  return deps.queries.attempts.ofRun(ran).flatMap(({ number, fence }) => {
    const environment = found.get(fence);
    return environment ? [{ attempt: number, environment }] : [];
  });
}

/** The handle of a run; none where it is gone. */
export function refOf(deps: ReadDeps, id: RunId): string[] {
  const run = deps.queries.runs.get(id);
  return run ? [run.ref] : [];
}
