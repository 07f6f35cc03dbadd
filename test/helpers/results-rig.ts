/** A seeded store with results directories as a coordinator leaves them, behind the real gRPC server; asked by the real `exp`. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Feed } from "../../coordinator/feed.ts";
import { runDirectory, streamPath } from "../../coordinator/results/run-directory.ts";
import type { ReadDeps } from "../../coordinator/rpc/control/deps.ts";
import type { ResultDeps } from "../../coordinator/rpc/control/deps-results.ts";
import { createControlService } from "../../coordinator/rpc/control/handlers.ts";
import { createControlResults } from "../../coordinator/rpc/control/results.ts";
import { createControlTokens } from "../../coordinator/rpc/control/tokens.ts";
import { createRpcServer } from "../../coordinator/rpc/server.ts";
import { type Database, openDatabase } from "../../coordinator/store/database.ts";
import { beginTerm, loadCluster } from "../../coordinator/store/load-cluster.ts";
import { createQueries } from "../../coordinator/store/queries/queries.ts";
import { createAttemptLocator } from "../../coordinator/store/run-record.ts";
import { createTokenBook } from "../../coordinator/store/tokens.ts";
import { systemClock } from "../../shared/kernel/clock.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import { testResultDeps } from "./control-results.ts";
import { createTestWrites } from "./control-writes.ts";
import { OPEN_VERIFIER } from "./open-verifier.ts";
import { type ProgramResult, runExp } from "./program-process.ts";
import { createSeeder, type SeededSweep, type SeedSweep } from "./seed-store.ts";

export interface ResultsRig extends AsyncDisposable {
  readonly dir: string;
  readonly resultsRoot: string;
  readonly db: Database;
  readonly deps: ResultDeps;
  readonly seed: ReturnType<typeof createSeeder>;
  /** As `seed.sweep`; the nth run has the nth text as its client stream, and its directory is written. */
  sweep(seed: SeedSweep, clients?: readonly string[]): Promise<SeededSweep>;
  directoryOf(run: RunId | undefined): string;
  exp(...args: string[]): Promise<ProgramResult>;
  /** What `exp ARGS --json` prints. Throws where it fails. */
  json<T>(...args: string[]): Promise<T>;
}

export async function startResultsRig(): Promise<ResultsRig> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-results-")));
  const resultsRoot = join(dir, "coordinator-results");
  mkdirSync(resultsRoot);
  const db = openDatabase(join(dir, "store.db"));
  const seed = createSeeder(db);
  const feed = new Feed();
  const queries = createQueries(db);
  const locate = createAttemptLocator(db);
  const place = (fence: Fence) => {
    const found = locate(fence);
    return found && { ...found, directory: runDirectory(resultsRoot, found) };
  };
  seed.node("gpu-01", []);
  const reads: ReadDeps = {
    ...{ queries, feed, resultsRoot, clock: systemClock, version: "test" },
    cluster: loadCluster(db, beginTerm(db), systemClock.monotonicMs()),
    resultsDir: (fence) => place(fence)?.directory,
    outputPath(fence, stream) {
      const found = place(fence);
      return found && streamPath(found.directory, found.attempt, stream);
    },
    channels: () => [],
    health: () => ({ connected: true, reason: "", serverVersion: "" }),
    addresses: () => ({ http: "" }),
  };
  const deps = testResultDeps(db, reads);
  const writes = createTestWrites(db, feed, reads);
  const log = { error: (fields: object, message: string) => console.error(message, fields), warn: () => undefined };
  const tokens = createControlTokens({
    tokens: createTokenBook(db),
    clock: systemClock,
    logger: { info: () => undefined },
  });
  const server = await createRpcServer({
    ...{ host: "127.0.0.1", port: 0, verifier: OPEN_VERIFIER },
    control: createControlService(reads, writes.actions.writes, createControlResults(deps), tokens, log),
    agent: { connect: () => undefined, join: () => undefined },
  });
  const token = join(dir, "token");
  writeFileSync(token, "any\n");
  const directoryOf = (run: RunId | undefined) => {
    if (run === undefined) throw new Error("there is no such run");
    return runDirectory(resultsRoot, queries.record(run));
  };
  const exp = (...args: string[]) =>
    runExp([...args, "--server", `127.0.0.1:${server.port}`, "--token-file", token], dir, {
      ...{ HOME: dir, XDG_CONFIG_HOME: join(dir, "config"), NO_COLOR: "", EXP_OUTPUT: "" },
    });
  return {
    ...{ dir, resultsRoot, db, deps, seed, directoryOf, exp },
    async sweep(made, clients = []) {
      const seeded = seed.sweep(made);
      for (const [i, run] of seeded.runIds.entries()) {
        const fence = seeded.fences[i];
        if (fence === undefined) continue;
        const client = clients[i] ?? "";
        const path = streamPath(directoryOf(run), 1, "client");
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, client);
        seed.commit(fence, "client", Buffer.byteLength(client));
        await deps.project(run);
      }
      return seeded;
    },
    async json<T>(...args: string[]) {
      const { code, stdout, stderr } = await exp(...args, "--json");
      if (code !== 0) throw new Error(`exp ${args.join(" ")}: ${code}\n${stderr}`);
      return JSON.parse(stdout) as T;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(1_000);
      await writes.close();
      db.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
