/** The store service: contents by their hash, in frames, with the pace of whoever is slower. */
import type { ServerReadableStream, sendUnaryData } from "@grpc/grpc-js";
import type {
  GetRequest,
  GetResponse,
  MissingRequest,
  MissingResponse,
  NoteArtifactsRequest,
  NoteArtifactsResponse,
  NoteEnvironmentsRequest,
  NoteEnvironmentsResponse,
  PutRequest,
  PutResponse,
  StoreServiceServer,
} from "../../../proto/gen/runner/v1/store.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type Fence, fence } from "../../../shared/kernel/ids.ts";
import { CONTENTS_PER_CALL_MAX } from "../../../shared/run/limits.ts";
import { toServiceError } from "../../../shared/wire/status.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { NotedEnvironment } from "../../store/origins.ts";
import type { NodeBounds } from "../agent/node-bounds.ts";
import type { Caller } from "../auth.ts";
import { type HandlerLog, streamHandler, unaryHandler } from "../handler.ts";

export interface StoreParts {
  readonly blobs: BlobStore;
  /** Durable when it returns. Throws AppError. */
  readonly note: (environments: readonly NotedEnvironment[]) => void;
  /** Durable when it resolves. Throws AppError. */
  readonly noteArtifacts: (
    request: NoteArtifactsRequest,
    isOwn: (fence: Fence) => boolean,
  ) => Promise<NoteArtifactsResponse>;
  readonly bounds: Pick<NodeBounds, "isOwn" | "checkAsked">;
}

export function createStoreService(parts: StoreParts, log: HandlerLog): StoreServiceServer {
  const { blobs, noteArtifacts, bounds } = parts;
  return {
    noteEnvironments: unaryHandler("NoteEnvironments", async (request, caller) => noted(parts, request, caller), log),
    noteArtifacts: unaryHandler(
      "NoteArtifacts",
      (request, caller) => noteArtifacts(request, (of) => bounds.isOwn(caller, "an artifact", of)),
      log,
    ),
    missing: unaryHandler("Missing", (request) => missing(blobs, request), log),
    get: streamHandler("Get", (request: GetRequest, _signal, caller) => get(parts, request, caller), log),
    put: (call: ServerReadableStream<PutRequest, PutResponse>, done: sendUnaryData<PutResponse>) => {
      // A caller who has gone ends the frames with an error; what came of a content is kept for the next call.
      blobs.receive(call as AsyncIterable<PutRequest>).then(
        (stored) => done(null, { stored }),
        (error: unknown) => {
          if (!(error instanceof AppError) && !call.cancelled) log.error({ method: "Put", err: error }, "call failed");
          done(toServiceError(error));
        },
      );
    },
  };
}

/** Those of attempts of others are passed over, as those of attempts that nobody knows. */
function noted(
  { note, bounds }: StoreParts,
  { environments }: NoteEnvironmentsRequest,
  caller: Caller,
): NoteEnvironmentsResponse {
  const all = environments.map(({ fence: number, ...rest }) => ({ ...rest, fence: fence(number) }));
  note(all.filter((one) => bounds.isOwn(caller, "an environment", one.fence)));
  return {};
}

async function missing(blobs: BlobStore, { hashes }: MissingRequest): Promise<MissingResponse> {
  checkCount(hashes);
  const contents = [];
  for (const hash of hashes) {
    if ((await blobs.reserve(hash)) === undefined) contents.push({ hash, received: await blobs.received(hash) });
  }
  return { contents };
}

async function* get(
  { blobs, bounds }: StoreParts,
  { hashes, offset: from }: GetRequest,
  caller: Caller,
): AsyncGenerator<GetResponse> {
  checkCount(hashes);
  await bounds.checkAsked(caller, hashes);
  for (const [i, hash] of hashes.entries()) {
    for await (const { size, offset, data } of blobs.frames(hash, i === 0 ? from : 0))
      yield { hash, size, offset, data: Buffer.from(data) };
  }
}

function checkCount(hashes: readonly string[]): void {
  if (hashes.length > CONTENTS_PER_CALL_MAX) {
    throw new AppError("exhausted", `at most ${CONTENTS_PER_CALL_MAX} contents in one call`, { id: "blob.many" });
  }
}
