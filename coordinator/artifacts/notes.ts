/** What hosts tell of artifacts, on its way into the store: checked, and "stored" only where every content is there. */
import {
  type NoteArtifactsRequest,
  type NoteArtifactsResponse,
  type NotedArtifact,
  ArtifactVerdict as Verdict,
} from "../../proto/gen/runner/v1/store.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { type Fence, fence, type RunId } from "../../shared/kernel/ids.ts";
import {
  ARTIFACT_BYTES_MAX,
  ARTIFACT_FILES_MAX,
  ARTIFACTS_PER_ATTEMPT_MAX,
  artifactKind,
  isArtifactName,
} from "../../shared/run/artifacts.ts";
import { isContentHash } from "../../shared/run/snapshot.ts";
import { artifactStateFromProto } from "../../shared/wire/artifacts.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { folderProblem } from "../blobs/snapshot-check.ts";
import type { ArtifactNote, Artifacts } from "../store/artifacts.ts";

export interface ArtifactNotesOptions {
  readonly artifacts: Artifacts;
  readonly blobs: BlobStore;
  /** The artifacts of these runs are others now. */
  readonly changed: (runs: readonly RunId[]) => void;
}

const NOTES_PER_CALL_MAX = 1_000;
const REASON_CHARS_MAX = 500;

/**
 * The call; durable when it resolves. `isOwn`: whether who calls may speak of an attempt; nobody wants what it says of others.
 * Throws AppError for what no agent of ours sends.
 */
export function createArtifactNotes({ artifacts, blobs, changed }: ArtifactNotesOptions) {
  async function isWhole(note: ArtifactNote): Promise<boolean> {
    if (note.folder) return (await folderProblem(blobs, note.hash)) === undefined;
    return (await blobs.reserve(note.hash)) === note.sizeBytes;
  }

  return async (
    request: NoteArtifactsRequest,
    isOwn: (fence: Fence) => boolean = () => true,
  ): Promise<NoteArtifactsResponse> => {
    if (request.artifacts.length > NOTES_PER_CALL_MAX) {
      throw new AppError("exhausted", `at most ${NOTES_PER_CALL_MAX} artifacts in one call`, { id: "artifact.many" });
    }
    const notes = request.artifacts.map(noteOf);
    const verdicts: Verdict[] = [];
    const kept: ArtifactNote[] = [];
    for (const note of notes) {
      if (!isOwn(note.fence) || !artifacts.isWanted(note.fence)) verdicts.push(Verdict.ARTIFACT_VERDICT_UNWANTED);
      else if (note.state === "stored" && !(await isWhole(note))) verdicts.push(Verdict.ARTIFACT_VERDICT_MISSING);
      else {
        verdicts.push(Verdict.ARTIFACT_VERDICT_KEPT);
        kept.push(note);
      }
    }
    const runs = artifacts.note(kept);
    if (runs.length > 0) changed(runs);
    return { verdicts };
  };
}

function noteOf(message: NotedArtifact): ArtifactNote {
  const { name, kind, seq, step, hash, sizeBytes, files, reason, at } = message;
  const state = artifactStateFromProto(message.state);
  const isKnown = hash !== "" || state !== "stored";
  const isRight =
    isArtifactName(name) &&
    artifactKind(kind) === kind &&
    Number.isInteger(seq) &&
    seq >= 0 &&
    seq <= ARTIFACTS_PER_ATTEMPT_MAX &&
    (step === undefined || Number.isFinite(step)) &&
    (hash === "" || isContentHash(hash)) &&
    sizeBytes >= 0 &&
    sizeBytes <= ARTIFACT_BYTES_MAX &&
    files >= 0 &&
    files <= ARTIFACT_FILES_MAX;
  if (state === "removed" || !isKnown || !isRight) {
    throw new AppError("invalid", `this is no artifact: ${JSON.stringify(name.slice(0, 100))}`, {
      id: "artifact.form",
    });
  }
  const { folder } = message;
  const fields = { seq, name, kind, step, folder, sizeBytes, files, hash, state, at };
  return { ...fields, fence: fence(message.fence), reason: reason.slice(0, REASON_CHARS_MAX) };
}
