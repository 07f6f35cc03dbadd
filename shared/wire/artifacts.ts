/** [P] Artifacts between the protocol and the words of both sides. */
import { ArtifactState as ArtifactStateMessage } from "../../proto/gen/runner/v1/common.ts";
import type { Artifact } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../kernel/errors.ts";
import { ARTIFACT_STATES, type ArtifactState, type ArtifactView } from "../run/artifacts.ts";

const STATES = {
  pending: ArtifactStateMessage.ARTIFACT_STATE_PENDING,
  stored: ArtifactStateMessage.ARTIFACT_STATE_STORED,
  failed: ArtifactStateMessage.ARTIFACT_STATE_FAILED,
  removed: ArtifactStateMessage.ARTIFACT_STATE_REMOVED,
} as const satisfies Record<ArtifactState, ArtifactStateMessage>;

export function artifactStateToProto(state: ArtifactState): ArtifactStateMessage {
  return STATES[state];
}

/** Throws AppError for a state that this version does not know. */
export function artifactStateFromProto(message: ArtifactStateMessage): ArtifactState {
  const state = ARTIFACT_STATES.find((one) => STATES[one] === message);
  if (state) return state;
  throw new AppError("invalid", `this version cannot read the state ${message} of an artifact`, {
    id: "wire.unreadable",
  });
}

export function artifactToProto(view: ArtifactView): Artifact {
  const { id, run, attempt, node, name, kind, step, folder, sizeBytes, files, hash, state, reason, at, path } = view;
  const rest = { id, run, attempt, node, name, kind, folder, sizeBytes, files, hash, reason, at, path };
  return { ...rest, step: step ?? undefined, state: STATES[state] };
}

export function artifactFromProto(message: Artifact): ArtifactView {
  return { ...message, step: message.step ?? null, state: artifactStateFromProto(message.state) };
}
