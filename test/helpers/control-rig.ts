/**
 * The control plane of a coordinator in this process: real SQLite file, engine, expanding threads and gRPC server, and the
 * client of the command line. Hosts are played: `finish` lets a run end as a test says.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "../../cli/client.ts";
import { collectSource } from "../../cli/sweep-source.ts";
import type { Cluster } from "../../coordinator/core/cluster.ts";
import type { Command } from "../../coordinator/core/commands.ts";
import { DEFAULT_SETTINGS } from "../../coordinator/core/settings.ts";
import { Engine } from "../../coordinator/engine.ts";
import { Feed } from "../../coordinator/feed.ts";
import { createControlService } from "../../coordinator/rpc/control/handlers.ts";
import { createControlResults } from "../../coordinator/rpc/control/results.ts";
import { createControlTokens } from "../../coordinator/rpc/control/tokens.ts";
import { createControlWrites } from "../../coordinator/rpc/control/writes.ts";
import { createExpander } from "../../coordinator/rpc/expand/expander.ts";
import { createRpcServer } from "../../coordinator/rpc/server.ts";
import { createAnnotations } from "../../coordinator/store/annotations.ts";
import { type Database, openDatabase } from "../../coordinator/store/database.ts";
import { beginTerm, createSweepLoader, loadCluster } from "../../coordinator/store/load-cluster.ts";
import { createQueries } from "../../coordinator/store/queries/queries.ts";
import { createStaging, dropStaged } from "../../coordinator/store/staging.ts";
import { createSubmissions } from "../../coordinator/store/submissions.ts";
import { createTerminalRunLoader } from "../../coordinator/store/terminal-runs.ts";
import { createTokenBook } from "../../coordinator/store/tokens.ts";
import { createWriter } from "../../coordinator/store/write-change.ts";
import { systemClock } from "../../shared/kernel/clock.ts";
import { createUlidSource, type SessionId } from "../../shared/kernel/ids.ts";
import type { Outcome } from "../../shared/run/states.ts";
import { NO_OVERRIDES, type SpecOverrides } from "../../shared/spec/overrides.ts";
import { testResultDeps } from "./control-results.ts";
import { makeDevice, makeFinish, makeHello } from "./core-rig.ts";
import { OPEN_VERIFIER } from "./open-verifier.ts";

export interface ControlRig extends AsyncDisposable {
  /** Holds the files of the test. */
  readonly dir: string;
  readonly db: Database;
  readonly engine: Engine;
  readonly cluster: Cluster;
  readonly client: Client;
  put(path: string, text: string): void;
  /** A sweep file as the command line sends it: written into the directory first. */
  source(
    toml: string,
    overrides?: Partial<SpecOverrides>,
  ): Promise<Awaited<ReturnType<typeof collectSource>>["message"]>;
  submit(toml: string, force?: boolean): Promise<{ sweep: string; total: number; fresh: number; reused: number }>;
  plan(toml: string, force?: boolean): ReturnType<Client["plan"]>;
  /** A host with that many CPU slots joins, and takes what it is given. */
  join(slots: number): Promise<void>;
  /** Lets runs that were placed end, by handle: "digits.1.3". */
  finish(outcome: Outcome, ...refs: string[]): Promise<void>;
  states(sweep: string): Promise<{ [index: number]: string }>;
}

