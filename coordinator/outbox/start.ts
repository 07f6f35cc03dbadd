/** The outbox, wired: what happened becomes messages, and messages leave the house. */
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import { type Fence, fence } from "../../shared/kernel/ids.ts";
import type { ChannelState } from "../../shared/run/notify.ts";
import type { Feed } from "../feed.ts";
import { type Database, transaction } from "../store/database.ts";
import type { Outbox } from "../store/outbox.ts";
import type { BestQueries } from "../store/queries/best.ts";
import { createRunNewsReader } from "../store/run-news.ts";
import { createSweepStanding } from "../store/sweep-standing.ts";
import { createTargets } from "../store/targets.ts";
import type { Channel } from "./channel.ts";
import { type DeliveryPolicy, startDelivery } from "./delivery.ts";
import { type NoticePace, startNotices } from "./notices.ts";
import { createRunTeller, type RunTarget } from "./tracked-runs.ts";

export interface OutboxOptions {
  readonly db: Database;
  readonly feed: Feed;
  readonly channels: readonly Channel[];
  readonly tracked: readonly RunTarget[];
  readonly outbox: Outbox;
  readonly best: Pick<BestQueries, "rank">;
  readonly newId: () => string;
  readonly clock: Pick<Clock, "wallMs">;
  readonly random: () => number;
  readonly secrets: readonly string[];
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly pace?: NoticePace;
  readonly policy?: DeliveryPolicy;
}

export interface RunningOutbox {
  state(): ChannelState[];
  stop(): Promise<void>;
}

export function startOutbox(options: OutboxOptions): RunningOutbox {
  const { db, feed, channels, outbox, newId, clock, random, secrets, logger, pace, policy } = options;
  const teller = createRunTeller({ db, outbox, targets: options.tracked, newId, wallMs: () => clock.wallMs() });
  // What they said while nobody listened is looked for at once.
  if (options.tracked.length > 0) transaction(db, () => teller.tell([], new Set(openAttempts(db))));
  const delivery = startDelivery({ outbox, channels, clock, random, logger, secrets, ...(policy && { policy }) });
  const notices = startNotices({
    db,
    feed,
    news: createRunNewsReader(db),
    outbox,
    standing: createSweepStanding(db, options.best),
    targets: createTargets(db),
    channels: new Set(channels.map(({ name }) => name)),
    ...(options.tracked.length > 0 && { alsoTell: teller.tell }),
    onNew: () => delivery.wake(),
    newId,
    clock,
    logger,
    ...(pace && { pace }),
  });
  return {
    state: () => delivery.state(),
    async stop() {
      notices.stop();
      await delivery.stop();
    },
  };
}

function openAttempts(db: Database): Fence[] {
  const rows = db.prepare("SELECT fence FROM attempts WHERE phase <> 'ended' OR sealed = 0").all();
  return rows.map((row) => fence(Number(row.fence)));
}
