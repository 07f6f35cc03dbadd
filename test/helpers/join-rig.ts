/**
 * The door of a coordinator for agents, in this process: real SQLite file, engine, gRPC server with TLS, and a clock that the
 * test sets. It can be killed at any point and opened again on what it left.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import type { AgentConfig } from "../../agent/config.ts";
import { tokenOf } from "../../agent/own-token.ts";
import { createArtifactNotes } from "../../coordinator/artifacts/notes.ts";
import { type BlobStore, openBlobStore } from "../../coordinator/blobs/blob-store.ts";
import { DEFAULT_SETTINGS } from "../../coordinator/core/settings.ts";
import { Engine } from "../../coordinator/engine.ts";
import { Feed } from "../../coordinator/feed.ts";
import { type AgentHub, createAgentHub } from "../../coordinator/rpc/agent/hub.ts";
import { createJoin } from "../../coordinator/rpc/agent/join.ts";
import { createNodeBounds, type NodeBounds } from "../../coordinator/rpc/agent/node-bounds.ts";
import { createNodeNotes } from "../../coordinator/rpc/agent/node-notes.ts";
import { createVerifier, hashToken } from "../../coordinator/rpc/auth.ts";
import { createControlTokens } from "../../coordinator/rpc/control/tokens.ts";
import { createRpcServer } from "../../coordinator/rpc/server.ts";
import { createStoreService } from "../../coordinator/rpc/store/contents.ts";
import { createArtifacts } from "../../coordinator/store/artifacts.ts";
import { createAssignmentLoader } from "../../coordinator/store/assignments.ts";
import { type Database, openDatabase } from "../../coordinator/store/database.ts";
import { beginTerm, loadCluster } from "../../coordinator/store/load-cluster.ts";
import { createOrigins } from "../../coordinator/store/origins.ts";
import { createTokenBook, type TokenBook } from "../../coordinator/store/tokens.ts";
import { createWriter } from "../../coordinator/store/write-change.ts";
import { AgentServiceClient, type ConnectResponse, type JoinRequest } from "../../proto/gen/runner/v1/agent.ts";
import type { ControlServiceServer } from "../../proto/gen/runner/v1/control.ts";
import { StoreServiceClient } from "../../proto/gen/runner/v1/store.ts";
import { formatToken, parseToken, type Token } from "../../shared/kernel/token.ts";
import type { AgentMessage } from "../../shared/run/session.ts";
import { credentialsFor, TLS_NAME } from "../../shared/tls/grpc-credentials.ts";
import { ensureCertificate } from "../../shared/tls/own-certificate.ts";
import { agentMessageToProto } from "../../shared/wire/session.ts";
import { fromServiceError } from "../../shared/wire/status.ts";

export const OWN_SECRET = "correct-horse-battery-staple";

export interface JoinRig extends AsyncDisposable {
  readonly dir: string;
  readonly address: string;
  readonly clock: { now: number; wallMs(): number; monotonicMs(): number; uptimeMs(): number };
  /** What was logged, as one text. */
  readonly log: string[];
  readonly db: Database;
  readonly tokens: TokenBook;
  readonly blobs: BlobStore;
  readonly bounds: NodeBounds;
  readonly engine: Engine;
  /** Called when a Join is committed, before it is answered. */
  afterCommit: () => void;
  /** A join token as people carry it. */
  joinToken(node?: string, lifetimeMs?: number): Promise<string>;
  /** A call as a host of ours makes it. */
  join(word: string, request: JoinRequest): Promise<string>;
  /** The start of an agent, up to its token. */
  startAgent(name: string, access: AgentConfig["access"] | string, agentId?: string): Promise<Token>;
  /** A session: what came, how it ended. */
  session(token: Token): Session;
  store(token: Token): { readonly client: StoreServiceClient; readonly metadata: Metadata };
  history(): { kind: string; node: string | null; text: string }[];
  /** Ends it without a word, and opens it again. */
  reopen(): Promise<void>;
}

export interface Session {
  readonly received: NonNullable<ConnectResponse["message"]>[];
  /** Undefined while it goes on. */
  readonly ended: { readonly code: string; readonly message: string } | undefined;
  send(message: AgentMessage): void;
  close(): void;
}

