/**
 * The one way to the coordinator: every call with its deadline, the token, and errors as AppError. The only place in the
 * command line that knows grpc.
 */
import { once } from "node:events";
import {
  type CallOptions,
  type ChannelOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  connectivityState,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { RunState as RunStateMessage } from "../proto/gen/runner/v1/common.ts";
import type * as proto from "../proto/gen/runner/v1/control.ts";
import { ControlServiceClient } from "../proto/gen/runner/v1/control.ts";
import {
  type GetResponse,
  type MissingContent,
  type MissingRequest,
  type MissingResponse,
  type PutRequest,
  StoreServiceClient,
} from "../proto/gen/runner/v1/store.ts";
import { AppError } from "../shared/kernel/errors.ts";
import { parseToken } from "../shared/kernel/token.ts";
import type { ArtifactView } from "../shared/run/artifacts.ts";
import { GRPC_MESSAGE_BYTES_MAX } from "../shared/run/limits.ts";
import type { Role } from "../shared/run/roles.ts";
import type { RunState } from "../shared/run/states.ts";
import { credentialsFor, TLS_NAME } from "../shared/tls/grpc-credentials.ts";
import { tlsProblem } from "../shared/tls/pinned.ts";
import { artifactFromProto } from "../shared/wire/artifacts.ts";
import { fromServiceError, isRetryable } from "../shared/wire/status.ts";
import { runStateToProto } from "../shared/wire/views.ts";

/** Of one call that answers once, where the user sets no limit. */
const CALL_TIMEOUT_MS = 30_000;
/** Of a call that expands a sweep file: a million runs take a while on a slow machine. */
const EXPAND_TIMEOUT_MS = 10 * 60_000;
/** How long a submission is repeated while the coordinator is away: a restart on a busy host takes its time. */
const AWAY_MAX_MS = 60_000;
const AGAIN_AFTER_MAX_MS = 2_000;

export interface ClientOptions {
  readonly address: string;
  readonly token: string | undefined;
  /** Of each call, streams too; undefined: 30 s for calls that answer once, none for streams. */
  readonly timeoutMs: number | undefined;
}

export interface RunFilter {
  readonly refs?: readonly string[];
  readonly states?: readonly RunState[];
  /** Newest so many; 0: all. */
  readonly limit?: number;
  /** An expression that runs must fulfil; empty: none. */
  readonly where?: string;
}

/** Calls of the coordinator; each throws AppError. */
export interface Client {
  plan(request: proto.PlanRequest): Promise<proto.PlanResponse>;
  /** Repeated while the coordinator restarts; harmless, as the submission carries its id. */
  submit(request: proto.SubmitRequest): Promise<proto.SubmitResponse>;
  apply(request: proto.ApplyRequest): Promise<proto.ApplyResponse>;
  /** Repeated as a submission; harmless, as runs that are there already are left alone. */
  importRuns(request: proto.ImportRequest): Promise<proto.ImportResponse>;
  listRuns(filter: RunFilter): Promise<proto.Run[]>;
  /** `progress`: with best values and the time left, which take longer. */
  listSweeps(refs: readonly string[], limit: number, progress?: boolean): Promise<proto.Sweep[]>;
  getRun(ref: string): Promise<proto.GetRunResponse>;
  cancel(refs: readonly string[]): Promise<proto.CancelResponse>;
  retry(refs: readonly string[], failedOnly: boolean): Promise<proto.RetryResponse>;
  pause(refs: readonly string[]): Promise<proto.PauseResponse>;
  resume(refs: readonly string[]): Promise<proto.ResumeResponse>;
  edit(request: Partial<proto.EditRequest>): Promise<proto.EditResponse>;
  /** Repeated as a submission; harmless, as it carries an id. */
  rerun(request: proto.RerunRequest): Promise<proto.RerunResponse>;
  getRecord(ref: string): Promise<proto.GetRecordResponse>;
  best(request: proto.BestRequest): Promise<proto.BestResponse>;
  why(ref: string): Promise<proto.WhyResponse>;
  listNodes(): Promise<proto.Node[]>;
  updateNode(name: string, action: proto.NodeAction): Promise<proto.Node | undefined>;
  getServer(): Promise<proto.GetServerResponse>;
  /** What happened, the oldest first. */
  events(request: proto.EventsRequest, signal?: AbortSignal): AsyncIterable<proto.EventsResponse>;
  /** The next `limit` runs to be placed, and how many wait in all. */
  listQueue(limit: number): Promise<proto.ListQueueResponse>;
  logs(request: proto.LogsRequest, signal?: AbortSignal): AsyncIterable<proto.LogsResponse>;
  metrics(request: proto.MetricsRequest): AsyncIterable<proto.MetricsResponse>;
  watch(refs: readonly string[], signal?: AbortSignal): AsyncIterable<proto.WatchResponse>;
  /** Which of these contents the coordinator lacks. */
  missingContents(hashes: readonly string[]): Promise<MissingContent[]>;
  /** Sends contents in frames, at the pace of the coordinator; gives how many are whole there now. */
  putContents(frames: AsyncIterable<PutRequest>): Promise<number>;
  /** `offset`: bytes of the first to pass over. */
  getContents(hashes: readonly string[], offset?: number): AsyncIterable<GetResponse>;
  /** What runs keep of their files; 0: of every attempt. */
  listArtifacts(ref: string, attempt: number): Promise<ArtifactView[]>;
  files(request: proto.FilesRequest): AsyncIterable<proto.FilesResponse>;
  prune(request: proto.PruneRequest): AsyncIterable<proto.PruneResponse>;
  /** Repeated as a submission; harmless, as each portion says where it belongs. */
  importPoints(request: proto.ImportPointsRequest): Promise<proto.ImportPointsResponse>;
  createToken(name: string, role: Role, lifetimeMs: number): Promise<proto.CreateTokenResponse>;
  /** `node`: the only one that may use it; empty: any whose name nobody has. */
  createJoinToken(node: string, lifetimeMs: number): Promise<proto.CreateJoinTokenResponse>;
  listTokens(): Promise<readonly proto.Token[]>;
  revokeToken(name: string): Promise<void>;
  close(): void;
}

export function createClient(options: ClientOptions): Client {
  const token = parseToken(options.token ?? "");
  const credentials = credentialsFor(token);
  const stub = new ControlServiceClient(options.address, credentials, CHANNEL);
  const store = new StoreServiceClient(options.address, credentials, CHANNEL);
  const metadata = new Metadata();
  if (options.token !== undefined) metadata.set("authorization", `Bearer ${token.secret}`);
  const callOptions = (limitMs: number): CallOptions => ({ deadline: Date.now() + (options.timeoutMs ?? limitMs) });
  const streamOptions = (): CallOptions =>
    options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };

  /** Where TLS does not come about, the refusal says why. */
  const explained = async (error: unknown): Promise<AppError> => {
    const refusal = fromServiceError(error);
    return (refusal.code === "unavailable" && (await tlsProblem(options.address, token))) || refusal;
  };
  const call = <Request, Response>(
    method: Unary<Request, Response>,
    request: Request,
    limitMs = CALL_TIMEOUT_MS,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      method.call(stub, request, metadata, callOptions(limitMs), (error, response) => {
        if (error) void explained(error).then(reject);
        else resolve(response);
      });
    });
  const slow = <Request, Response>(method: Unary<Request, Response>, request: Request) =>
    call(method, request, EXPAND_TIMEOUT_MS);
  const stream = <Request, Response>(method: Streaming<Request, Response>, request: Request, signal?: AbortSignal) =>
    readStream(method.call(stub, request, metadata, streamOptions()), explained, signal);

  let isMet = false;
  /** Goes on while the coordinator is away. Where it was never met nobody may be there at all: then it fails at once. */
  async function repeat<T>(make: () => Promise<T>): Promise<T> {
    isMet ||= await isThere(stub.getChannel(), CALL_TIMEOUT_MS);
    const started = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await make();
      } catch (error) {
        const away = error instanceof AppError && error.code === "unavailable" && isRetryable(error);
        if (!away || !isMet || performance.now() - started > AWAY_MAX_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_AFTER_MAX_MS, 100 * 2 ** attempt)));
      }
    }
  }

  return {
    plan: (request) => slow(stub.plan, request),
    submit: (request) => repeat(() => slow(stub.submit, request)),
    apply: (request) => slow(stub.apply, request),
    importRuns: (request) => repeat(() => call(stub.import, request)),
    async listRuns({ refs = [], states = [], limit = 0, where = "" }) {
      const wanted: RunStateMessage[] = states.map(runStateToProto);
      const runs: proto.Run[] = [];
      for await (const part of stream(stub.listRuns, { refs: [...refs], states: wanted, limit, where }))
        runs.push(...part.runs);
      return runs;
    },
    listSweeps: async (refs, limit, progress = false) =>
      (await call(stub.listSweeps, { refs: [...refs], limit, progress })).sweeps,
    getRun: (ref) => call(stub.getRun, { ref }),
    cancel: (refs) => call(stub.cancel, { refs: [...refs] }),
    retry: (refs, failedOnly) => call(stub.retry, { refs: [...refs], failedOnly }),
    pause: (refs) => call(stub.pause, { refs: [...refs] }),
    resume: (refs) => call(stub.resume, { refs: [...refs] }),
    edit: (request) => call(stub.edit, { refs: [], addTags: [], removeTags: [], ...request }),
    rerun: (request) => repeat(() => call(stub.rerun, request)),
    getRecord: (ref) => call(stub.getRecord, { ref }),
    best: (request) => call(stub.best, request),
    why: (ref) => call(stub.why, { ref }),
    listNodes: async () => (await call(stub.listNodes, {})).nodes,
    updateNode: async (name, action) => (await call(stub.updateNode, { name, action })).node,
    createToken: (name, role, lifetimeMs) => call(stub.createToken, { name, role, lifetimeMs }),
    createJoinToken: (node, lifetimeMs) => call(stub.createJoinToken, { node, lifetimeMs }),
    listTokens: async () => (await call(stub.listTokens, {})).tokens,
    revokeToken: async (name) => void (await call(stub.revokeToken, { name })),
    getServer: () => call(stub.getServer, {}),
    events: (request, signal) => stream(stub.events, request, signal),
    listQueue: (limit) => call(stub.listQueue, { limit }),
    logs: (request, signal) => stream(stub.logs, request, signal),
    metrics: (request) => stream(stub.metrics, request),
    watch: (refs, signal) => stream(stub.watch, { refs: [...refs] }, signal),
    missingContents: async (hashes) => {
      const missing: Unary<MissingRequest, MissingResponse> = (...args) => store.missing(...args);
      return (await repeat(() => call(missing, { hashes: [...hashes] }))).contents;
    },
    putContents: (frames) =>
      sendStream(
        (callback) => store.put(metadata, streamOptions(), (error, response) => callback(error, response?.stored ?? 0)),
        frames,
      ),
    getContents: (hashes, offset = 0) =>
      readStream(store.get({ hashes: [...hashes], offset }, metadata, streamOptions()), explained, undefined),
    async listArtifacts(ref, attempt) {
      const found: ArtifactView[] = [];
      for await (const { artifacts } of stream(stub.listArtifacts, { ref, attempt }))
        found.push(...artifacts.map(artifactFromProto));
      return found;
    },
    files: (request) => stream(stub.files, request),
    prune: (request) => stream(stub.prune, request),
    importPoints: (request) => repeat(() => call(stub.importPoints, request)),
    close: () => {
      stub.close();
      store.close();
    },
  };
}

