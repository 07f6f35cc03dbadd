/** Messages of the agent session to and from domain values. A message that is not whole is refused here, by name. */
import type {
  AttemptReport as AttemptReportMessage,
  BusAccess as BusAccessMessage,
  Finished,
  Hello as HelloMessage,
} from "../../proto/gen/runner/v1/agent.ts";
import {
  AttemptPhase,
  type ConnectRequest,
  type ConnectResponse,
  DecisionAction,
  KillReason as KillReasonMessage,
  RefusedReason as RefusedReasonMessage,
  type Welcome as WelcomeMessage,
} from "../../proto/gen/runner/v1/agent.ts";
import type { StreamOffset as StreamOffsetMessage } from "../../proto/gen/runner/v1/common.ts";
import { unreachable } from "../kernel/assert.ts";
import { AppError } from "../kernel/errors.ts";
import { deviceUuid, fence, nodeName, runId, sessionId } from "../kernel/ids.ts";
import type {
  AgentMessage,
  AttemptReport,
  BusAccess,
  CoordinatorMessage,
  Decision,
  FinishReport,
  Hello,
  KillReason,
  RefusedReason,
  StreamOffset,
  Welcome,
} from "../run/session.ts";
import { STREAM_NAMES, type StreamName } from "../subjects.ts";
import { deviceFromProto, deviceToProto, outcomeFromProto, outcomeToProto } from "./views.ts";

/** `session` is 0 before the Welcome. */
export function agentMessageToProto(session: number, message: AgentMessage): ConnectRequest {
  return { session, message: requestOf(message) };
}

/** Throws AppError "invalid" for a message this version cannot read. */
export function agentMessageFromProto(request: ConnectRequest): AgentMessage {
  const { message } = request;
  switch (message?.$case) {
    case "hello":
      return { kind: "hello", hello: helloFromProto(message.value) };
    case "heartbeat":
      return { kind: "heartbeat", seq: message.value.seq, fences: message.value.fences.map(fence) };
    case "accepted":
      return { kind: "accepted", fence: fence(message.value.fence) };
    case "rejected": {
      const { reason, detail } = message.value;
      return { kind: "rejected", fence: fence(message.value.fence), reason, detail };
    }
    case "started": {
      const { pid, startedAt } = message.value;
      return { kind: "started", fence: fence(message.value.fence), pid, startedAt };
    }
    case "finished":
      return { kind: "finished", finish: finishFromProto(message.value) };
    case "devices":
      return { kind: "devices", devices: message.value.devices.map(deviceFromProto) };
    case "output":
      return {
        kind: "output",
        chunk: { ...offsetFromProto(required(message.value.at, "output.at")), data: message.value.data },
      };
    case undefined:
      throw unreadable("a session message of an unknown kind");
    default:
      return unreachable(message);
  }
}

export function coordinatorMessageToProto(session: number, message: CoordinatorMessage): ConnectResponse {
  return { session, message: responseOf(message) };
}

/** Throws AppError "invalid" for a message this version cannot read. */
export function coordinatorMessageFromProto(response: ConnectResponse): CoordinatorMessage {
  const { message } = response;
  switch (message?.$case) {
    case "welcome":
      return { kind: "welcome", welcome: welcomeFromProto(message.value) };
    case "refused":
      return {
        kind: "refused",
        reason: keyOf(REFUSED_REASONS, message.value.reason, "refused.reason"),
        message: message.value.message,
      };
    case "assign": {
      const { deviceUuids, gpuMilli, code, resume, mayResume, gang, behind, ...rest } = message.value;
      const devices = deviceUuids.map(deviceUuid);
      const assignment = {
        ...rest,
        fence: fence(rest.fence),
        runId: runId(rest.runId),
        devices,
        ...(gpuMilli !== undefined && { gpuMilli }),
        ...(code && { code: { hash: code.snapshot, root: code.root } }),
        ...(resume && { resume: { ...resume, step: resume.step } }),
        ...(mayResume && { mayResume }),
        ...(gang && { gang }),
        ...(behind !== undefined && { behind: fence(behind) }),
      };
      return { kind: "assign", assignment };
    }
    case "kill":
      return {
        kind: "kill",
        fence: fence(message.value.fence),
        reason: keyOf(KILL_REASONS, message.value.reason, "kill.reason"),
      };
    case "heartbeatAck":
      return { kind: "heartbeat-ack", seq: message.value.seq, renewed: message.value.renewed.map(fence) };
    case "finishAck":
      return { kind: "finish-ack", fence: fence(message.value.fence) };
    case "watermarks":
      return { kind: "watermarks", offsets: message.value.offsets.map(offsetFromProto), resend: message.value.resend };
    case "drain":
      return { kind: "drain", draining: message.value.draining };
    case undefined:
      throw unreadable("a session message of an unknown kind");
    default:
      return unreachable(message);
  }
}

