/**
 * Keeps the run directories true. A directory is written shortly after its run has started (so that short runs cost one
 * writing only), and again when an attempt has ended and all its output is stored; then the attempt is sealed. What people
 * write on a run later is brought into its small files, and so is what a short run ran on, which is told after its end.
 * A killed coordinator does this again at its next start: writing twice changes nothing.
 */
import type { Logger } from "pino";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { type Fence, fence as makeFence, type RunId, runId } from "../../shared/kernel/ids.ts";
import type { FinalSizes } from "../../shared/run/session.ts";
import { isTerminal, type RunState } from "../../shared/run/states.ts";
import type { StreamName } from "../../shared/subjects.ts";
import type { Feed } from "../feed.ts";
import type { EditedRuns } from "../store/annotations.ts";
import type { Database } from "../store/database.ts";

export interface ResultsLoopOptions {
  readonly db: Database;
  readonly feed: Feed;
  readonly committed: (fence: Fence) => ReadonlyMap<StreamName, number>;
  /** Writes the run's directory, or of a run that is over what people wrote on it; rejects where it cannot. */
  readonly project: (run: RunId, what: "all" | "words") => Promise<void>;
  readonly edited: EditedRuns;
  /** Its directory was removed on purpose, and nothing new came since. */
  readonly isPruned: (run: RunId) => boolean;
  /** Durable when it resolves. */
  readonly seal: (fence: Fence) => Promise<unknown>;
  readonly logger: Logger;
}

export interface ResultsLoop {
  stop(): void;
}

/** A run that is over before this has passed is written once, at its end. */
const FIRST_WRITING_MS = 1_000;
/** A run that changes is looked at this much later: most of its changes come in a burst, and one look serves them all. */
const GATHERING_MS = 20;
/** Runs looked at in one turn of the event loop. */
const RUNS_PER_TURN = 8;
/** Directories that are being written or wait for it. */
const WRITING_MAX = 256;
/** A running run is written again after so many times the time that it took: what is large is not written all the time. */
const REST_FACTOR = 5;
/** So many of those that can wait are looked at at a time. */
const LATER_RUNS = 64;
const LATER_MS = 250;
const REST_MS_MAX = 30_000;

interface AttemptRow {
  readonly fence: number;
  readonly phase: string;
  readonly final_sizes_json: string | null;
  readonly sealed: number;
}

