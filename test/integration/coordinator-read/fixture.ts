/** A coordinator's read side on a seeded store: real SQLite, real gRPC and HTTP on loopback, no engine behind it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { openBlobStore } from "../../../coordinator/blobs/blob-store.ts";
import { Feed } from "../../../coordinator/feed.ts";
import { createHttpServer, type HttpServer } from "../../../coordinator/http/server.ts";
import { createReader } from "../../../coordinator/reader/reader.ts";
import { createJoin } from "../../../coordinator/rpc/agent/join.ts";
import type { NodeBounds } from "../../../coordinator/rpc/agent/node-bounds.ts";
import { createVerifier, hashToken } from "../../../coordinator/rpc/auth.ts";
import type { ReadDeps } from "../../../coordinator/rpc/control/deps.ts";
import { createControlReads } from "../../../coordinator/rpc/control/reads.ts";
import { createControlTokens } from "../../../coordinator/rpc/control/tokens.ts";
import { streamHandler, unaryHandler } from "../../../coordinator/rpc/handler.ts";
import { createRpcServer, type RpcServer } from "../../../coordinator/rpc/server.ts";
import { type Database, openDatabase } from "../../../coordinator/store/database.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { migrate } from "../../../coordinator/store/migrations.ts";
import { createQueries } from "../../../coordinator/store/queries/queries.ts";
import { createTokenBook, type TokenBook } from "../../../coordinator/store/tokens.ts";
import type { AgentServiceServer } from "../../../proto/gen/runner/v1/agent.ts";
import { ControlServiceClient, type ControlServiceServer } from "../../../proto/gen/runner/v1/control.ts";
import type { StoreServiceServer } from "../../../proto/gen/runner/v1/store.ts";
import { systemClock } from "../../../shared/kernel/clock.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { Fence } from "../../../shared/kernel/ids.ts";
import type { StreamName } from "../../../shared/subjects.ts";
import { fromServiceError, toServiceError } from "../../../shared/wire/status.ts";
import { createTestWrites } from "../../helpers/control-writes.ts";
import { OPEN_BOUNDS } from "../../helpers/open-verifier.ts";
import { createSeeder } from "../../helpers/seed-store.ts";

export const TOKEN = "correct-horse-battery-staple";

export interface ReadStore {
  readonly db: Database;
  /** Its file. */
  readonly path: string;
  readonly seed: ReturnType<typeof createSeeder>;
  readonly feed: Feed;
  /** Builds memory from what was seeded so far. */
  deps(): ReadDeps;
  /** Stores bytes of a stream of an attempt, as ingest would. */
  store(fence: Fence, stream: StreamName, text: string | Uint8Array): void;
  pathOf(fence: Fence, stream: StreamName): string;
  close(): void;
}

