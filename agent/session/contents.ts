/** The agent's way to the contents at the coordinator: over the same port and with the same token as the session. */
import { Metadata } from "@grpc/grpc-js";
import {
  type ArtifactVerdict,
  type NoteArtifactsRequest,
  type NotedEnvironment,
  StoreServiceClient,
} from "../../proto/gen/runner/v1/store.ts";
import type { Token } from "../../shared/kernel/token.ts";
import { GRPC_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";
import { credentialsFor, TLS_NAME } from "../../shared/tls/grpc-credentials.ts";
import { fromServiceError } from "../../shared/wire/status.ts";

export interface ContentsOptions {
  /** HOST:PORT */
  readonly address: string;
  readonly token: Token;
}

/** A part of a content; those of one content follow each other. */
export interface ContentPart {
  readonly hash: string;
  /** Of the whole content. */
  readonly size: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface Contents {
  /** In the order asked for; of the first from the byte `offset` on. Throws AppError: "not_found" for one that is not there, "unavailable" to try again later. */
  get(hashes: readonly string[], offset?: number): AsyncIterable<ContentPart>;
  /** Durable when it resolves; a verdict for each. Throws AppError. */
  noteArtifacts(request: NoteArtifactsRequest): Promise<readonly ArtifactVerdict[]>;
  /** Durable when it resolves. Throws AppError: "not_found" where an environment must be given whole. */
  noteEnvironments(environments: readonly NotedEnvironment[]): Promise<void>;
  close(): void;
}

/** Without a part for so long, the coordinator counts as away. */
const SILENCE_MS = 30_000;

export function createContents({ address, token }: ContentsOptions): Contents {
  const client = new StoreServiceClient(address, credentialsFor(token), {
    ...TLS_NAME,
    "grpc.enable_http_proxy": 0,
    "grpc.max_receive_message_length": GRPC_MESSAGE_BYTES_MAX,
    "grpc.max_reconnect_backoff_ms": 2_000,
  });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token.secret}`);
  return {
    async *get(hashes, offset = 0) {
      const call = client.get({ hashes: [...hashes], offset }, metadata);
      let timer = setTimeout(() => call.cancel(), SILENCE_MS);
      try {
        for await (const part of call) {
          clearTimeout(timer);
          yield part as ContentPart;
          timer = setTimeout(() => call.cancel(), SILENCE_MS);
        }
      } catch (error) {
        throw fromServiceError(error);
      } finally {
        clearTimeout(timer);
        call.cancel();
      }
    },
    noteArtifacts: (request) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + SILENCE_MS;
        client.noteArtifacts(request, metadata, { deadline }, (error, response) => {
          if (error) reject(fromServiceError(error));
          else resolve(response.verdicts);
        });
      }),
    noteEnvironments: (environments) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + SILENCE_MS;
        client.noteEnvironments({ environments: [...environments] }, metadata, { deadline }, (error) => {
          if (error) reject(fromServiceError(error));
          else resolve();
        });
      }),
    close: () => client.close(),
  };
}