export async function startControlRig(): Promise<ControlRig> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "exp-control-")));
  const dir = join(root, "work");
  mkdirSync(dir);
  const db = openDatabase(join(root, "store.db"));
  dropStaged(db);
  const clock = systemClock;
  const cluster = loadCluster(db, beginTerm(db), clock.monotonicMs());
  const feed = new Feed();
  let session: SessionId | undefined;
  const engine = new Engine({
    db,
    cluster,
    write: createWriter(db),
    settings: DEFAULT_SETTINGS,
    now: () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), random: 0.5 }),
    feed,
    dispatch: (command: Command) => {
      if (command.kind === "welcome") session = command.session;
    },
    onFatal: (error) => {
      throw error;
    },
  });
  const expander = createExpander();
  const queries = createQueries(db);
  const writes = createControlWrites({
    engine,
    queries,
    submissions: createSubmissions(db),
    staging: createStaging(db),
    expander,
    snapshotProblem: async () => undefined,
    annotations: createAnnotations(db),
    feed,
    loadTerminalRun: createTerminalRunLoader(db),
    loadSweep: createSweepLoader(db),
    channels: new Set(["slack:ml"]),
    tables: [{ appToken: "appKnown1", tableId: "tblKnown1" }],
    newUlid: createUlidSource(() => clock.wallMs(), randomBytes),
    clock,
  });
  const reads = {
    queries,
    cluster,
    feed,
    clock,
    resultsRoot: dir,
    resultsDir: () => undefined,
    outputPath: () => undefined,
    channels: () => [],
    health: () => ({ connected: true, reason: "", serverVersion: "" }),
    addresses: () => ({ http: "" }),
    version: "test",
  };
  const log = { error: (fields: object, message: string) => console.error(message, fields), warn: () => undefined };
  const tokens = createControlTokens({ tokens: createTokenBook(db), clock, logger: { info: () => undefined } });
  const control = createControlService(reads, writes, createControlResults(testResultDeps(db, reads)), tokens, log);
  const agent = { connect: () => undefined, join: () => undefined };
  const server = await createRpcServer({ host: "127.0.0.1", port: 0, verifier: OPEN_VERIFIER, control, agent });
  const client = createClient({ address: `127.0.0.1:${server.port}`, token: undefined, timeoutMs: undefined });

  const rig: ControlRig = {
    dir,
    db,
    engine,
    cluster,
    client,
    put: (path, text) => writeFileSync(join(dir, path), text),
    async source(toml, overrides = {}) {
      rig.put("sweep.toml", toml);
      const given = { path: "sweep.toml", text: toml, format: "toml", directory: dir, workingDirectory: dir } as const;
      return (await collectSource(given, { ...NO_OVERRIDES, ...overrides })).message;
    },
    async submit(toml, force = false) {
      const submitId = `test-${randomBytes(8).toString("hex")}`;
      const source = await rig.source(toml);
      const { sweep, total, fresh, reused } = await client.submit({
        submitId,
        source,
        force,
        priority: undefined,
        code: undefined,
      });
      return { sweep, total, fresh, reused };
    },
    plan: async (toml, force = false) => await client.plan({ source: await rig.source(toml), force, show: 3 }),
    async join(slots) {
      const devices = Array.from({ length: slots }, (_, i) => makeDevice(`a/cpu-${i}`, { index: i }));
      await engine.apply({ kind: "hello", connection: 1, hello: makeHello("a", { devices }) });
    },
    async finish(outcome, ...refs) {
      for (const ref of refs) {
        const run = cluster.runs.get(queries.refs.resolveRun(ref).runId);
        if (run?.fence === undefined || session === undefined) throw new Error(`${ref} is not with a host`);
        const { fence } = run;
        await engine.apply({ kind: "started", session, fence, startedAt: clock.wallMs() - 60_000 });
        const finish = makeFinish(fence, outcome, { startedAt: clock.wallMs() - 60_000, finishedAt: clock.wallMs() });
        await engine.apply({ kind: "finished", session, finish });
      }
    },
    async states(sweep) {
      const records = queries.runs.getMany(
        queries.refs.resolve([sweep]).flatMap((selection) => queries.runs.ids(selection, { states: [], order: "asc" })),
      );
      return Object.fromEntries(
        records.map(({ index, state, reusedFrom, reason }) => [
          index,
          `${state}${reusedFrom === "" ? "" : ` from ${reusedFrom}`}${state === "cancelled" ? ` ${reason}` : ""}`,
        ]),
      );
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await server.stop(1_000);
      engine.stop();
      await expander.close();
      db.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return rig;
}
