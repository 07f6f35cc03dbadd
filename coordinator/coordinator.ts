/**
 * The coordinator, wired: the only place that knows every part. Start order is the order of this file: lock, store, core,
 * streams, servers, loops, ready. Each step pushes how it is undone; a stop walks back.
 */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../shared/kernel/clock.ts";
import { errorMessage } from "../shared/kernel/errors.ts";
import { createUlidSource, type Fence, type RunId, type SweepId } from "../shared/kernel/ids.ts";
import { ReleaseStack } from "../shared/lifecycle.ts";
import type { Logger } from "../shared/logger.ts";
import { STREAM_NAMES, type StreamName } from "../shared/subjects.ts";
import { ensureCertificate } from "../shared/tls/own-certificate.ts";
import { VERSION } from "../shared/version.ts";
import { writeWholeFile } from "../shared/write-whole.ts";
import { startArtifactKeeper } from "./artifacts/keeper.ts";
import { createArtifactNotes } from "./artifacts/notes.ts";
import { openBlobStore } from "./blobs/blob-store.ts";
import { createSnapshotCheck } from "./blobs/snapshot-check.ts";
import type { CoordinatorConfig } from "./config.ts";
import { Engine } from "./engine.ts";
import { Feed, news } from "./feed.ts";
import { createHttpServer } from "./http/server.ts";
import { startResultsLoop } from "./loops/results-loop.ts";
import { startStopLoop } from "./loops/stop-loop.ts";
import { openChannels } from "./outbox/open-channels.ts";
import { createSharedRuns } from "./outbox/shared-run.ts";
import { type RunningOutbox, startOutbox } from "./outbox/start.ts";
import { createTrackedRuns } from "./outbox/tracked-runs.ts";
import { makeOwnDirectory } from "./own-directory.ts";
import { createReadAhead } from "./reader/read-ahead.ts";
import { createReader } from "./reader/reader.ts";
import { createProjector } from "./results/projector.ts";
import { rankDirectory, runDirectory, streamPath } from "./results/run-directory.ts";
import { type AgentHub, createAgentHub } from "./rpc/agent/hub.ts";
import { createJoin } from "./rpc/agent/join.ts";
import { createNodeBounds } from "./rpc/agent/node-bounds.ts";
import { createNodeNotes } from "./rpc/agent/node-notes.ts";
import { createVerifier, hashToken } from "./rpc/auth.ts";
import { joinAddress } from "./rpc/bind-error.ts";
import { createControlService } from "./rpc/control/handlers.ts";
import { finishPruning } from "./rpc/control/prune.ts";
import { createControlResults } from "./rpc/control/results.ts";
import { createControlTokens } from "./rpc/control/tokens.ts";
import { createControlWrites } from "./rpc/control/writes.ts";
import { createExpander } from "./rpc/expand/expander.ts";
import { createRpcServer } from "./rpc/server.ts";
import { createStoreService } from "./rpc/store/contents.ts";
import { createAnnotations, createEditedRuns } from "./store/annotations.ts";
import { createAssignmentLoader } from "./store/assignments.ts";
import { openDatabase } from "./store/database.ts";
import { createEarlyStops } from "./store/early-stops.ts";
import { beginTerm, createSweepLoader, loadCluster } from "./store/load-cluster.ts";
import { lockDirectory } from "./store/lock.ts";
import { createOutbox } from "./store/outbox.ts";
import { createOutputStore } from "./store/outputs.ts";
import { createPrunedRuns } from "./store/pruned.ts";
import { createQueries } from "./store/queries/queries.ts";
import { createAttemptLocator, createRunRecordLoader } from "./store/run-record.ts";
import { createStaging, dropStaged } from "./store/staging.ts";
import { createSubmissions } from "./store/submissions.ts";
import { createSweepStanding } from "./store/sweep-standing.ts";
import { createTargets } from "./store/targets.ts";
import { createTerminalRunLoader } from "./store/terminal-runs.ts";
import { createTokenBook } from "./store/tokens.ts";
import { createWriter } from "./store/write-change.ts";
import { createIngest } from "./stream/ingest.ts";
import { Summariser } from "./stream/summarise.ts";
import { ensureToken } from "./token.ts";

