/**
 * Brings the entries of the outbox to their channels: one call at a time for each, none in the way of the engine. What fails
 * is tried again, less and less often, and given up at last. A killed coordinator goes on where it was: a try is counted
 * before it begins, so a receiver may get an entry twice, and knows it by its id.
 */
import type { Logger } from "pino";
import { type BackoffPolicy, backoffMs } from "../../shared/kernel/backoff.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { ChannelState } from "../../shared/run/notify.ts";
import type { Outbox, OutboxEntry } from "../store/outbox.ts";
import type { Channel, Delivery } from "./channel.ts";
import { CallError } from "./http-call.ts";

export interface DeliveryOptions {
  readonly outbox: Outbox;
  readonly channels: readonly Channel[];
  readonly clock: Pick<Clock, "wallMs">;
  readonly random: () => number;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** Texts that must not be seen anywhere. */
  readonly secrets: readonly string[];
  readonly policy?: DeliveryPolicy;
}

export interface DeliveryPolicy {
  readonly backoff: BackoffPolicy;
  readonly triesMax: number;
  readonly ageMsMax: number;
}

export interface DeliveryLoop {
  /** Something new may be due. */
  wake(): void;
  /** By the order of the channels. */
  state(): ChannelState[];
  /** Breaks off what is on its way: it is sent again after the next start. */
  stop(): Promise<void>;
}

export const DELIVERY: DeliveryPolicy = {
  backoff: { baseMs: 1_000, maxMs: 600_000 },
  triesMax: 60,
  ageMsMax: 24 * 3_600_000,
};
/** Looked at again at the latest, as clocks may jump. */
const REST_MS_MAX = 60_000;

export function startDelivery(options: DeliveryOptions): DeliveryLoop {
  const { outbox, channels, clock, random, logger, policy = DELIVERY } = options;
  const abort = new AbortController();
  const lanes = channels.map((channel) => ({
    channel,
    timer: undefined as NodeJS.Timeout | undefined,
    busy: false,
    /** Calls in a row of which nothing was delivered. */
    failures: 0,
    /** A receiver that is not there is left alone until then, whatever is due. Unix ms. */
    restUntil: 0,
    problem: "",
  }));
  type Lane = (typeof lanes)[number];
  const running = new Set<Promise<void>>();
  const secrets = options.secrets.filter((secret) => secret.length > 3);

  function schedule(lane: Lane): void {
    clearTimeout(lane.timer);
    if (abort.signal.aborted || lane.busy) return;
    const at = outbox.nextDue(lane.channel.name);
    if (at === undefined) return;
    const restMs = Math.min(REST_MS_MAX, Math.max(0, Math.max(at, lane.restUntil) - clock.wallMs()));
    lane.timer = setTimeout(() => start(lane), restMs);
  }

  function start(lane: Lane): void {
    lane.busy = true;
    const turn = deliver(lane)
      .catch((error: unknown) => {
        lane.problem = hidden(errorMessage(error));
        logger.error({ channel: lane.channel.name, error: lane.problem }, "outbox failed");
      })
      .finally(() => {
        lane.busy = false;
        running.delete(turn);
        schedule(lane);
      });
    running.add(turn);
  }

  async function deliver(lane: Lane): Promise<void> {
    const { channel } = lane;
    // The timer may have been for another time: clocks jump.
    if (clock.wallMs() < lane.restUntil) return;
    const found = outbox.due(channel.name, clock.wallMs(), channel.batchMax);
    if (found.length === 0) return;
    const due = channel.readsLate ? outbox.absorb(found) : found;
    outbox.begin(due);
    const entries = due.map((entry) => ({ ...entry, tries: entry.tries + 1 }));
    const deliveries = await deliverEach(channel, entries);
    if (abort.signal.aborted) return;
    note(lane, entries, deliveries);
    // What failed together comes again together, and in its order.
    const spread = random();
    for (const [i, entry] of entries.entries()) settle(channel, entry, deliveries[i] ?? NO_WORD, spread);
  }

  /** What the channel looks like after a call; one that waits for its receiver says so in one line for all. */
  function note(lane: Lane, entries: readonly OutboxEntry[], deliveries: readonly Delivery[]): void {
    const failed = deliveries.find((delivery) => delivery.kind === "later" || delivery.kind === "refused");
    lane.problem = failed ? hidden(failed.error) : "";
    const isDown = deliveries.every((delivery) => delivery.kind === "later" && delivery.afterMs === undefined);
    lane.failures = isDown ? lane.failures + 1 : 0;
    if (!lane.channel.isPatient || !isDown) return;
    const waitMs = backoffMs(policy.backoff, lane.failures, random());
    lane.restUntil = clock.wallMs() + waitMs;
    const fields = { channel: lane.channel.name, entries: entries.length, failures: lane.failures, waitMs };
    logger.warn({ ...fields, error: lane.problem }, "receiver does not take what is sent; it waits");
  }

  async function deliverEach(channel: Channel, entries: readonly OutboxEntry[]): Promise<readonly Delivery[]> {
    try {
      return await channel.deliver(entries, abort.signal);
    } catch (error) {
      const failed = failure(error);
      return entries.map(() => failed);
    }
  }

  function settle({ isPatient = false }: Channel, entry: OutboxEntry, delivery: Delivery, spread: number): void {
    const { channel, id, tries } = entry;
    const now = clock.wallMs();
    if (delivery.kind === "done") {
      if (delivery.isLast) outbox.remove(entry);
      else outbox.sent(entry, now);
      return;
    }
    if (delivery.kind === "more") {
      outbox.goOn(entry, now);
      return;
    }
    const fields = { channel, id, tries, error: hidden(delivery.error) };
    if (delivery.kind === "refused") {
      outbox.remove(entry);
      logger.error(fields, "message refused by its channel: not sent again");
    } else if (!isPatient && (tries >= policy.triesMax || now - entry.createdAt >= policy.ageMsMax)) {
      outbox.remove(entry);
      logger.error(fields, "message given up");
    } else {
      const waitMs = Math.max(delivery.afterMs ?? 0, backoffMs(policy.backoff, tries, spread));
      outbox.postpone(entry, now + waitMs);
      if (!isPatient) logger.warn({ ...fields, waitMs }, "message not delivered yet");
    }
  }

  function hidden(text: string): string {
    return secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
  }

  const dropped = outbox.keepOnly(channels.map(({ name }) => name));
  if (dropped > 0) logger.warn({ dropped }, "messages dropped: their channels are gone");
  const wake = () => {
    for (const lane of lanes) schedule(lane);
  };
  wake();
  return {
    wake,
    state() {
      const counts = outbox.counts();
      return lanes.map(({ channel: { name }, problem }) => ({ name, waiting: counts.get(name) ?? 0, problem }));
    },
    async stop() {
      abort.abort();
      for (const lane of lanes) clearTimeout(lane.timer);
      await Promise.all(running);
      await Promise.all(channels.map((channel) => channel.close?.()));
    },
  };
}

const NO_WORD: Delivery = { kind: "later", error: "the channel said nothing of it" };

function failure(error: unknown): Delivery {
  if (error instanceof CallError && !error.isTransient) return { kind: "refused", error: error.message };
  const after = error instanceof CallError && error.afterMs !== undefined ? { afterMs: error.afterMs } : {};
  return { kind: "later", error: errorMessage(error), ...after };
}
