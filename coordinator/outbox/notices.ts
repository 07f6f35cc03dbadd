/**
 * Makes messages of what happens to sweeps. What happened is read from the store, where it was written with the change itself;
 * it is forgotten in the transaction that puts the messages into the outbox. So a kill loses none and repeats none.
 */
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import type { NotifyEvent } from "../../shared/run/notify.ts";
import type { Feed } from "../feed.ts";
import { type Database, transaction } from "../store/database.ts";
import type { Outbox } from "../store/outbox.ts";
import type { RunNews, RunNewsReader, SweepNotice } from "../store/run-news.ts";
import type { SweepStanding } from "../store/sweep-standing.ts";
import type { Targets } from "../store/targets.ts";
import { mergeFacts, type SweepFacts } from "./facts.ts";

export interface NoticesOptions {
  readonly db: Database;
  readonly feed: Feed;
  readonly news: RunNewsReader;
  readonly outbox: Outbox;
  readonly standing: SweepStanding;
  readonly targets: Pick<Targets, "stoppedBy">;
  /** Channels that there are; messages for others are not made. */
  readonly channels: ReadonlySet<string>;
  /** Takes what happened to runs further than messages. Within the transaction. */
  readonly alsoTell?: (news: readonly RunNews[], grown: ReadonlySet<Fence>) => void;
  /** After messages were put into the outbox. */
  readonly onNew: () => void;
  readonly newId: () => string;
  readonly clock: Pick<Clock, "wallMs">;
  readonly logger: Pick<Logger, "error">;
  readonly pace?: NoticePace;
}

export interface NoticePace {
  /** What happens within this time becomes one message. */
  readonly gatherMs: number;
  /** Time between two messages about a sweep to one channel; its end does not wait for it. */
  readonly quietMs: number;
  /** How long the end of a sweep waits for the output of its last runs. */
  readonly outputMs: number;
}

export interface Notices {
  stop(): void;
}

export const PACE: NoticePace = { gatherMs: 2_000, quietMs: 60_000, outputMs: 120_000 };
/** Rows of news in one turn of the event loop. */
const ROWS_PER_TURN = 1_000;
const LOOK_MS = 200;
/** Ends that wait for output are looked at again so often. */
const CHECK_MS = 5_000;

export function startNotices(options: NoticesOptions): Notices {
  const { db, feed, news, outbox, standing, targets, channels, onNew, newId, clock, logger, pace = PACE } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  /** Attempts whose output grew. */
  let grown = new Set<Fence>();
  const schedule = (delayMs: number) => {
    if (!stopped) timer ??= setTimeout(turn, delayMs);
  };
  const unsubscribe = feed.subscribe(({ outputs }) => {
    if (options.alsoTell) for (const fence of outputs) grown.add(fence);
    schedule(LOOK_MS);
  });
  const check = setInterval(() => schedule(0), CHECK_MS);
  schedule(0);

  function turn(): void {
    timer = undefined;
    try {
      if (transaction(db, look) === ROWS_PER_TURN) schedule(0);
      onNew();
    } catch (error) {
      // Nothing of it was kept: the next look does it again.
      logger.error({ error: errorMessage(error) }, "messages not made");
    }
  }

  /** Rows that were read. */
  function look(): number {
    const rows = news.read(ROWS_PER_TURN);
    const bySweep = Map.groupBy(rows, ({ sweepId }) => sweepId);
    for (const [id, rowsOfSweep] of bySweep) {
      const notice = news.notice(id);
      if (notice) tellRuns(notice, rowsOfSweep);
    }
    // Rows that are still to be read may bring a sweep back to life.
    if (rows.length < ROWS_PER_TURN) for (const notice of news.openNotices()) tellEnd(notice);
    options.alsoTell?.(rows, grown);
    grown = new Set();
    const last = rows.at(-1);
    if (last) news.forget(last.seq);
    return rows.length;
  }

  function tellRuns(before: SweepNotice, rows: readonly RunNews[]): void {
    let notice = before;
    const runsThat = (what: RunNews["what"]) => [
      ...new Set(rows.flatMap((row) => (row.what === what && row.runId ? row.runId : []))),
    ];
    if (notice.finished && standing.isLive(notice.sweepId)) notice = { ...notice, finished: false };
    if (!notice.started && runsThat("running").length > 0) {
      notice = { ...notice, started: true };
      put(notice, "started", { started: { runs: standing.total(notice.sweepId) } });
    }
    const failed = runsThat("failed").map((run) => standing.failedRun(run));
    if (failed.length > 0) put(notice, "failed", { failed: { count: failed.length, examples: failed } });
    if (notice.on.includes("best")) notice = tellBest(notice, runsThat("sealed"));
    // A run is sealed after its sweep was stopped by it, and once.
    for (const run of notice.on.includes("target") ? runsThat("sealed") : []) {
      const target = targets.stoppedBy(run);
      if (target) put(notice, "target", { target });
    }
    if (notice !== before) news.setNotice(notice);
  }

  function tellBest(notice: SweepNotice, runs: readonly RunId[]): SweepNotice {
    const best = runs.length > 0 ? standing.best(notice.sweepId) : undefined;
    if (!best || best.value === notice.best) return notice;
    put(notice, "best", { best });
    return { ...notice, best: best.value };
  }

  function tellEnd(notice: SweepNotice): void {
    const end = standing.end(notice.sweepId);
    if (!end || (!end.isStored && clock.wallMs() - end.atMs < pace.outputMs)) return;
    put(notice, "finished", { finished: end.finished });
    news.setNotice({ ...notice, finished: true });
  }

  function put({ sweepId: id, on, to }: SweepNotice, event: NotifyEvent, facts: Partial<SweepFacts>): void {
    if (!on.includes(event)) return;
    const now = clock.wallMs();
    const body: SweepFacts = mergeFacts(standing.names(id), { ...standing.names(id), ...facts });
    for (const channel of to) {
      if (!channels.has(channel)) continue;
      const quietUntil = event === "finished" ? 0 : outbox.lastSent(channel, id) + pace.quietMs;
      outbox.put({
        id: newId(),
        channel,
        subject: id,
        body: JSON.stringify(body),
        createdAt: now,
        dueAt: Math.max(now + pace.gatherMs, quietUntil),
        merge: (old) => JSON.stringify(mergeFacts(JSON.parse(old) as SweepFacts, body)),
      });
    }
  }

  return {
    stop() {
      stopped = true;
      unsubscribe();
      clearTimeout(timer);
      clearInterval(check);
    },
  };
}
