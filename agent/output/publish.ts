/**
 * The agent's only user of the bus: publishes messages with a bounded window and counts their acknowledgements on one inbox
 * subscription, which is seven times faster than a request for each. An acknowledgement moves the send position and nothing
 * else. Whatever goes wrong (no answer, a refusal, a cut), all that is on the way counts as lost and is handed back, to be
 * sent again in its order; then one message at a time is tried until the bus answers again.
 */
import { headers, type Msg, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { type BackoffPolicy, backoffMs } from "../../shared/kernel/backoff.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { OUTPUT_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";
import type { BusAccess } from "../../shared/run/session.ts";
import { CRC_HEADER, OFFSET_HEADER } from "../../shared/subjects.ts";
import { pinnedTls } from "../../shared/tls/pinned.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Two missed pings end a connection whose other side is gone without a word. */
const PING_INTERVAL_MS = 10_000;
const RECONNECT: BackoffPolicy = { baseMs: 250, maxMs: 3_000 };
const RETRY: BackoffPolicy = { baseMs: 250, maxMs: 10_000 };
/** Without any acknowledgement for so long, what is on the way is lost. Doubles with each failure: a slow link is no fault. */
const ACK_TIMEOUT_MS = 5_000;
const ACK_TIMEOUT_MS_MAX = 60_000;
/** Room for headers within the server's limit of a message. */
const HEADER_BYTES_MAX = 1_024;
const NO_RESPONDERS = 503;

export interface OutputMessage {
  readonly subject: string;
  /** Lets the server drop a repeat; undefined for bytes that it may have dropped itself. */
  readonly id: string | undefined;
  readonly offset: number;
  readonly crc: number;
  readonly data: Uint8Array;
}

export interface PublisherOptions<Token> {
  readonly agentId: string;
  readonly access: BusAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly windowBytes: number;
  readonly windowMessages: number;
  /** `repeat`: the server had seen the id before. */
  readonly onAck: (token: Token, repeat: boolean) => void;
  /** In the order in which they were published. */
  readonly onLost: (tokens: readonly Token[]) => void;
  /** There may be room for a message again. */
  readonly onRoom: () => void;
}

interface Flight<Token> {
  readonly token: Token;
  readonly bytes: number;
}

export class Publisher<Token> {
  readonly #options: PublisherOptions<Token>;
  readonly #prefix: string;
  readonly #flights = new Map<number, Flight<Token>>();
  #flightBytes = 0;
  #lastSeq = 0;
  #connection: NatsConnection | undefined;
  #connected = false;
  #available = false;
  #sinceMs: number;
  /** True once the bus acknowledged something since the last failure. */
  #proven = false;
  #failures = 0;
  #retryAtMs = 0;
  #ackAtMs = 0;
  #problem = "connecting";
  #closed = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #wakeConnect: (() => void) | undefined;

  constructor(options: PublisherOptions<Token>) {
    this.#options = options;
    this.#prefix = `_INBOX_${options.agentId}`;
    this.#sinceMs = options.clock.monotonicMs();
    void this.#connect();
  }

  /** False while the bus is away: not connected, or it does not store what it is sent. */
  get available(): boolean {
    return this.#available;
  }

  /** Monotonic ms since when `available` is as it is. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Why it is not available; empty where it is. */
  get problem(): string {
    return this.#available ? "" : this.#problem;
  }

  get bytesOnTheWay(): number {
    return this.#flightBytes;
  }

  /** Bytes of one message that the server takes. */
  get messageBytesMax(): number {
    const limit = this.#connection?.info?.max_payload ?? Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(OUTPUT_MESSAGE_BYTES_MAX, limit - HEADER_BYTES_MAX));
  }

  /** Whether `publish` would take a message now. */
  hasRoom(): boolean {
    if (!this.#connected || this.#options.clock.monotonicMs() < this.#retryAtMs) return false;
    if (!this.#proven) return this.#flights.size === 0;
    return this.#flights.size < this.#options.windowMessages && this.#flightBytes < this.#options.windowBytes;
  }

  /** Sends a message; `onAck` or `onLost` gets `token` later. False, and nothing sent, where there is no room. */
  publish(message: OutputMessage, token: Token): boolean {
    const connection = this.#connection;
    if (!connection || !this.hasRoom()) return false;
    const head = headers();
    if (message.id !== undefined) head.set("Nats-Msg-Id", message.id);
    head.set(OFFSET_HEADER, String(message.offset));
    head.set(CRC_HEADER, String(message.crc));
    const seq = this.#lastSeq + 1;
    try {
      connection.publish(message.subject, message.data, { headers: head, reply: `${this.#prefix}.${seq}` });
    } catch (error) {
      this.#fail(`cannot publish: ${errorMessage(error)}`);
      return false;
    }
    this.#lastSeq = seq;
    if (this.#flights.size === 0) this.#ackAtMs = this.#options.clock.monotonicMs();
    this.#flights.set(seq, { token, bytes: message.data.length });
    this.#flightBytes += message.data.length;
    return true;
  }

  /** To be called a few times a second: finds out that acknowledgements do not come. */
  checkTime(): void {
    if (this.#flights.size === 0) return;
    const patienceMs = Math.min(ACK_TIMEOUT_MS_MAX, ACK_TIMEOUT_MS * 2 ** this.#failures);
    if (this.#options.clock.monotonicMs() - this.#ackAtMs < patienceMs) return;
    this.#fail(`no acknowledgement for ${Math.round(patienceMs / 1000)} s`);
  }

  /** Ends the connection, giving what was published a moment to leave. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#wakeConnect?.();
    this.#flights.clear();
    const connection = this.#connection;
    if (!connection || connection.isClosed()) return;
    if (this.#connected) {
      const bound = new Promise<void>((done) => setTimeout(done, 1_000).unref());
      // A cut in this moment loses nothing: the bytes are on disk and sent again at the next start.
      await Promise.race([connection.flush().catch(() => undefined), bound]);
    }
    await connection.close();
  }

  /** Tries for ever; once connected, the client library reconnects for ever by itself. */
  async #connect(): Promise<void> {
    const { access, agentId, logger, random } = this.#options;
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        const connection = await connect({
          servers: [...access.servers],
          ...(access.certificate !== undefined && { tls: pinnedTls(access.certificate) }),
          user: access.user,
          pass: access.password,
          name: `agent ${agentId}`,
          inboxPrefix: this.#prefix,
          timeout: CONNECT_TIMEOUT_MS,
          pingInterval: PING_INTERVAL_MS,
          maxPingOut: 2,
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          ignoreClusterUpdates: true,
          reconnectDelayHandler: () => backoffMs(RECONNECT, 3, random()),
        });
        if (this.#closed) return await connection.close();
        this.#use(connection);
        return;
      } catch (error) {
        this.#problem = errorMessage(error);
        if (attempt === 1) logger.warn({ reason: this.#problem }, "bus is away");
        await this.#pause(backoffMs(RECONNECT, attempt, random()));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wakeConnect = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  #use(connection: NatsConnection): void {
    this.#connection = connection;
    connection.subscribe(`${this.#prefix}.*`, {
      callback: (error, message) => {
        if (error) this.#problem = errorMessage(error);
        else this.#onReply(message);
      },
    });
    this.#setConnected(true);
    void this.#followStatus(connection);
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        this.#setConnected(false);
        this.#fail("connection lost");
      } else if (status.type === "reconnect") {
        this.#setConnected(true);
      } else if (status.type === "error") {
        // Such as a missing permission: the acknowledgement that does not come ends the matter, this says why.
        this.#problem = errorMessage(status.error);
        this.#options.logger.warn({ reason: this.#problem }, "bus refused something");
      }
    }
  }

  #setConnected(connected: boolean): void {
    if (this.#closed || this.#connected === connected) return;
    this.#connected = connected;
    this.#setAvailable(connected);
    if (!connected) return;
    this.#failures = 0;
    this.#retryAtMs = 0;
    this.#options.onRoom();
  }

  #setAvailable(available: boolean): void {
    if (this.#available === available) return;
    this.#available = available;
    this.#sinceMs = this.#options.clock.monotonicMs();
    if (available) this.#options.logger.info("bus is back");
    else this.#options.logger.warn({ reason: this.#problem }, "bus is away");
  }

  #onReply(message: Msg): void {
    const seq = Number(message.subject.slice(this.#prefix.length + 1));
    const flight = this.#flights.get(seq);
    // Of an earlier failure: the message is on its way again.
    if (!flight) return;
    if (message.headers?.code === NO_RESPONDERS) return this.#fail("no stream takes the output");
    const text = message.string();
    if (!text.includes('"seq"') || text.includes('"error"')) return this.#fail(`the bus refused output: ${text}`);
    this.#flights.delete(seq);
    this.#flightBytes -= flight.bytes;
    this.#ackAtMs = this.#options.clock.monotonicMs();
    this.#proven = true;
    this.#failures = 0;
    this.#setAvailable(true);
    this.#options.onAck(flight.token, text.includes('"duplicate":true') || text.includes('"duplicate": true'));
    this.#options.onRoom();
  }

  #fail(problem: string): void {
    if (this.#closed) return;
    const lost = [...this.#flights.values()].map((flight) => flight.token);
    this.#flights.clear();
    this.#flightBytes = 0;
    this.#proven = false;
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#problem = problem;
    this.#setAvailable(false);
    const waitMs = backoffMs(RETRY, this.#failures, this.#options.random());
    this.#retryAtMs = this.#options.clock.monotonicMs() + waitMs;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#options.onRoom(), waitMs + 1);
    if (lost.length > 0) this.#options.onLost(lost);
  }
}
