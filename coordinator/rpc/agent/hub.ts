/**
 * The agents' side of the coordinator: one bidirectional stream each. Turns messages into events, and the core's
 * commands into messages. Knows no rule: which session counts is the core's decision; here a message of another session
 * than the stream's own is only dropped.
 */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Logger } from "pino";
import type {
  AgentServiceServer,
  ConnectRequest,
  ConnectResponse,
  JoinRequest,
  JoinResponse,
} from "../../../proto/gen/runner/v1/agent.ts";
import { unreachable } from "../../../shared/kernel/assert.ts";
import { AppError, errorMessage } from "../../../shared/kernel/errors.ts";
import type { Fence, SessionId } from "../../../shared/kernel/ids.ts";
import { nameProblem } from "../../../shared/run/names.ts";
import type {
  Assignment,
  BusAccess,
  CoordinatorMessage,
  Decision,
  Hello,
  OutputChunk,
  StreamOffset,
} from "../../../shared/run/session.ts";
import { agentMessageFromProto, coordinatorMessageToProto } from "../../../shared/wire/session.ts";
import { toServiceError } from "../../../shared/wire/status.ts";
import type { Command } from "../../core/commands.ts";
import type { ConnectionId, Event } from "../../core/events.ts";
import type { Caller } from "../auth.ts";
import { callerBehind } from "../guard.ts";
import { unaryHandler } from "../handler.ts";
import type { NodeBounds } from "./node-bounds.ts";

export interface AgentHubOptions {
  readonly storeId: string;
  readonly heartbeatMs: number;
  readonly bus: BusAccess;
  /** Port of the HTTP API, once there is one. */
  readonly httpPort: () => number;
  readonly apply: (event: Event) => Promise<unknown>;
  readonly loadAssignment: (fence: Fence) => Assignment;
  readonly watermarksOf: (fences: readonly Fence[]) => StreamOffset[];
  readonly ingestChunk: (agentId: string, chunk: OutputChunk) => void;
  readonly join: (request: JoinRequest, caller: Caller) => Promise<JoinResponse>;
  readonly bounds: Pick<NodeBounds, "checkAgent" | "isOwn">;
  readonly logger: Logger;
}

export interface AgentHub {
  readonly service: AgentServiceServer;
  /** Sends what a command says; a session that is over takes nothing, and its agent learns the rest when it joins again. */
  dispatch(command: Command): void;
  /** Tells an agent how far its output is stored. */
  sendWatermarks(agentId: string, offsets: readonly StreamOffset[], resend: boolean): void;
  /** Ends every stream; agents come back by themselves. */
  close(): void;
}

interface Connection {
  readonly id: ConnectionId;
  readonly stream: ServerDuplexStream<ConnectRequest, ConnectResponse>;
  readonly caller: Caller;
  hello: Hello | undefined;
  session: SessionId | undefined;
  /** About attempts of the Hello that are another's, which the core is not told of. */
  foreign: readonly Decision[];
}

/** A stream that has not said Hello by then is closed. */
const HELLO_TIMEOUT_MS = 10_000;