/** No proxy: the coordinator is a neighbour, and a proxy of the environment would take loopback calls as well. */
const CHANNEL: ChannelOptions = {
  ...TLS_NAME,
  "grpc.enable_http_proxy": 0,
  "grpc.max_receive_message_length": GRPC_MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": GRPC_MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

type Streaming<Request, Response> = (
  request: Request,
  metadata?: Metadata,
  options?: Partial<CallOptions>,
) => ClientReadableStream<Response>;

/** Ends without an error when `signal` aborts: the reader wanted no more. Leaving the loop cancels the call. */
async function* readStream<Response>(
  source: ClientReadableStream<Response>,
  explained: (error: unknown) => Promise<AppError>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Response> {
  const stop = () => source.cancel();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    for await (const message of source) yield message as Response;
  } catch (error) {
    if (!signal?.aborted) throw await explained(error);
  } finally {
    signal?.removeEventListener("abort", stop);
    source.cancel();
  }
}

/** Sends all messages, then waits for the answer. Whichever of the two fails first ends both. */
function sendStream<Request, Response>(
  start: (callback: (error: ServiceError | null, response: Response) => void) => ClientWritableStream<Request>,
  messages: AsyncIterable<Request>,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const stream = start((error, response) => {
      over.abort();
      if (error) reject(fromServiceError(error));
      else resolve(response);
    });
    // The callback says the same, with the details.
    stream.on("error", () => over.abort());
    const write = async (): Promise<void> => {
      for await (const message of messages) {
        if (over.signal.aborted) return;
        if (!stream.write(message)) await once(stream, "drain", { signal: over.signal });
      }
      stream.end();
    };
    write().catch((error: unknown) => {
      if (over.signal.aborted) return;
      stream.cancel();
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

/** True when a connection comes about; false where the first try fails. */
async function isThere(channel: ReturnType<ControlServiceClient["getChannel"]>, boundMs: number): Promise<boolean> {
  const until = Date.now() + boundMs;
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    const error = await new Promise<Error | undefined>((resolve) =>
      channel.watchConnectivityState(state, until, resolve),
    );
    if (error) return false;
  }
}
