/** An artifact of the journal as it is told to the coordinator. */
import type { NotedArtifact } from "../../proto/gen/runner/v1/store.ts";
import type { ArtifactState } from "../../shared/run/artifacts.ts";
import { artifactStateToProto } from "../../shared/wire/artifacts.ts";
import type { ArtifactPhase, ArtifactRow } from "./row.ts";

const STATES: { readonly [phase in ArtifactPhase]: Exclude<ArtifactState, "removed"> } = {
  found: "pending",
  staged: "pending",
  sent: "stored",
  failed: "failed",
};

export function noteOf(row: ArtifactRow): NotedArtifact {
  const { fence, seq, name, kind, step, folder, sizeBytes, files, hash, phase, reason, at } = row;
  return {
    fence,
    seq,
    name,
    kind,
    step,
    folder,
    sizeBytes,
    files,
    hash,
    state: artifactStateToProto(STATES[phase]),
    reason,
    at,
  };
}