function requestOf(message: AgentMessage): ConnectRequest["message"] {
  switch (message.kind) {
    case "hello":
      return { $case: "hello", value: helloToProto(message.hello) };
    case "heartbeat":
      return { $case: "heartbeat", value: { seq: message.seq, fences: [...message.fences] } };
    case "accepted":
      return { $case: "accepted", value: { fence: message.fence } };
    case "rejected":
      return { $case: "rejected", value: { fence: message.fence, reason: message.reason, detail: message.detail } };
    case "started":
      return { $case: "started", value: { fence: message.fence, pid: message.pid, startedAt: message.startedAt } };
    case "finished":
      return { $case: "finished", value: finishToProto(message.finish) };
    case "devices":
      return { $case: "devices", value: { devices: message.devices.map(deviceToProto) } };
    case "output": {
      const { data, ...at } = message.chunk;
      return { $case: "output", value: { at, data: Buffer.from(data) } };
    }
    default:
      return unreachable(message);
  }
}

function responseOf(message: CoordinatorMessage): ConnectResponse["message"] {
  switch (message.kind) {
    case "welcome":
      return { $case: "welcome", value: welcomeToProto(message.welcome) };
    case "refused":
      return { $case: "refused", value: { reason: REFUSED_REASONS[message.reason], message: message.message } };
    case "assign": {
      const { devices, logPatterns, code, resume, gang, mayResume = false, ...rest } = message.assignment;
      const value = { ...rest, deviceUuids: [...devices], logPatterns: [...logPatterns] };
      return {
        $case: "assign",
        value: {
          ...value,
          code: code && { snapshot: code.hash, root: code.root },
          resume: resume && { ...resume },
          mayResume,
          gang: gang && { ...gang, nodes: [...gang.nodes] },
        },
      };
    }
    case "kill":
      return { $case: "kill", value: { fence: message.fence, reason: KILL_REASONS[message.reason] } };
    case "heartbeat-ack":
      return { $case: "heartbeatAck", value: { seq: message.seq, renewed: [...message.renewed] } };
    case "finish-ack":
      return { $case: "finishAck", value: { fence: message.fence } };
    case "watermarks":
      return {
        $case: "watermarks",
        value: { offsets: message.offsets.map((at) => ({ ...at })), resend: message.resend },
      };
    case "drain":
      return { $case: "drain", value: { draining: message.draining } };
    default:
      return unreachable(message);
  }
}

function helloToProto(hello: Hello): HelloMessage {
  return {
    ...hello,
    labels: { ...hello.labels },
    host: { address: "", ...hello.host },
    devices: hello.devices.map(deviceToProto),
    attempts: hello.attempts.map(attemptToProto),
  };
}

function helloFromProto(message: HelloMessage): Hello {
  return {
    ...message,
    name: nodeName(message.name),
    host: required(message.host, "hello.host"),
    devices: message.devices.map(deviceFromProto),
    attempts: message.attempts.map(attemptFromProto),
  };
}

function attemptToProto(report: AttemptReport): AttemptReportMessage {
  return {
    fence: report.fence,
    runId: report.runId,
    phase: ATTEMPT_PHASES[report.phase],
    finished: report.phase === "finished" ? finishToProto(report.finish) : undefined,
    startedAt: report.phase === "running" ? report.startedAt : 0,
    deviceUuids: [...report.devices],
    gpuMilli: report.gpuMilli,
  };
}

function attemptFromProto(message: AttemptReportMessage): AttemptReport {
  const base = {
    fence: fence(message.fence),
    runId: runId(message.runId),
    devices: message.deviceUuids.map(deviceUuid),
    ...(message.gpuMilli !== undefined && { gpuMilli: message.gpuMilli }),
  };
  const phase = keyOf(ATTEMPT_PHASES, message.phase, "attempt.phase");
  switch (phase) {
    case "accepted":
      return { ...base, phase };
    case "running":
      return { ...base, phase, startedAt: message.startedAt };
    case "finished":
      return { ...base, phase, finish: finishFromProto(required(message.finished, "attempt.finished")) };
    default:
      return unreachable(phase);
  }
}

function finishToProto(finish: FinishReport): Finished {
  return {
    fence: finish.fence,
    outcome: outcomeToProto(finish.outcome),
    startedAt: finish.startedAt ?? 0,
    finishedAt: finish.finishedAt,
    finalSizes: Object.entries(finish.finalSizes).map(([stream, offset]) => ({ fence: finish.fence, stream, offset })),
    unclean: finish.unclean.map(deviceToProto),
    causes: [...finish.causes],
  };
}