export function createReadStore(): ReadStore {
  const directory = mkdtempSync(join(tmpdir(), "exp-read-"));
  const path = join(directory, "store.db");
  const db = openDatabase(path);
  const seed = createSeeder(db);
  const feed = new Feed();
  const queries = createQueries(db);
  const pathOf = (fence: Fence, stream: StreamName) => join(directory, `${fence}.${stream}`);
  return {
    db,
    path,
    seed,
    feed,
    pathOf,
    deps: () => ({
      queries,
      cluster: loadCluster(db, 1, systemClock.monotonicMs()),
      feed,
      clock: systemClock,
      resultsRoot: directory,
      resultsDir: (fence) => join(directory, String(fence)),
      outputPath: pathOf,
      channels: () => [],
      health: () => ({ connected: true, reason: "", serverVersion: "2.10.27" }),
      addresses: () => ({ http: "127.0.0.1:7717" }),
      version: "0.1.0",
    }),
    store(fence, stream, text) {
      writeFileSync(pathOf(fence, stream), text);
      seed.commit(fence, stream, Buffer.byteLength(text));
    },
    close() {
      db.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Lines that were logged, for tests that say what must not be in them. */
export function createLog() {
  const lines: string[] = [];
  const add = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, info: add, warn: add, error: add };
}

/** Tokens that are gone with it. */
export function createMemoryBook(): TokenBook {
  const db = new DatabaseSync(":memory:");
  migrate(db);
  return createTokenBook(db);
}

export async function startRpc(deps: ReadDeps, log = createLog(), book = createMemoryBook()): Promise<RpcServer> {
  const tokens = createControlTokens({ tokens: book, clock: systemClock, logger: log });
  const join = createJoin({ tokens: book, clock: systemClock, note: () => undefined });
  const reads = createControlReads(deps);
  const refuse = unaryHandler("write", () => Promise.reject(new AppError("internal", "not in this test")), log);
  const refuseStream = async function* (): AsyncGenerator<never> {
    yield* [];
    throw new AppError("internal", "not in this test");
  };
  const control: ControlServiceServer = {
    plan: refuse,
    submit: refuse,
    apply: refuse,
    import: refuse,
    cancel: refuse,
    retry: refuse,
    pause: refuse,
    resume: refuse,
    edit: refuse,
    rerun: refuse,
    updateNode: refuse,
    importPoints: refuse,
    createToken: unaryHandler("createToken", tokens.createToken, log),
    createJoinToken: unaryHandler("createJoinToken", tokens.createJoinToken, log),
    listTokens: unaryHandler("listTokens", tokens.listTokens, log),
    revokeToken: unaryHandler("revokeToken", tokens.revokeToken, log),
    files: streamHandler("files", refuseStream, log),
    prune: streamHandler("prune", refuseStream, log),
    listRuns: streamHandler("listRuns", reads.listRuns, log),
    listSweeps: unaryHandler("listSweeps", reads.listSweeps, log),
    getRun: unaryHandler("getRun", reads.getRun, log),
    getRecord: unaryHandler("getRecord", reads.getRecord, log),
    logs: streamHandler("logs", reads.logs, log),
    metrics: streamHandler("metrics", reads.metrics, log),
    best: unaryHandler("best", reads.best, log),
    watch: streamHandler("watch", reads.watch, log),
    why: unaryHandler("why", reads.why, log),
    listNodes: unaryHandler("listNodes", reads.listNodes, log),
    getServer: unaryHandler("getServer", reads.getServer, log),
    events: streamHandler("events", reads.events, log),
    listQueue: unaryHandler("listQueue", reads.listQueue, log),
    listArtifacts: streamHandler("listArtifacts", reads.listArtifacts, log),
  };
  const agent: AgentServiceServer = { connect: (stream) => stream.end(), join: unaryHandler("join", join, log) };
  const store: StoreServiceServer = {
    missing: refuse,
    put: (_call, answer) => answer(toServiceError(new AppError("internal", "not in this test"))),
    get: streamHandler("get", refuseStream, log),
    noteEnvironments: refuse,
    noteArtifacts: refuse,
  };
  const verifier = createVerifier(hashToken(TOKEN), systemClock, log, book);
  return createRpcServer({ host: "127.0.0.1", port: 0, verifier, control, agent, store });
}

/** The HTTP server on the store, with its reading thread and the verbs that write. Stopping it ends them. */
export async function startHttp(
  store: ReadStore,
  log = createLog(),
  deps = store.deps(),
  port = 0,
  book?: TokenBook,
  bounds: NodeBounds = OPEN_BOUNDS,
): Promise<HttpServer> {
  const verifier = createVerifier(hashToken(TOKEN), systemClock, log, book);
  const reader = createReader({ path: store.path, feed: store.feed, logger: log });
  const writes = createTestWrites(store.db, store.feed, deps);
  const blobs = await openBlobStore(join(dirname(store.path), "blobs"));
  const server = await createHttpServer({
    deps,
    reader,
    blobs,
    bounds,
    actions: writes.actions,
    host: "127.0.0.1",
    port,
    verifier,
    allowedHosts: ["fleet.lab"],
    logger: log,
  });
  return {
    port: server.port,
    async stop(graceMs) {
      await server.stop(graceMs);
      await blobs.close();
      await reader.close();
      await writes.close();
    },
  };
}

export function connect(port: number): ControlServiceClient {
  return new ControlServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
}

export function bearer(token = TOKEN): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** Makes a unary call; rejects with the call's status. */
export function call<Response>(
  make: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    make((error, response) => (error ? reject(error) : resolve(response)));
  });
}

export async function collect<Message>(stream: ClientReadableStream<Message>): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of stream) messages.push(message as Message);
  return messages;
}

/** The refusal of a call that must fail. */
export async function failure(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => new Error("the call succeeded"),
    (reason: unknown) => reason,
  );
  return fromServiceError(error);
}

/** Waits until `isTrue`, with a bound; fails with what was seen last. */
export async function waitUntil(isTrue: () => boolean, describe: () => string, boundMs = 5_000): Promise<void> {
  const end = performance.now() + boundMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited ${boundMs} ms in vain: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
