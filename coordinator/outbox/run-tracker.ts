/**
 * A channel that shows whole runs elsewhere: makes the run there, sends its points from where it stopped, then what else there
 * is to say of it. How far it is stands in the store after each portion, and before the first one that a portion may be on its
 * way: after a kill the tracker is told that some of the next one may have arrived.
 */
import { hash } from "node:crypto";
import type { Logger } from "pino";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { type Fence, type RunId, runId } from "../../shared/kernel/ids.ts";
import type { OutboxEntry } from "../store/outbox.ts";
import { type Channel, type Delivery, DONE } from "./channel.ts";
import { CallError } from "./http-call.ts";
import { type CurvePoint, firstCursor, type PointCursor, readPortion } from "./run-points.ts";
import type { SharedAttempt, SharedRun, SharedRuns } from "./shared-run.ts";

export interface PortionToSend {
  readonly attempt: SharedAttempt;
  readonly points: readonly CurvePoint[];
  /** Points of the run that were sent before these. */
  readonly before: number;
  /** What the tracker said after the portion before of this attempt; 0 at first. */
  readonly mark: number;
  /** Some of it may be there from a try whose answer was lost. */
  readonly isRepeat: boolean;
}

/** What a tracker does; each rejects with CallError, or with RunGone. */
export interface Tracker {
  /** As `kind:name`. */
  readonly name: string;
  /** Values of one portion, about. */
  readonly valuesMax: number;
  /**
   * Finds the run there or makes it, and says what it is called there. `remote`: what was said before; `sent`: points that were
   * sent before.
   */
  open(run: SharedRun, remote: string | undefined, sent: number, signal: AbortSignal): Promise<string>;
  /** Resolves with its mark when the points are safe there. */
  send(run: SharedRun, remote: string, portion: PortionToSend, signal: AbortSignal): Promise<number>;
  /** What there is to say of a run besides points, as text: said again where it changes. */
  description(run: SharedRun): string;
  describe(run: SharedRun, remote: string, signal: AbortSignal): Promise<void>;
  probe(signal: AbortSignal): Promise<string>;
  close?(): Promise<void>;
}

/** The run is no longer there, or less of it than was sent: it is sent from its beginning. */
export class RunGone extends Error {}

interface Memo {
  readonly remote?: string;
  /** Hash of the description that is there. */
  readonly told?: string;
  readonly sent: number;
  /** By fence. */
  readonly cursors: { readonly [fence: string]: PointCursor & { readonly mark: number } };
  /** Fence of the attempt of which a portion may be on its way. */
  readonly unsure?: number;
}

const NOTHING_SENT: Memo = { sent: 0, cursors: {} };
/** Entries of one call. */
const BATCH_MAX = 32;
/** Portions of a run before others have their turn. */
const PORTIONS_MAX = 50;
const WAITING_MORE: Delivery = { kind: "more" };

export interface TrackerChannelOptions {
  readonly tracker: Tracker;
  readonly runs: SharedRuns;
  readonly logger: Pick<Logger, "warn">;
}

export function createTrackerChannel({ tracker, runs, logger }: TrackerChannelOptions): Channel {
  const { name, valuesMax } = tracker;

  async function deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<readonly Delivery[]> {
    const deliveries: Delivery[] = [];
    for (const { subject } of entries) {
      const delivery = await deliverRun(runId(subject), signal);
      deliveries.push(delivery);
      // What does not take one run now takes none.
      if (delivery.kind === "later" && delivery.afterMs === undefined) break;
    }
    const last = deliveries.at(-1) ?? DONE;
    return entries.map((_, i) => deliveries[i] ?? last);
  }

  async function deliverRun(id: RunId, signal: AbortSignal): Promise<Delivery> {
    try {
      return await bring(id, signal);
    } catch (error) {
      if (error instanceof RunGone) {
        logger.warn({ channel: name, run: id, reason: error.message }, "run is sent again from its beginning");
        runs.setMemo(name, id, undefined);
        return { kind: "later", error: error.message, afterMs: 0 };
      }
      if (error instanceof CallError && !error.isTransient) return { kind: "refused", error: error.message };
      const after = error instanceof CallError && error.afterMs !== undefined ? { afterMs: error.afterMs } : {};
      return { kind: "later", error: errorMessage(error), ...after };
    }
  }

  /** Brings the run there up to what is stored here. */
  async function bring(id: RunId, signal: AbortSignal): Promise<Delivery> {
    const run = runs.get(id);
    if (!run) return DONE;
    let memo = memoOf(runs.memo(name, id));
    const keep = (changed: Partial<Memo>) => {
      memo = { ...memo, ...changed };
      runs.setMemo(name, id, JSON.stringify(memo));
    };
    const remote = await tracker.open(run, memo.remote, memo.sent, signal);
    if (remote !== memo.remote) keep({ remote });
    let isRepeat = memo.unsure !== undefined;
    let portions = 0;
    for (const attempt of inOrder(run.attempts, memo.unsure)) {
      const key = String(attempt.fence);
      for (;;) {
        const from = memo.cursors[key] ?? { ...firstCursor(attempt.assignedAt), mark: 0 };
        const { points, to } = await readPortion(attempt.path, from, attempt.committed, valuesMax);
        if (to.offset === from.offset) break;
        if (portions === PORTIONS_MAX) return WAITING_MORE;
        portions += 1;
        let { mark } = from;
        if (points.length > 0) {
          if (memo.unsure !== attempt.fence) keep({ unsure: attempt.fence });
          mark = await tracker.send(run, remote, { attempt, points, before: memo.sent, mark, isRepeat }, signal);
          isRepeat = false;
        }
        keep({ sent: memo.sent + points.length, cursors: { ...memo.cursors, [key]: { ...to, mark } } });
        signal.throwIfAborted();
      }
    }
    const told = hash("sha256", tracker.description(run), "hex");
    if (told !== memo.told) await tracker.describe(run, remote, signal);
    if (told !== memo.told || memo.unsure !== undefined) {
      const { unsure: _, ...sure } = memo;
      memo = sure;
      keep({ told });
    }
    return DONE;
  }

  return {
    name,
    batchMax: BATCH_MAX,
    readsLate: true,
    isPatient: true,
    deliver,
    probe: (signal) => tracker.probe(signal),
    close: async () => await tracker.close?.(),
  };
}

function memoOf(text: string | undefined): Memo {
  return text === undefined ? NOTHING_SENT : (JSON.parse(text) as Memo);
}

/** The one that a portion may be on its way of comes first: that is the next portion again. */
function inOrder(attempts: readonly SharedAttempt[], unsure: number | undefined): readonly SharedAttempt[] {
  const first = attempts.find(({ fence }) => fence === (unsure as Fence | undefined));
  return first ? [first, ...attempts.filter((attempt) => attempt !== first)] : attempts;
}
