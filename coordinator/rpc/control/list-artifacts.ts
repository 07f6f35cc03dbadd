/** ListArtifacts: what the selected runs keep of their files, in the order of the runs. A reused run has those of its origin. */
import type { ListArtifactsRequest, ListArtifactsResponse } from "../../../proto/gen/runner/v1/control.ts";
import { artifactToProto } from "../../../shared/wire/artifacts.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

const ARTIFACTS_PER_MESSAGE = 500;

/** Throws AppError for a reference that fails. */
export const listArtifacts = (deps: ReadDeps) =>
  async function* ({ ref, attempt }: ListArtifactsRequest): AsyncGenerator<ListArtifactsResponse> {
    const { refs, runs, artifacts } = deps.queries;
    for (const selection of refs.resolve([ref])) {
      for (const id of runs.ids(selection, { states: [], order: "asc" })) {
        const found = artifacts.ofRun(runs.outputRun(id)).filter((one) => attempt === 0 || one.attempt === attempt);
        for (let start = 0; start < found.length; start += ARTIFACTS_PER_MESSAGE) {
          yield { artifacts: found.slice(start, start + ARTIFACTS_PER_MESSAGE).map(artifactToProto) };
        }
        await yieldTurn();
      }
    }
  };
