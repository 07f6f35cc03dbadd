/** Where a sweep or a run came from, as `--json` prints it. */
import type { GetRecordResponse } from "../proto/gen/runner/v1/control.ts";
import type { CodeOrigin, RunEnvironment } from "../shared/run/provenance.ts";
import type { RunOrigin, SweepOrigin } from "./render/show.ts";

export type RecordView = SweepOrigin;
export type RunRecordView = RunOrigin;

export function recordOf(response: GetRecordResponse): RecordView {
  const { originJson, snapshot, root, sourcePath } = response;
  return {
    code: originJson === "" ? null : (JSON.parse(originJson) as CodeOrigin),
    snapshot: snapshot === "" ? null : { hash: snapshot, root },
    source: sourcePath === "" ? null : sourcePath,
  };
}

export function runRecordOf(response: GetRecordResponse): RunRecordView {
  const { repeats, repeatedBy, environments, tags, note, favourite } = response;
  return {
    ...recordOf(response),
    repeats: repeats === "" ? null : repeats,
    repeatedBy,
    environments: environments.map(({ attempt, environmentJson }) => ({
      attempt,
      environment: JSON.parse(environmentJson) as RunEnvironment,
    })),
    tags,
    note,
    favourite,
  };
}