export function startResultsLoop(options: ResultsLoopOptions): ResultsLoop {
  const { db, feed, edited, logger } = options;
  const attemptsOf = db.prepare("SELECT fence, phase, final_sizes_json, sealed FROM attempts WHERE run_id = ?");
  const stateOf = db.prepare(`SELECT s.state, r.reused_from FROM run_states s JOIN runs r ON r.run_id = s.run_id
    WHERE s.run_id = ?`);
  const runOf = db.prepare("SELECT run_id FROM attempts WHERE fence = ?");
  const due = new Set<RunId>();
  const sealing = new Set<Fence>();
  const timers = new Map<RunId, NodeJS.Timeout>();
  const writing = new Set<RunId>();
  /** Of running runs, how long to wait before the next writing. */
  const rests = new Map<RunId, number>();
  /** What their directories lack can wait until nothing else does. */
  const later = new Set<RunId>();
  let lateTimer: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let stopped = false;

  for (const row of db.prepare("SELECT run_id FROM attempts WHERE phase = 'ended' AND sealed = 0").iterate()) {
    due.add(runId(String(row.run_id)));
  }
  for (const run of edited.all()) due.add(run);
  const unsubscribe = feed.subscribe((news) => {
    for (const run of news.runs) due.add(run);
    for (const run of news.lateRecords) later.add(run);
    if (later.size > 0) lateTimer ??= setTimeout(lookLater, LATER_MS);
    for (const fence of news.outputs) {
      const row = runOf.get(fence) as { run_id: string } | undefined;
      if (row) due.add(runId(row.run_id));
    }
    schedule();
  });
  schedule();

  function schedule(delayMs = GATHERING_MS): void {
    if (stopped || due.size === 0) return;
    gathering ??= setTimeout(turn, delayMs);
  }

  function lookLater(): void {
    lateTimer = undefined;
    if (due.size === 0 && writing.size === 0) {
      for (const run of [...later].slice(0, LATER_RUNS)) {
        later.delete(run);
        due.add(run);
      }
      schedule();
    }
    if (later.size > 0) lateTimer = setTimeout(lookLater, LATER_MS);
  }

  function turn(): void {
    if (stopped) return;
    let left = RUNS_PER_TURN;
    for (const run of due) {
      if (writing.has(run)) continue;
      if (writing.size >= WRITING_MAX) break;
      due.delete(run);
      look(run);
      left -= 1;
      if (left === 0) break;
    }
    gathering = undefined;
    // What is left waits for a writing, whose end calls again.
    if (left === 0) schedule(0);
  }

  function look(run: RunId): void {
    const attempts = attemptsOf.all(run) as unknown as AttemptRow[];
    const whole = attempts.filter(isWhole).map(({ fence }) => makeFence(fence));
    const row = stateOf.get(run) as { state: RunState; reused_from: string | null } | undefined;
    if (whole.length > 0) {
      forgetTimer(run);
      rests.delete(run);
      // All that was written on it before is in this writing.
      const edit = edited.editOf(run);
      write(run, () => {
        if (edit !== undefined) edited.shown(run, edit);
        for (const fence of whole) seal(run, fence);
      });
      return;
    }
    if (row?.state === "running") {
      if (!timers.has(run))
        timers.set(
          run,
          setTimeout(() => writeIfRunning(run), rests.get(run) ?? FIRST_WRITING_MS),
        );
      return;
    }
    if (row && isTerminal(row.state)) {
      forgetTimer(run);
      rests.delete(run);
      // Ended without ever having started: its record is complete now.
      const isWritten = attempts.length > 0 || row.reused_from !== null;
      const edit = edited.editOf(run);
      if (isWritten && (edit === undefined || attempts.some(({ sealed }) => sealed === 0))) return;
      const whenShown = () => edit !== undefined && edited.shown(run, edit);
      if (options.isPruned(run)) whenShown();
      else write(run, whenShown, isWritten ? "words" : "all");
    }
  }

  /** Ended, and every byte it promised is stored; a host that could not say how much there is promised nothing. */
  function isWhole(attempt: AttemptRow): boolean {
    if (attempt.phase !== "ended" || attempt.sealed === 1 || sealing.has(makeFence(attempt.fence))) return false;
    if (attempt.final_sizes_json === null) return true;
    const sizes = JSON.parse(attempt.final_sizes_json) as FinalSizes;
    const committed = options.committed(makeFence(attempt.fence));
    return Object.entries(sizes).every(([stream, size]) => (committed.get(stream as StreamName) ?? 0) >= size);
  }

  function writeIfRunning(run: RunId): void {
    timers.delete(run);
    const row = stateOf.get(run) as { state: RunState } | undefined;
    if (row?.state !== "running") return;
    if (writing.has(run)) return again(run);
    const began = performance.now();
    write(run, () => {
      const restMs = REST_FACTOR * (performance.now() - began);
      rests.set(run, Math.min(REST_MS_MAX, Math.max(FIRST_WRITING_MS, restMs)));
    });
  }

  /** A directory that cannot be written (a full disk) does not stop the fleet; the attempt stays unsealed and is tried again. */
  function write(run: RunId, whenWritten: () => void, what: "all" | "words" = "all"): void {
    writing.add(run);
    options
      .project(run, what)
      .then(
        () => {
          if (!stopped) whenWritten();
        },
        (error: unknown) => {
          if (stopped) return;
          logger.error({ run, error: errorMessage(error) }, "run directory not written");
          if (!timers.has(run))
            timers.set(
              run,
              setTimeout(() => again(run), FIRST_WRITING_MS * 10),
            );
        },
      )
      .finally(() => {
        writing.delete(run);
        schedule();
      });
  }

  function again(run: RunId): void {
    timers.delete(run);
    due.add(run);
    schedule();
  }

  function seal(run: RunId, fence: Fence): void {
    sealing.add(fence);
    options
      .seal(fence)
      .catch((error: unknown) => logger.debug({ fence, error: errorMessage(error) }, "not sealed: stopping"))
      .finally(() => {
        sealing.delete(fence);
        // Written on while its directory was.
        if (!stopped && edited.editOf(run) !== undefined) again(run);
      });
  }

  function forgetTimer(run: RunId): void {
    clearTimeout(timers.get(run));
    timers.delete(run);
  }

  return {
    stop: () => {
      stopped = true;
      unsubscribe();
      clearTimeout(gathering);
      clearTimeout(lateTimer);
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
