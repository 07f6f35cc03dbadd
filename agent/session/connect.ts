/**
 * The agent's end of the session: keeps one stream to the coordinator open, says Hello first on each, and comes back
 * after a loss with back-off and jitter. Delivery within a stream is in order; what a broken stream may have swallowed
 * is settled by the next Hello.
 */
import { type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { AgentServiceClient, type ConnectRequest, type ConnectResponse } from "../../proto/gen/runner/v1/agent.ts";
import { backoffMs } from "../../shared/kernel/backoff.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { SessionId } from "../../shared/kernel/ids.ts";
import type { Token } from "../../shared/kernel/token.ts";
import { GRPC_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";
import type { AgentMessage, CoordinatorMessage, Hello } from "../../shared/run/session.ts";
import { credentialsFor, TLS_NAME } from "../../shared/tls/grpc-credentials.ts";
import { tlsProblem } from "../../shared/tls/pinned.ts";
import { agentMessageToProto, coordinatorMessageFromProto } from "../../shared/wire/session.ts";
import { fromServiceError } from "../../shared/wire/status.ts";

export interface ConnectionOptions {
  /** HOST:PORT */
  readonly address: string;
  readonly token: Token;
  readonly clock: Clock;
  readonly random: () => number;
  readonly hello: () => Hello;
  /** Each message, with the uptime at which this stream's Hello was sent. */
  readonly onMessage: (message: CoordinatorMessage, helloSentMs: number) => void;
  readonly onDisconnected: (reason: string) => void;
  readonly logger: Logger;
}

export interface Connection {
  /** False when there is no session to send on: the next Hello tells what matters. */
  send(message: AgentMessage): boolean;
  readonly connected: boolean;
  /** Why there is no session, for people; empty while there is one. */
  readonly problem: string;
  /** Ends the session without a word; running attempts are not touched. */
  close(): void;
}

const RECONNECT = { baseMs: 200, maxMs: 5_000 };
/** A refused token or name is not mended by hurrying. */
const REFUSED_WAIT_MS = 5_000;

export function connect(options: ConnectionOptions): Connection {
  const { clock, logger } = options;
  const client = new AgentServiceClient(options.address, credentialsFor(options.token), {
    ...TLS_NAME,
    "grpc.max_receive_message_length": GRPC_MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.enable_retries": 0,
  });
  let stream: ClientDuplexStream<ConnectRequest, ConnectResponse> | undefined;
  let session: SessionId | undefined;
  let problem = "connecting";
  /** Said by the coordinator on the stream that is about to end. */
  let refusal: string | undefined;
  /** Why TLS does not come about. */
  let fault: string | undefined;
  let tries = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function open(): void {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${options.token.secret}`);
    const opened = client.connect(metadata);
    const helloSentMs = clock.uptimeMs();
    stream = opened;
    opened.on("data", (response: ConnectResponse) => {
      if (stream === opened) receive(response, helloSentMs);
    });
    // "error" and "end" may both come; the first one counts.
    opened.on("error", (error) => lost(opened, fromServiceError(error).message));
    opened.on("end", () => lost(opened, "the coordinator closed the session"));
    opened.write(agentMessageToProto(0, { kind: "hello", hello: options.hello() }));
  }

  function receive(response: ConnectResponse, helloSentMs: number): void {
    try {
      const message = coordinatorMessageFromProto(response);
      if (message.kind === "welcome") {
        session = message.welcome.session;
        problem = "";
        fault = undefined;
        tries = 0;
      } else if (message.kind === "refused") {
        refusal = message.message;
      } else if (response.session !== session) return;
      options.onMessage(message, helloSentMs);
    } catch (error) {
      logger.warn({ error: errorMessage(error) }, "coordinator message not understood");
    }
  }

  /** What a handshake that failed does not say itself. */
  async function lookAtTls(): Promise<void> {
    const found = await tlsProblem(options.address, options.token);
    if (session !== undefined || closed) return;
    fault = found?.message;
    if (fault === undefined || fault === problem) return;
    problem = fault;
    options.onDisconnected(fault);
  }

  function lost(which: typeof stream, reason: string): void {
    if (stream !== which || closed) return;
    stream = undefined;
    const refused = refusal !== undefined;
    const told = refusal ?? fault ?? reason;
    if (session === undefined && !refused) void lookAtTls();
    refusal = undefined;
    if (session !== undefined || problem !== told) {
      problem = told;
      options.onDisconnected(told);
    }
    session = undefined;
    tries += 1;
    const waitMs = refused ? REFUSED_WAIT_MS : backoffMs(RECONNECT, tries, options.random());
    timer = setTimeout(open, waitMs);
  }

  open();
  return {
    send: (message) => {
      if (!stream || session === undefined || !stream.writable) return false;
      stream.write(agentMessageToProto(session, message));
      return true;
    },
    get connected() {
      return session !== undefined;
    },
    get problem() {
      return problem;
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      stream?.end();
      stream = undefined;
      session = undefined;
      client.close();
    },
  };
}