function finishFromProto(message: Finished): FinishReport {
  const sizes = message.finalSizes.map(offsetFromProto);
  return {
    fence: fence(message.fence),
    outcome: outcomeFromProto(required(message.outcome, "finished.outcome")),
    startedAt: message.startedAt === 0 ? undefined : message.startedAt,
    finishedAt: message.finishedAt,
    finalSizes: Object.fromEntries(sizes.map(({ stream, offset }) => [stream, offset])),
    unclean: message.unclean.map(deviceFromProto),
    causes: message.causes,
  };
}

function welcomeToProto(welcome: Welcome): WelcomeMessage {
  return {
    session: welcome.session,
    storeId: welcome.storeId,
    term: welcome.term,
    heartbeatMs: welcome.heartbeatMs,
    decisions: welcome.decisions.map((decision) => ({
      fence: decision.fence,
      action: DECISIONS[decision.action],
      reason: decision.action === "kill" ? decision.reason : "",
    })),
    watermarks: welcome.watermarks.map((at) => ({ ...at })),
    bus: welcome.bus && { certificate: "", ...welcome.bus, servers: [...welcome.bus.servers] },
    httpPort: welcome.httpPort,
  };
}

function welcomeFromProto(message: WelcomeMessage): Welcome {
  return {
    ...message,
    session: sessionId(message.session),
    decisions: message.decisions.map((decision): Decision => {
      const action = keyOf(DECISIONS, decision.action, "decision.action");
      if (action !== "kill") return { fence: fence(decision.fence), action };
      return { fence: fence(decision.fence), action, reason: killReason(decision.reason) };
    }),
    watermarks: message.watermarks.map(offsetFromProto),
    bus: message.bus && busFromProto(message.bus),
  };
}

function busFromProto({ certificate, ...bus }: BusAccessMessage): BusAccess {
  return { ...bus, ...(certificate !== "" && { certificate }) };
}

function offsetFromProto(message: StreamOffsetMessage): StreamOffset {
  if (!isStreamName(message.stream)) throw unreadable(`stream ${JSON.stringify(message.stream)}`);
  return { fence: fence(message.fence), stream: message.stream, offset: message.offset };
}

function isStreamName(text: string): text is StreamName {
  return (STREAM_NAMES as readonly string[]).includes(text);
}

function killReason(text: string): KillReason {
  if (Object.hasOwn(KILL_REASONS, text)) return text as KillReason;
  throw unreadable(`kill reason ${JSON.stringify(text)}`);
}

const ATTEMPT_PHASES = {
  accepted: AttemptPhase.ATTEMPT_PHASE_ACCEPTED,
  running: AttemptPhase.ATTEMPT_PHASE_RUNNING,
  finished: AttemptPhase.ATTEMPT_PHASE_FINISHED,
} as const satisfies Record<AttemptReport["phase"], AttemptPhase>;

const DECISIONS = {
  adopt: DecisionAction.DECISION_ACTION_ADOPT,
  kill: DecisionAction.DECISION_ACTION_KILL,
  "finish-ack": DecisionAction.DECISION_ACTION_FINISH_ACK,
} as const satisfies Record<Decision["action"], DecisionAction>;

const KILL_REASONS = {
  cancel: KillReasonMessage.KILL_REASON_CANCEL,
  superseded: KillReasonMessage.KILL_REASON_SUPERSEDED,
  revoked: KillReasonMessage.KILL_REASON_REVOKED,
  stop: KillReasonMessage.KILL_REASON_STOP,
  peer: KillReasonMessage.KILL_REASON_PEER,
} as const satisfies Record<KillReason, KillReasonMessage>;

const REFUSED_REASONS = {
  already_connected: RefusedReasonMessage.REFUSED_REASON_ALREADY_CONNECTED,
  version: RefusedReasonMessage.REFUSED_REASON_VERSION,
  stale_term: RefusedReasonMessage.REFUSED_REASON_STALE_TERM,
  superseded: RefusedReasonMessage.REFUSED_REASON_SUPERSEDED,
  late: RefusedReasonMessage.REFUSED_REASON_LATE,
} as const satisfies Record<RefusedReason, RefusedReasonMessage>;

function keyOf<Key extends string, Value>(table: Record<Key, Value>, value: Value, what: string): Key {
  for (const key in table) if (table[key] === value) return key;
  throw unreadable(`${what} ${String(value)}`);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw unreadable(`a message without ${what}`);
  return value;
}

function unreadable(what: string): AppError {
  return new AppError("invalid", `this version cannot read ${what}`, { id: "wire.unreadable" });
}