export async function startJoinRig(): Promise<JoinRig> {
  const dir = mkdtempSync(join(tmpdir(), "exp-join-"));
  const own = await ensureCertificate(join(dir, "tls"), []);
  const log: string[] = [];
  const say = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: say, warn: say, error: say, debug: () => undefined };
  const clock = {
    now: Date.parse("2026-03-01T12:00:00Z"),
    wallMs: () => clock.now,
    monotonicMs: () => clock.now,
    uptimeMs: () => clock.now,
  };
  const clients: { close(): void }[] = [];
  let open = await openDoor();

  async function openDoor(port = 0) {
    const db = openDatabase(join(dir, "store.db"));
    const cluster = loadCluster(db, beginTerm(db), clock.monotonicMs());
    let hub: AgentHub | undefined;
    const engine = new Engine({
      db,
      cluster,
      write: createWriter(db),
      settings: DEFAULT_SETTINGS,
      now: () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), random: 0.5 }),
      feed: new Feed(),
      dispatch: (command) => hub?.dispatch(command),
      onFatal: (error) => {
        throw error;
      },
    });
    const tokens = createTokenBook(db);
    const blobs = await openBlobStore(join(dir, "blobs"), 0);
    const apply = engine.apply.bind(engine);
    const note = createNodeNotes({ apply, clock, logger });
    const bounds = createNodeBounds({ db, cluster, blobs, note });
    const answer = createJoin({ tokens, clock, note });
    hub = createAgentHub({
      storeId: cluster.storeId,
      heartbeatMs: 1_000,
      bus: { servers: [], user: "", password: "" },
      httpPort: () => 0,
      apply,
      loadAssignment: createAssignmentLoader(db, 60_000),
      watermarksOf: () => [],
      ingestChunk: () => undefined,
      join: async (request, caller) => {
        const response = await answer(request, caller);
        rig.afterCommit();
        return response;
      },
      bounds,
      logger: logger as never,
    });
    const artifacts = createArtifacts(db);
    const noteArtifacts = createArtifactNotes({ artifacts, blobs, changed: () => undefined });
    const origins = createOrigins(db);
    const server = await createRpcServer({
      host: "127.0.0.1",
      port,
      tls: own,
      verifier: createVerifier(hashToken(OWN_SECRET), clock, logger, tokens),
      control: {} as ControlServiceServer,
      agent: hub.service,
      store: createStoreService({ blobs, note: (all) => origins.note(all), noteArtifacts, bounds }, logger),
    });
    return { db, engine, tokens, blobs, bounds, server };
  }

  async function close(): Promise<void> {
    for (const client of clients.splice(0)) client.close();
    open.server.force();
    open.engine.stop();
    await open.blobs.close();
    open.db.close();
  }

  const metadataOf = ({ secret }: Token) => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${secret}`);
    return metadata;
  };
  const agentClient = (token: Token) => {
    const client = new AgentServiceClient(rig.address, credentialsFor(token), TLS_NAME);
    clients.push(client);
    return client;
  };

  const rig: JoinRig = {
    dir,
    get address() {
      return `127.0.0.1:${open.server.port}`;
    },
    clock,
    log,
    get db() {
      return open.db;
    },
    get tokens() {
      return open.tokens;
    },
    get blobs() {
      return open.blobs;
    },
    get bounds() {
      return open.bounds;
    },
    get engine() {
      return open.engine;
    },
    afterCommit: () => undefined,
    async joinToken(node = "", lifetimeMs = 15 * 60_000) {
      const { createJoinToken } = createControlTokens({ tokens: open.tokens, clock, logger });
      const { secret } = await createJoinToken({ node, lifetimeMs });
      return formatToken({ secret, certificate: own.certificate });
    },
    join: (word, request) =>
      new Promise((resolve, reject) => {
        const token = parseToken(word);
        agentClient(token).join(request, metadataOf(token), (error, response) => {
          if (error) reject(fromServiceError(error));
          else resolve(response.token);
        });
      }),
    startAgent(name, access, agentId = `agent-${name}`) {
      const workdir = folderOf(dir, name);
      let how = access;
      if (typeof how === "string") {
        const file = join(dir, `${name}.join`);
        writeFileSync(file, `${how}\n`, { mode: 0o600 });
        how = { kind: "own", joinTokenFile: file };
      }
      return tokenOf({ access: how, address: rig.address, workdir, name, agentId, random: () => 0, logger });
    },
    session(token) {
      const stream = agentClient(token).connect(metadataOf(token));
      const session: { -readonly [key in keyof Session]: Session[key] } = {
        received: [],
        ended: undefined,
        send: (message) => {
          const welcome = session.received.find((one) => one.$case === "welcome");
          stream.write(agentMessageToProto(welcome?.value.session ?? 0, message));
        },
        close: () => stream.cancel(),
      };
      stream.on("data", ({ message }: ConnectResponse) => message && session.received.push(message));
      stream.on("error", (error) => {
        const { code, message } = fromServiceError(error);
        session.ended ??= { code, message };
      });
      stream.on("end", () => {
        session.ended ??= { code: "ok", message: "" };
      });
      return session;
    },
    store(token) {
      const client = new StoreServiceClient(rig.address, credentialsFor(token), TLS_NAME);
      clients.push(client);
      return { client, metadata: metadataOf(token) };
    },
    history: () => open.db.prepare("SELECT kind, node, text FROM events ORDER BY seq").all() as never,
    async reopen() {
      const { port } = open.server;
      await close();
      open = await openDoor(port);
    },
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return rig;
}

function folderOf(dir: string, name: string): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
