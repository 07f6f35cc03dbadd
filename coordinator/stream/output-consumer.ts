/**
 * Reads the output stream: keeps the connection, the stream and the consumer in being, whatever happens to the server, and
 * pulls messages as long as there is room for them. A canary message every few seconds tells a server that stores from one
 * that merely answers.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { createInbox, type Msg, type NatsConnection, nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { type BackoffPolicy, backoffMs } from "../../shared/kernel/backoff.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { BusAccess } from "../../shared/run/session.ts";
import { OUTPUT_CONSUMER, OUTPUT_STREAM } from "../../shared/subjects.ts";
import { pinnedTls } from "../../shared/tls/pinned.ts";
import { checkServerVersion, ensureTopology } from "./topology.ts";

/** Taken by the stream and by nobody's parser. */
export const CANARY_SUBJECT = "exp.v1.canary";
const CANARY_EVERY_MS = 4_000;
const CANARY_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 10_000;
const RETRY: BackoffPolicy = { baseMs: 200, maxMs: 3_000 };
const PULL_MESSAGES = 1_000;
const PULL_BYTES = 16 * 1024 * 1024;
const PULL_EXPIRES_MS = 30_000;
const PULL_HEARTBEAT_MS = 5_000;
/** Neither a message nor a heartbeat for so long: the pull is forgotten. */
const PULL_SILENCE_MS = 12_000;
const PULL_EMPTY_PAUSE_MS = 200;

export interface BusHealth {
  /** True when messages are taken, stored and delivered. */
  readonly connected: boolean;
  /** Why not; empty where it is. */
  readonly reason: string;
  /** Empty before the first connection. */
  readonly serverVersion: string;
}

export interface Delivery {
  readonly message: Msg;
  /** Of the message in the stream. */
  readonly sequence: number;
  /** Counts how often the stream was made anew: sequences of different ones have nothing to do with each other. */
  readonly epoch: number;
}

export interface OutputConsumerOptions {
  readonly access: BusAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly streamBytesMax?: number;
  readonly onDelivery: (delivery: Delivery) => void;
  /** Whether further messages may be pulled; after a false, `resume` is called when it changes. */
  readonly hasRoom: () => boolean;
  /** Messages may have been lost on the bus. */
  readonly onLoss: () => void;
}

export class OutputConsumer {
  readonly #options: OutputConsumerOptions;
  #connection: NatsConnection | undefined;
  #connected = false;
  #version = "";
  /** Empty while the stream is served. */
  #problem = "connecting";
  #canaryProblem = "";
  #inbox = "";
  #pull = 0;
  #pulling = false;
  #received = 0;
  #activeAtMs = 0;
  #lastSequence: number | undefined;
  #epoch = 0;
  #onTrouble: ((reason: string) => void) | undefined;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #canaryAtMs = 0;
  #canaryFlying = false;
  #closed = false;
  readonly #done: Promise<void>;

  constructor(options: OutputConsumerOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  health(): BusHealth {
    const reason = this.#problem || this.#canaryProblem;
    return { connected: reason === "", reason, serverVersion: this.#version };
  }

  /** Pulls again where it stopped for want of room. */
  resume(): void {
    if (!this.#pulling && this.#onTrouble) this.#pullNext();
  }

  /** Tells the server that all messages of the stream up to this one are dealt with. */
  ack({ message, epoch }: Delivery): void {
    if (this.#connected && epoch === this.#epoch) message.respond("+ACK");
  }

  /** Hands over no further message; acknowledgements still go out until `close`. */
  stop(): void {
    this.#pull += 1;
    this.#closed = true;
    this.#onTrouble?.("closing");
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.stop();
    clearInterval(this.#timer);
    const connection = this.#connection;
    if (connection && !connection.isClosed()) {
      // Unsent acknowledgements only cost a repeat.
      if (this.#connected) await flushed(connection);
      await connection.close();
    }
    this.#wake?.();
    await this.#done;
  }

  async #run(): Promise<void> {
    const connection = await this.#connect();
    if (!connection) return;
    this.#timer = setInterval(() => this.#check(connection), 1_000);
    for (let attempt = 1; !this.#closed; attempt++) {
      const served = await this.#serve(connection);
      if (served) attempt = 0;
      if (!this.#closed) await this.#sleep(served ? 20 : backoffMs(RETRY, attempt, this.#options.random()));
    }
  }

  /** Tries for ever; once connected, the client library reconnects for ever by itself. */
  async #connect(): Promise<NatsConnection | undefined> {
    const { access, logger, random } = this.#options;
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        const connection = await connect({
          servers: [...access.servers],
          ...(access.certificate !== undefined && { tls: pinnedTls(access.certificate) }),
          user: access.user,
          pass: access.password,
          name: "coordinator",
          timeout: CONNECT_TIMEOUT_MS,
          pingInterval: PING_INTERVAL_MS,
          maxPingOut: 2,
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          ignoreClusterUpdates: true,
          reconnectDelayHandler: () => backoffMs(RETRY, 2, random()),
        });
        this.#connection = connection;
        this.#connected = true;
        void this.#followStatus(connection);
        if (!this.#closed) return connection;
        await connection.close();
      } catch (error) {
        this.#problem = `cannot reach the NATS server: ${errorMessage(error)}`;
        if (attempt === 1) logger.warn({ reason: this.#problem }, "bus is away");
        await this.#sleep(backoffMs(RETRY, attempt, random()));
      }
    }
    return undefined;
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        this.#connected = false;
        this.#trouble("the connection to the NATS server is lost");
      } else if (status.type === "reconnect") {
        this.#connected = true;
        this.#canaryProblem = "";
        this.#wake?.();
      } else if (status.type === "error") {
        this.#options.logger.warn({ reason: errorMessage(status.error) }, "bus refused something");
      }
    }
  }

  /** Serves until something is wrong. True when it came as far as pulling. */
  async #serve(connection: NatsConnection): Promise<boolean> {
    if (!this.#connected) return false;
    const inbox = createInbox();
    const trouble = new Promise<string>((resolve) => {
      this.#onTrouble = resolve;
    });
    try {
      this.#noteVersion(connection.info?.version ?? "");
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout: CONNECT_TIMEOUT_MS });
      const { consumer, recreated } = await ensureTopology(manager, this.#options);
      if (this.#closed || !this.#connected) return false;
      const delivered = consumer.delivered.stream_seq;
      // Handed to a connection that broke: acknowledging a later one acknowledges these too. What an earlier process was handed
      // needs no word: each agent sends from its watermarks again when this one welcomes it.
      const lost = this.#lastSequence !== undefined && delivered > this.#lastSequence;
      if (recreated) this.#epoch += 1;
      if (recreated || lost) this.#options.onLoss();
      this.#lastSequence = delivered;
    } catch (error) {
      this.#noteProblem(`the NATS server does not serve output: ${errorMessage(error)}`);
      return false;
    }
    this.#inbox = inbox;
    const subscription = connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error) this.#trouble(errorMessage(error));
        else this.#onMessage(message);
      },
    });
    this.#noteProblem("");
    this.#pullNext();
    const reason = await trouble;
    this.#onTrouble = undefined;
    this.#pulling = false;
    subscription.unsubscribe();
    if (!this.#closed) this.#noteProblem(reason);
    return true;
  }

  #noteVersion(version: string): void {
    if (version === this.#version) return;
    this.#version = version;
    const warning = checkServerVersion(version);
    if (warning) this.#options.logger.warn({ version }, warning);
  }

  #noteProblem(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === "") this.#options.logger.info({ version: this.#version }, "bus serves output");
    else this.#options.logger.warn({ reason: problem }, "bus is away");
  }