export interface CoordinatorParts {
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly pid: number;
  readonly logger: Logger;
  /** The store or the results cannot be trusted any more: the process must end with this. */
  readonly onFatal: (error: Error) => void;
}

export interface Coordinator {
  /** "host:port" of each server. */
  readonly addresses: { readonly http: string; readonly grpc: string };
  readonly tokenFile: string;
  stop(): Promise<void>;
}

/** How often leases, silences and retry delays are looked at. */
const TICK_MS = 250;
const STOP_GRACE_MS = 3_000;

export async function startCoordinator(parts: CoordinatorParts): Promise<Coordinator> {
  const stack = new ReleaseStack(parts.logger);
  try {
    return await start(parts, stack);
  } catch (error) {
    await stack.release();
    throw error;
  }
}

async function start(parts: CoordinatorParts, stack: ReleaseStack): Promise<Coordinator> {
  const { config, clock, logger, onFatal } = parts;
  makeOwnDirectory(config.dataDir, "--data");
  makeOwnDirectory(config.resultsDir, "--results");
  stack.push("lock", lockDirectory(join(config.dataDir, "lock.db"), parts.pid));
  const tokenFile = join(config.dataDir, "token");
  const tls = config.tls && (await ensureCertificate(join(config.dataDir, "tls"), config.tls));
  const ownHash = hashToken(ensureToken(tokenFile, tls?.certificate));

  const storeFile = join(config.dataDir, "store.db");
  const db = openDatabase(storeFile);
  stack.push("store", () => db.close());
  dropStaged(db);
  const tokens = createTokenBook(db);
  const verifier = createVerifier(ownHash, clock, logger, tokens);
  const cluster = loadCluster(db, beginTerm(db), clock.monotonicMs());
  logger.info({ term: cluster.term, liveRuns: cluster.runs.size, nodes: cluster.nodes.size }, "store loaded");

  const feed = new Feed();
  const outputs = createOutputStore(db);
  const locate = createAttemptLocator(db);
  const loadRunRecord = createRunRecordLoader(db);
  const directoryOf = (fence: Fence) => {
    const place = locate(fence);
    return place && { ...place, directory: rankDirectory(runDirectory(config.resultsDir, place), place.rank) };
  };
  let hub: AgentHub | undefined;
  const addresses = { http: "", grpc: "" };

  const tells = config.channels.messages.length + config.channels.runs.length > 0;
  const engine = new Engine({
    db,
    cluster,
    write: createWriter(db, tells),
    settings: config.core,
    now: () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), random: parts.random() }),
    feed,
    dispatch: (command) => hub?.dispatch(command),
    onFatal,
  });
  stack.push("engine", () => engine.stop());

  const { servers, certificate } = config.bus;
  const bus = { servers, ...(certificate !== undefined && { certificate }) };
  const ingest = createIngest({
    bus: { ...bus, ...config.bus.coordinator },
    streamBytesMax: config.busBytesMax,
    db,
    keepsRows: config.channels.tables.length > 0,
    feed,
    clock,
    random: parts.random,
    logger,
    locate: (fence) => {
      const place = directoryOf(fence);
      return place && { agentId: place.agentId, path: (stream) => streamPath(place.directory, place.attempt, stream) };
    },
    onWatermarks: (agentId, offsets, resend) => hub?.sendWatermarks(agentId, offsets, resend),
    onFatal,
  });
  stack.push("ingest", () => ingest.close());

  const blobs = await openBlobStore(join(config.dataDir, "blobs"));
  stack.push("contents", () => blobs.close());
  const note = createNodeNotes({ apply: (event) => engine.apply(event), clock, logger });
  const bounds = createNodeBounds({ db, cluster, blobs, note });
  hub = createAgentHub({
    storeId: cluster.storeId,
    heartbeatMs: config.core.heartbeatMs,
    bus: { ...bus, ...config.bus.agent },
    httpPort: () => Number(/:(\d+)$/.exec(addresses.http)?.[1] ?? 0),
    apply: (event) => engine.apply(event),
    loadAssignment: createAssignmentLoader(db, config.core.leaseMs),
    watermarksOf: (fences) =>
      fences.flatMap((fence) => {
        const committed = outputs.committedOffsets(fence);
        return STREAM_NAMES.map((stream) => ({ fence, stream, offset: committed.get(stream) ?? 0 }));
      }),
    ingestChunk: (agentId, chunk) => ingest.ingestChunk(agentId, chunk),
    join: createJoin({ tokens, clock, note }),
    bounds,
    logger,
  });
  const agents = hub;

  const queries = createQueries(db, tells);
  let outbox: RunningOutbox | undefined;
  const reads = {
    queries,
    cluster,
    feed,
    clock,
    resultsRoot: config.resultsDir,
    resultsDir: (fence: Fence) => directoryOf(fence)?.directory,
    outputPath: (fence: Fence, stream: StreamName) => {
      const place = directoryOf(fence);
      const path = place && streamPath(place.directory, place.attempt, stream);
      return path !== undefined && existsSync(path) ? path : undefined;
    },
    health: () => ingest.health(),
    channels: () => outbox?.state() ?? [],
    addresses: () => addresses,
    version: VERSION,
  };
  const annotations = createAnnotations(db, { tells });
  const expander = createExpander();
  stack.push("expander", () => expander.close());
  const writes = {
    engine,
    queries,
    submissions: createSubmissions(db),
    staging: createStaging(db),
    expander,
    snapshotProblem: createSnapshotCheck(blobs),
    annotations,
    feed,
    loadTerminalRun: createTerminalRunLoader(db),
    loadSweep: createSweepLoader(db),
    newUlid: createUlidSource(() => clock.wallMs(), randomBytes),
    clock,
    channels: new Set(config.channels.messages.map(({ name }) => name)),
    tables: config.channels.tables,
  };
  const reader = createReader({ path: storeFile, feed, logger });
  stack.push("reader", () => reader.close());
  const readAhead = createReadAhead({
    feed,
    reader,
    committed: (fence) => outputs.committedOffsets(fence).get("client") ?? 0,
    pathOf: (fence) => reads.outputPath(fence, "client"),
    logger,
  });
  stack.push("reading ahead", () => readAhead.close());
  const controlWrites = createControlWrites(writes);
  const projector = createProjector();
  stack.push("projector", () => projector.close());
  const project = (run: RunId, what: "all" | "words" = "all") => {
    const record = loadRunRecord(run);
    return projector.project(record, runDirectory(config.resultsDir, record), what);
  };
  const resultDeps = {
    ...reads,
    pruned: createPrunedRuns(db),
    outputs,
    imports: queries.imports,
    summarise: (lines: Uint8Array, from: number, knownKeys: readonly string[]) => {
      const summary = new Summariser({ parsed: from, midLine: false, keys: knownKeys });
      summary.feed(lines);
      return summary.take();
    },
    project,
  };
  await finishPruning(resultDeps);
  const keeper = startArtifactKeeper({ ...reads, blobs, isPruned: resultDeps.pruned.isPruned, logger });
  stack.push("artifacts", () => keeper.stop());
  const sweepDetail = (sweepId: SweepId) => reader.ask("sweep", { sweepId, nowMs: clock.wallMs() });
  const control = createControlService(
    { ...reads, sweepDetail },
    controlWrites,
    createControlResults(resultDeps),
    createControlTokens({ tokens, clock, logger }),
    logger,
  );
  const rpc = await createRpcServer({
    host: config.host,
    port: config.grpcPort,
    tls,
    verifier,
    control,
    agent: agents.service,
    store: createStoreService(
      {
        blobs,
        note: (environments) => feed.publish(news({ lateRecords: queries.origins.note(environments) })),
        noteArtifacts: createArtifactNotes({
          artifacts: queries.artifacts,
          blobs,
          changed: (runs) => keeper.changed(runs),
        }),
        bounds,
      },
      logger,
    ),
  });
  stack.push("gRPC", async () => {
    agents.close();
    await rpc.stop(STOP_GRACE_MS);
  });
  const http = await createHttpServer({
    deps: reads,
    reader,
    blobs,
    bounds,
    actions: {
      writes: controlWrites,
      annotations,
      refs: queries.refs,
      feed,
      clock,
      newUlid: writes.newUlid,
    },
    host: config.host,
    port: config.httpPort,
    tls,
    verifier,
    allowedHosts: config.allowedHosts,
    logger,
  });
  stack.push("HTTP", () => http.stop(STOP_GRACE_MS));
  addresses.grpc = joinAddress(config.host, rpc.port);
  addresses.http = joinAddress(config.host, http.port);

  const targets = createTargets(db);
  const results = startResultsLoop({
    db,
    feed,
    committed: (fence) => outputs.committedOffsets(fence),
    // What is thrown at once, as of a store that fails, is a refusal like any other.
    project: async (run, what) => project(run, what),
    edited: createEditedRuns(db),
    isPruned: resultDeps.pruned.isPruned,
    seal: async (fence) => {
      ingest.forget(fence);
      // First: a sealed attempt is not looked at again.
      const reached = targets.reachedBy(fence);
      if (reached) await engine.apply({ kind: "stop-sweep", ...reached });
      await engine.apply({ kind: "sealed", fence });
    },
    logger,
  });
  stack.push("results", () => results.stop());
  const standing = createSweepStanding(db, queries.best);
  const earlyStops = startStopLoop({
    stops: createEarlyStops(db),
    feed,
    run: (id) => queries.runs.get(id),
    best: standing.best,
    apply: (event) => engine.apply(event),
    wallMs: () => clock.wallMs(),
    logger,
  });
  stack.push("early stops", () => earlyStops.stop());
  const outboxStore = createOutbox(db);
  const tracked = createTrackedRuns(db, outboxStore, (id) => queries.runs.get(id));
  const channels = openChannels(config.channels, {
    clock,
    runs: tracked,
    shared: createSharedRuns({
      tracked,
      queries,
      annotations,
      pointsPath: (fence) => reads.outputPath(fence, "client"),
    }),
    files: {
      of: (id) => queries.artifacts.ofRun(id).filter(({ state, folder }) => state === "stored" && !folder),
      read: (hash) => blobs.read(hash),
    },
    logger,
  });
  if (channels.length > 0) {
    const started = startOutbox({
      db,
      feed,
      channels,
      outbox: outboxStore,
      tracked: config.channels.runs,
      best: queries.best,
      newId: writes.newUlid,
      clock,
      random: parts.random,
      secrets: config.channels.secrets,
      logger,
    });
    outbox = started;
    stack.push("outbox", () => started.stop());
  }
  const tick = setInterval(() => {
    engine
      .apply({ kind: "tick" })
      .catch((error: unknown) => logger.debug({ error: errorMessage(error) }, "tick not taken"));
  }, TICK_MS);
  stack.push("tick", () => clearInterval(tick));

  const addressFile = join(config.dataDir, "address.json");
  writeWholeFile(addressFile, `${JSON.stringify({ ...addresses, tls: tls !== undefined, pid: parts.pid })}\n`, 0o600);
  stack.push("address file", () => rmSync(addressFile, { force: true }));
  expander.warm();
  logger.info({ ...addresses, data: config.dataDir, results: config.resultsDir }, "coordinator ready");
  return { addresses, tokenFile, stop: () => stack.release() };
}
