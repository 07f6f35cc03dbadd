/** A channel for runs with runs of which tests say everything: their points lie in files, their state is what was said last. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DeliveryLoop, startDelivery } from "../../coordinator/outbox/delivery.ts";
import { createTrackerChannel, type Tracker } from "../../coordinator/outbox/run-tracker.ts";
import type { SharedRun, SharedRuns } from "../../coordinator/outbox/shared-run.ts";
import { createTrackedRuns } from "../../coordinator/outbox/tracked-runs.ts";
import { openDatabase } from "../../coordinator/store/database.ts";
import { createOutbox } from "../../coordinator/store/outbox.ts";
import { required } from "../../shared/kernel/assert.ts";
import { fence, type RunId, runId } from "../../shared/kernel/ids.ts";
import { paramsFromJson } from "../../shared/spec/params-json.ts";
import { waitUntil } from "./wait-until.ts";

export const STARTED = Date.UTC(2026, 0, 2, 4);

export interface TrackerRig extends AsyncDisposable {
  readonly dir: string;
  readonly lines: string[];
  readonly runs: SharedRuns;
  /** Adds lines to the points of an attempt, the last one where none is named. */
  log(index: number, lines: readonly (object | string)[], attempt?: number): void;
  /** Changes what the store would say of the run. */
  change(
    index: number,
    parts: Partial<SharedRun["record"]> & { note?: string; tags?: string[]; complete?: boolean },
  ): void;
  addAttempt(index: number): void;
  /** Something is new of these runs. */
  put(...indexes: number[]): void;
  settled(): Promise<void>;
  waiting(): number;
  state(): ReturnType<DeliveryLoop["state"]>;
  stop(): Promise<void>;
  restart(): void;
}

interface Made {
  record: SharedRun["record"];
  annotation: SharedRun["annotation"];
  complete: boolean;
  attempts: number;
}

export function startTrackerRig(create: (logger: never) => Tracker, secrets: readonly string[] = []): TrackerRig {
  const dir = mkdtempSync(join(tmpdir(), "exp-tracker-"));
  const db = openDatabase(":memory:");
  const outbox = createOutbox(db);
  const lines: string[] = [];
  const say = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: say, warn: say, error: say } as never;
  const made = new Map<RunId, Made>();
  const memos = createTrackedRuns(db, outbox, () => undefined);
  const pathOf = (index: number, attempt: number) => join(dir, "points", `${index}-${attempt}.jsonl`);
  const idOf = (index: number) => runId(`run_${index}`);
  const sizeOf = (path: string) => {
    try {
      return readFileSync(path).length;
    } catch {
      return 0;
    }
  };
  function of(index: number): Made {
    let run = made.get(idOf(index));
    if (!run) {
      run = {
        record: recordOf(index),
        annotation: { tags: [], note: "", favourite: false },
        complete: false,
        attempts: 1,
      };
      made.set(idOf(index), run);
    }
    return run;
  }
  const runs: SharedRuns = {
    get(id) {
      const run = made.get(id);
      if (!run) return undefined;
      const { record, annotation, complete } = run;
      const attempts = Array.from({ length: run.attempts }, (_, i) => ({
        number: i + 1,
        fence: fence(record.index * 100 + i + 1),
        node: "node-1",
        assignedAt: STARTED + i * 60_000,
        startedAt: STARTED + i * 60_000 + 500,
        path: pathOf(record.index, i + 1),
        committed: sizeOf(pathOf(record.index, i + 1)),
      }));
      return { record, project: "vision", annotation, isComplete: complete, attempts };
    },
    memo: (channel, id) => memos.remoteId(channel, { subject: id }),
    setMemo: (channel, id, memo) => memos.setRemoteId(channel, { subject: id }, memo),
  };
  let tracker: Tracker;
  const start = () => {
    tracker = create(logger);
    return startDelivery({
      outbox,
      channels: [createTrackerChannel({ tracker, runs, logger })],
      clock: { wallMs: () => Date.now() },
      random: () => 0.5,
      logger,
      secrets,
      policy: { backoff: { baseMs: 5, maxMs: 40 }, triesMax: 3, ageMsMax: 60_000 },
    });
  };
  let loop = start();
  let stopped = false;
  let n = 0;
  const rig: TrackerRig = {
    dir,
    lines,
    runs,
    log(index, added, attempt = of(index).attempts) {
      of(index);
      mkdirSync(dirname(pathOf(index, attempt)), { recursive: true });
      const text = added.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
      appendFileSync(pathOf(index, attempt), text);
    },
    change(index, { note, tags, complete, ...parts }) {
      const run = of(index);
      run.record = { ...run.record, ...parts };
      run.annotation = { ...run.annotation, note: note ?? run.annotation.note, tags: tags ?? run.annotation.tags };
      run.complete = complete ?? run.complete;
    },
    addAttempt(index) {
      of(index).attempts += 1;
    },
    put(...indexes) {
      const now = Date.now();
      for (const index of indexes) {
        of(index);
        n += 1;
        const entry = { id: `id-${n}`, channel: required(tracker, "tracker").name, subject: idOf(index), body: "{}" };
        outbox.put({ ...entry, createdAt: now, dueAt: now, merge: (old) => old });
      }
      if (!stopped) loop.wake();
    },
    settled: async () => {
      await waitUntil("nothing waits", () => outbox.count() === 0, { boundMs: 60_000, seen: () => lines.slice(-3) });
    },
    waiting: () => outbox.count(),
    state: () => loop.state(),
    async stop() {
      if (!stopped) await loop.stop();
      stopped = true;
    },
    restart() {
      loop = start();
      stopped = false;
    },
    async [Symbol.asyncDispose]() {
      await rig.stop();
      db.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return rig;
}

function recordOf(index: number): SharedRun["record"] {
  return {
    runId: runId(`run_${index}`),
    runRef: `digits.1.${index}`,
    sweepRef: "digits.1",
    sweepName: "digits",
    index,
    state: "running",
    reason: "",
    params: paramsFromJson(`{"lr":${index}.5,"optim.name":"adam","layers":[1,2]}`),
    command: "python train.py",
    cwd: "/x",
    tags: ["base"],
    note: "",
    createdAt: STARTED,
    firstAssignedAt: STARTED,
    finishedAt: undefined,
    reusedFrom: undefined,
    attempts: [],
  };
}