  #trouble(reason: string): void {
    this.#onTrouble?.(reason);
  }

  #pullNext(): void {
    if (this.#closed || !this.#connected || !this.#options.hasRoom()) {
      this.#pulling = false;
      return;
    }
    this.#pulling = true;
    this.#pull += 1;
    this.#received = 0;
    this.#activeAtMs = this.#options.clock.monotonicMs();
    const request = {
      batch: PULL_MESSAGES,
      max_bytes: PULL_BYTES,
      expires: nanos(PULL_EXPIRES_MS),
      idle_heartbeat: nanos(PULL_HEARTBEAT_MS),
    };
    this.#connection?.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${OUTPUT_STREAM}.${OUTPUT_CONSUMER}`,
      JSON.stringify(request),
      { reply: `${this.#inbox}.${this.#pull}` },
    );
  }

  #onMessage(message: Msg): void {
    this.#activeAtMs = this.#options.clock.monotonicMs();
    if (message.subject.startsWith(this.#inbox)) {
      if (message.subject === `${this.#inbox}.${this.#pull}`) this.#onStatus(message);
      return;
    }
    if (this.#closed) return;
    const sequence = sequenceOf(message.reply ?? "");
    this.#lastSequence = Math.max(this.#lastSequence ?? 0, sequence);
    this.#received += 1;
    this.#options.onDelivery({ message, sequence, epoch: this.#epoch });
    if (this.#received >= PULL_MESSAGES) this.#pullNext();
  }

  /** The server says something about the pull itself. */
  #onStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    const description = message.headers?.description ?? "";
    if (code === 100) return;
    if (code === 503 || /deleted|not found/i.test(description)) {
      this.#trouble(`the output stream is gone (${code} ${description})`);
    } else if (this.#received > 0 || code === 408 || code === 404) {
      this.#pullNext();
    } else {
      // Refused without a message: not at once again, lest it spins.
      this.#pulling = false;
      setTimeout(() => this.resume(), PULL_EMPTY_PAUSE_MS);
    }
  }

  #check(connection: NatsConnection): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#pulling && nowMs - this.#activeAtMs > PULL_SILENCE_MS) {
      this.#trouble("the NATS server does not answer");
    }
    if (this.#connected && !this.#canaryFlying && nowMs - this.#canaryAtMs >= CANARY_EVERY_MS && this.#problem === "") {
      this.#canaryAtMs = nowMs;
      void this.#sendCanary(connection);
    }
  }

  async #sendCanary(connection: NatsConnection): Promise<void> {
    this.#canaryFlying = true;
    try {
      const answer = (await connection.request(CANARY_SUBJECT, "", { timeout: CANARY_TIMEOUT_MS })).string();
      this.#noteCanary(answer.includes('"error"') ? `the NATS server refuses output: ${answer}` : "");
    } catch (error) {
      this.#noteCanary(`the NATS server does not store output: ${errorMessage(error)}`);
      // Cheap, and makes the stream again where it is gone.
      this.#trouble(this.#canaryProblem);
    } finally {
      this.#canaryFlying = false;
    }
  }

  #noteCanary(problem: string): void {
    if (problem !== "" && this.#canaryProblem === "")
      this.#options.logger.warn({ reason: problem }, "bus is not healthy");
    this.#canaryProblem = problem;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

async function flushed(connection: NatsConnection): Promise<void> {
  const bound = new Promise<void>((done) => setTimeout(done, 1_000).unref());
  await Promise.race([connection.flush().catch(() => undefined), bound]);
}

/** Stream sequence in `$JS.ACK.<stream>.<consumer>.<times>.<sequence>…`; newer servers put domain and account in front. */
function sequenceOf(reply: string): number {
  const tokens = reply.split(".");
  return Number(tokens.length > 9 ? tokens[7] : tokens[5]) || 0;
}