export function createAgentHub(options: AgentHubOptions): AgentHub {
  const { apply, logger } = options;
  const connections = new Map<ConnectionId, Connection>();
  const sessions = new Map<SessionId, Connection>();
  const byAgent = new Map<string, Connection>();
  let lastConnection = 0;

  function open(stream: Connection["stream"]): void {
    const connection: Connection = {
      id: ++lastConnection,
      stream,
      caller: callerBehind(stream.metadata),
      hello: undefined,
      session: undefined,
      foreign: [],
    };
    connections.set(connection.id, connection);
    const timer = setTimeout(() => stream.end(), HELLO_TIMEOUT_MS);
    stream.on("data", (request: ConnectRequest) => {
      clearTimeout(timer);
      receive(connection, request);
    });
    stream.on("error", (error) => logger.debug({ error: errorMessage(error) }, "agent stream failed"));
    stream.once("close", () => {
      clearTimeout(timer);
      forget(connection);
    });
    stream.once("end", () => stream.end());
  }

  function receive(connection: Connection, request: ConnectRequest): void {
    try {
      const message = agentMessageFromProto(request);
      if (message.kind === "hello") {
        if (connection.hello) return;
        const problem = nameProblem(message.hello.name);
        if (problem) return refuse(connection, `the node name ${problem}`);
        options.bounds.checkAgent(connection.caller, message.hello);
        connection.hello = withOwnAttempts(connection, message.hello);
        hand({ kind: "hello", connection: connection.id, hello: connection.hello });
        return;
      }
      const { session, hello } = connection;
      if (session === undefined || hello === undefined || request.session !== session) return;
      switch (message.kind) {
        case "heartbeat":
          return hand({ ...message, session });
        case "accepted":
        case "rejected":
          if (!isOwn(connection, message.kind, message.fence)) return;
          return hand({ ...message, session });
        case "started":
          if (!isOwn(connection, message.kind, message.fence)) return;
          return hand({ kind: "started", session, fence: message.fence, startedAt: message.startedAt });
        case "finished":
          // It would be repeated until it is acknowledged.
          if (!isOwn(connection, message.kind, message.finish.fence)) {
            return send(connection, { kind: "finish-ack", fence: message.finish.fence });
          }
          return hand({ ...message, session });
        case "devices":
          return hand({ ...message, session });
        case "output":
          return options.ingestChunk(hello.agentId, message.chunk);
        default:
          unreachable(message);
      }
    } catch (error) {
      logger.warn({ error: errorMessage(error), agent: connection.hello?.name }, "agent message refused");
      if (error instanceof AppError && error.code === "forbidden")
        connection.stream.emit("error", toServiceError(error));
      else connection.stream.end();
    }
  }

  function isOwn({ caller }: Connection, what: string, fence: Fence): boolean {
    return options.bounds.isOwn(caller, what, fence);
  }

  /** Those of others are to be stopped there, or forgotten. */
  function withOwnAttempts(connection: Connection, hello: Hello): Hello {
    const isMine = new Map(hello.attempts.map(({ fence }) => [fence, isOwn(connection, "hello", fence)]));
    const foreign = hello.attempts.filter(({ fence }) => !isMine.get(fence));
    connection.foreign = foreign.map(({ fence, phase }) =>
      phase === "finished" ? { fence, action: "finish-ack" } : { fence, action: "kill", reason: "superseded" },
    );
    return { ...hello, attempts: hello.attempts.filter(({ fence }) => isMine.get(fence)) };
  }

  function refuse(connection: Connection, message: string): void {
    send(connection, { kind: "refused", reason: "version", message });
    connection.stream.end();
  }

  function hand(event: Event): void {
    // A rejection means that the engine has stopped; the process is ending and says so itself.
    apply(event).catch((error: unknown) => logger.debug({ error: errorMessage(error) }, "event not taken"));
  }

  function forget(connection: Connection): void {
    connections.delete(connection.id);
    const { session, hello } = connection;
    if (session === undefined || sessions.get(session) !== connection) return;
    sessions.delete(session);
    if (hello && byAgent.get(hello.agentId) === connection) byAgent.delete(hello.agentId);
    hand({ kind: "disconnected", session });
  }

  function send(connection: Connection, message: CoordinatorMessage): void {
    if (!connection.stream.writable) return;
    connection.stream.write(coordinatorMessageToProto(connection.session ?? 0, message));
  }

  function sendTo(session: SessionId, message: CoordinatorMessage): void {
    const connection = sessions.get(session);
    if (connection) send(connection, message);
  }

  function welcome(command: Extract<Command, { kind: "welcome" }>): void {
    const connection = connections.get(command.connection);
    if (!connection?.hello) {
      // It left while the Welcome was being decided: the core must not count on a session that nobody holds.
      hand({ kind: "disconnected", session: command.session });
      return;
    }
    connection.session = command.session;
    sessions.set(command.session, connection);
    byAgent.set(connection.hello.agentId, connection);
    send(connection, {
      kind: "welcome",
      welcome: {
        session: command.session,
        storeId: options.storeId,
        term: command.term,
        heartbeatMs: options.heartbeatMs,
        decisions: [...command.decisions, ...connection.foreign],
        watermarks: options.watermarksOf(connection.hello.attempts.map((attempt) => attempt.fence)),
        bus: options.bus,
        httpPort: options.httpPort(),
      },
    });
    logger.info({ node: command.node, session: command.session }, "agent joined");
  }

  function dispatch(command: Command): void {
    switch (command.kind) {
      case "welcome":
        return welcome(command);
      case "refuse": {
        const connection = connections.get(command.connection);
        logger.warn(
          { node: connection?.hello?.name, reason: command.reason, detail: command.message },
          "agent refused",
        );
        if (!connection) return;
        send(connection, { kind: "refused", reason: command.reason, message: command.message });
        connection.stream.end();
        return;
      }
      case "close": {
        const connection = sessions.get(command.session);
        sessions.delete(command.session);
        if (!connection) return;
        send(connection, { kind: "refused", reason: "superseded", message: command.message });
        connection.stream.end();
        return;
      }
      case "assign":
        return sendTo(command.session, { kind: "assign", assignment: options.loadAssignment(command.fence) });
      case "kill":
        return sendTo(command.session, { kind: "kill", fence: command.fence, reason: command.reason });
      case "heartbeat-ack":
        return sendTo(command.session, { kind: "heartbeat-ack", seq: command.seq, renewed: command.renewed });
      case "finish-ack":
        return sendTo(command.session, { kind: "finish-ack", fence: command.fence });
      case "drain":
        return sendTo(command.session, { kind: "drain", draining: command.draining });
      default:
        unreachable(command);
    }
  }

  return {
    service: { connect: open, join: unaryHandler("Join", options.join, logger) },
    dispatch,
    sendWatermarks: (agentId, offsets, resend) => {
      const connection = byAgent.get(agentId);
      if (connection) send(connection, { kind: "watermarks", offsets, resend });
    },
    close: () => {
      for (const connection of connections.values()) connection.stream.end();
    },
  };
}
