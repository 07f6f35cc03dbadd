/**
 * An agent's output plane and the coordinator's ingest in one process, joined by a real bus; the control session between
 * them is a function call that a test may cut. Attempt n has fence n, host files in `host/n` and results in `results/n`.
 */
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createOutputPlane, type OutputPlane, type OutputPlaneOptions } from "../../agent/output/output-plane.ts";
import { fileNameOf } from "../../agent/output/tail.ts";
import { Feed } from "../../coordinator/feed.ts";
import { type Database, openDatabase } from "../../coordinator/store/database.ts";
import { createOutputStore } from "../../coordinator/store/outputs.ts";
import { createIngest, type Ingest } from "../../coordinator/stream/ingest.ts";
import { systemClock } from "../../shared/kernel/clock.ts";
import { type Fence, fence } from "../../shared/kernel/ids.ts";
import type { BusAccess, StreamOffset } from "../../shared/run/session.ts";
import type { StreamName } from "../../shared/subjects.ts";

export const AGENT_ID = "agent-1";

export interface OutputRig extends AsyncDisposable {
  readonly dir: string;
  readonly db: Database;
  readonly feed: Feed;
  readonly plane: OutputPlane;
  readonly ingest: Ingest;
  /** While false, nothing passes between plane and ingest but the bus. */
  session: boolean;
  /** Errors that would have ended the coordinator. */
  readonly fatal: Error[];
  /** Watermarks with a resend hint so far. */
  hints: number;
  /** Watermarks that were lost because there was no session. */
  readonly unheard: StreamOffset[];
  /** Makes the host directory of an attempt; its row in the store too. */
  host(number: number): string;
  hostFile(number: number, stream: StreamName): string;
  resultFile(number: number, stream: StreamName): string;
  watch(number: number): Fence;
  committed(number: number, stream: StreamName): number;
  /** Ends the ingest and starts another one on the same store. */
  restartIngest(): Promise<void>;
  /** Ends the plane and starts another one, which watches nothing. */
  restartPlane(): Promise<void>;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly access: BusAccess;
  readonly plane?: Partial<OutputPlaneOptions>;
  readonly streamBytesMax?: number;
}

export function startOutputRig(options: RigOptions): OutputRig {
  const dir = mkdtempSync(join(tmpdir(), "exp-output-"));
  const results = join(dir, "results");
  const db = openDatabase(join(dir, "store.db"));
  // The attempts of these tests belong to no run.
  db.exec("PRAGMA foreign_keys = OFF");
  const feed = new Feed();
  const logger = pino({ level: process.env.EXP_TEST_LOG ?? "silent" });
  const known = new Set<Fence>();
  const addAttempt = db.prepare(
    `INSERT INTO attempts (fence, run_id, number, node, devices_json, phase, stopping, assigned_at, sealed)
     VALUES (?, 'run', 1, 'node', '[]', 'running', '', 0, 0)`,
  );
  const rig: OutputRig = {
    dir,
    db,
    feed,
    session: true,
    fatal: [],
    hints: 0,
    unheard: [],
    get plane() {
      return plane;
    },
    get ingest() {
      return ingest;
    },
    host,
    hostFile: (number, stream) => join(host(number), fileNameOf(stream)),
    resultFile: (number, stream) => join(results, String(number), fileNameOf(stream)),
    watch: (number) => {
      plane.watch(fence(number), host(number), createOutputStore(db).committedOffsets(fence(number)));
      return fence(number);
    },
    committed: (number, stream) => createOutputStore(db).committedOffsets(fence(number)).get(stream) ?? 0,
    restartIngest: async () => {
      await ingest.close();
      ingest = newIngest();
    },
    restartPlane: async () => {
      await plane.close();
      plane = newPlane();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  let plane = newPlane();
  let ingest = newIngest();
  return rig;

  function newPlane(): OutputPlane {
    const made = createOutputPlane({
      agentId: AGENT_ID,
      clock: systemClock,
      logger,
      stallMs: 2_000,
      sendOverSession: (chunk) => {
        if (rig.session) ingest.ingestChunk(AGENT_ID, chunk);
        return rig.session;
      },
      ...options.plane,
    });
    made.setBus(options.access);
    return made;
  }

  function newIngest(): Ingest {
    return createIngest({
      bus: options.access,
      db,
      feed,
      clock: systemClock,
      logger,
      locate: (of) =>
        known.has(of)
          ? { agentId: AGENT_ID, path: (stream) => join(results, String(of), fileNameOf(stream)) }
          : undefined,
      onWatermarks: (agentId, offsets, resend) => {
        if (agentId !== AGENT_ID) return;
        if (resend) rig.hints += 1;
        if (rig.session) plane.applyWatermarks(offsets, resend);
        else rig.unheard.push(...offsets);
      },
      onFatal: (error) => rig.fatal.push(error),
      ...(options.streamBytesMax === undefined ? {} : { streamBytesMax: options.streamBytesMax }),
    });
  }

  function host(number: number): string {
    const path = join(dir, "host", String(number));
    mkdirSync(path, { recursive: true });
    if (!known.has(fence(number))) addAttempt.run(number);
    known.add(fence(number));
    return path;
  }

  async function stop(): Promise<void> {
    await Promise.all([plane.close(), ingest.close()]);
    db.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest("hex");
}
