/** Control messages to and from the records of shared/run. Wire types stop here. */
import {
  DeviceHealth,
  DeviceKind,
  type Device as DeviceMessage,
  OutcomeKind,
  type Outcome as OutcomeMessage,
  RunState as RunStateMessage,
} from "../../proto/gen/runner/v1/common.ts";
import type {
  NodeDevice as NodeDeviceMessage,
  Node as NodeMessage,
  Run as RunMessage,
  Sweep as SweepMessage,
} from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../kernel/errors.ts";
import { deviceUuid } from "../kernel/ids.ts";
import type { Device, DeviceHealth as Health, DeviceKind as Kind } from "../run/devices.ts";
import {
  type DeviceRecord,
  type NodeRecord,
  type RunRecord,
  type SweepSummary,
  viewOfNode,
  viewOfRun,
  viewOfSweep,
} from "../run/records.ts";
import { FAILED_STAGES, type LostReason, type Outcome, type RunState } from "../run/states.ts";
import type { DeviceStateName, NodeStateName, NodeView, RunView, SweepStateName, SweepView } from "../run/views.ts";

/** The stable view of a run message. */
export const runFromProto = (message: RunMessage): RunView => viewOfRun(runRecordFromProto(message));
/** The stable view of a sweep message. */
export const sweepFromProto = (message: SweepMessage): SweepView => viewOfSweep(sweepSummaryFromProto(message));
/** The stable view of a node message. */
export const nodeFromProto = (message: NodeMessage): NodeView => viewOfNode(nodeRecordFromProto(message));

export function runToProto(run: RunRecord): RunMessage {
  return {
    id: run.id,
    ref: run.ref,
    sweep: run.sweep,
    index: run.index,
    state: RUN_STATES[run.state],
    reason: run.reason,
    paramsJson: run.paramsJson,
    priority: run.priority,
    attempt: run.attempt,
    fence: run.fence ?? 0,
    node: run.node ?? "",
    devices: [...run.devices],
    exitCode: run.exitCode,
    createdAt: run.createdAt,
    startedAt: run.startedAt ?? 0,
    finishedAt: run.finishedAt ?? 0,
    metrics: { ...run.metrics },
    sealed: run.sealed,
    resultsDir: run.resultsDir,
    reusedFrom: run.reusedFrom,
    prunedAt: run.prunedAt ?? 0,
  };
}

export function runRecordFromProto(message: RunMessage): RunRecord {
  return {
    id: message.id,
    ref: message.ref,
    sweep: message.sweep,
    index: message.index,
    state: runStateFromProto(message.state),
    reason: message.reason,
    paramsJson: message.paramsJson,
    priority: message.priority,
    attempt: message.attempt,
    fence: message.fence || undefined,
    node: message.node || undefined,
    devices: message.devices,
    exitCode: message.exitCode,
    createdAt: message.createdAt,
    startedAt: message.startedAt || undefined,
    finishedAt: message.finishedAt || undefined,
    metrics: message.metrics,
    sealed: message.sealed,
    resultsDir: message.resultsDir,
    reusedFrom: message.reusedFrom,
    ...(message.prunedAt > 0 && { prunedAt: message.prunedAt }),
  };
}

export function sweepToProto(sweep: SweepSummary): SweepMessage {
  return { ...sweep, counts: { ...sweep.counts }, objective: objectiveToProto(sweep.objective) };
}

function objectiveToProto(objective: SweepSummary["objective"]): SweepMessage["objective"] {
  return objective && { ...objective, reduce: objective.reduce ?? "best" };
}

const REDUCES = ["last", "min", "max"] as const;

/** "best" is what holds where nothing is said. */
function reduceFrom(text: string): { readonly reduce?: (typeof REDUCES)[number] } {
  const reduce = REDUCES.find((each) => each === text);
  return reduce === undefined ? {} : { reduce };
}

export function sweepSummaryFromProto(message: SweepMessage): SweepSummary {
  const { objective } = message;
  return {
    ref: message.ref,
    name: message.name,
    state: message.state as SweepStateName,
    total: message.total,
    counts: message.counts,
    reused: message.reused,
    createdAt: message.createdAt,
    objective: objective?.metric
      ? {
          metric: objective.metric,
          goal: objective.goal === "minimize" ? "minimize" : "maximize",
          ...reduceFrom(objective.reduce),
        }
      : undefined,
  };
}

export function nodeToProto(node: NodeRecord): NodeMessage {
  return {
    ...node,
    labels: { ...node.labels },
    devices: node.devices.map(deviceRecordToProto),
    seenAt: node.seenAt ?? 0,
  };
}

function nodeRecordFromProto(message: NodeMessage): NodeRecord {
  return {
    name: message.name,
    state: message.state as NodeStateName,
    labels: message.labels,
    devices: message.devices.flatMap(({ device, state, ...held }): DeviceRecord[] =>
      device ? [{ device: deviceFromProto(device), state: state as DeviceStateName, ...held }] : [],
    ),
    seenAt: message.seenAt || undefined,
    version: message.version,
    hostname: message.hostname,
    cpuCount: message.cpuCount,
    memoryBytes: message.memoryBytes,
    containerEngine: message.containerEngine,
  };
}

export function deviceToProto(device: Device): DeviceMessage {
  return {
    ...device,
    kind: DEVICE_KINDS[device.kind],
    health: DEVICE_HEALTHS[device.health],
    foreign: device.foreign.map((process) => ({ ...process })),
  };
}

export function deviceFromProto(message: DeviceMessage): Device {
  return {
    uuid: deviceUuid(message.uuid),
    index: message.index,
    kind: keyOf(DEVICE_KINDS, message.kind) ?? "cpu",
    model: message.model,
    memoryBytes: message.memoryBytes,
    // Not saying how it is must never make a device look free.
    health: keyOf(DEVICE_HEALTHS, message.health) ?? "unknown",
    reason: message.reason,
    foreign: message.foreign,
  };
}

export function runStateToProto(state: RunState): RunStateMessage {
  return RUN_STATES[state];
}

/** Throws AppError for a state that this version does not know. */
export function runStateFromProto(message: RunStateMessage): RunState {
  const state = keyOf(RUN_STATES, message);
  if (!state) throw new AppError("invalid", `run state ${message} is not known to this version`, { id: "wire.state" });
  return state;
}

export function outcomeToProto(outcome: Outcome): OutcomeMessage {
  return {
    kind: OUTCOMES[outcome.kind],
    exitCode: outcome.kind === "failed" ? outcome.exitCode : undefined,
    signal: outcome.kind === "signalled" ? outcome.signal : undefined,
    reason: reasonOf(outcome),
  };
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === "failed") return outcome.stage ?? "";
  return outcome.kind === "lost" || outcome.kind === "rejected" ? outcome.reason : "";
}

/** Throws AppError for an outcome that this version does not know. */
export function outcomeFromProto(message: OutcomeMessage): Outcome {
  const kind = keyOf(OUTCOMES, message.kind);
  switch (kind) {
    case undefined:
      throw new AppError("invalid", `outcome ${message.kind} is not known to this version`, { id: "wire.outcome" });
    case "failed": {
      const stage = FAILED_STAGES.find((word) => word === message.reason);
      return { kind, exitCode: message.exitCode ?? 1, ...(stage && { stage }) };
    }
    case "signalled":
      return { kind, signal: message.signal ?? 0 };
    case "lost":
      return { kind, reason: message.reason as LostReason };
    case "rejected":
      return { kind, reason: message.reason };
    default:
      return { kind };
  }
}

function deviceRecordToProto(record: DeviceRecord): NodeDeviceMessage {
  const { device, state, runs, heldMilli } = record;
  return { device: deviceToProto(device), state, runs: [...runs], heldMilli };
}

const RUN_STATES: Record<RunState, RunStateMessage> = {
  queued: RunStateMessage.RUN_STATE_QUEUED,
  held: RunStateMessage.RUN_STATE_HELD,
  assigned: RunStateMessage.RUN_STATE_ASSIGNED,
  running: RunStateMessage.RUN_STATE_RUNNING,
  unknown: RunStateMessage.RUN_STATE_UNKNOWN,
  succeeded: RunStateMessage.RUN_STATE_SUCCEEDED,
  failed: RunStateMessage.RUN_STATE_FAILED,
  cancelled: RunStateMessage.RUN_STATE_CANCELLED,
  skipped: RunStateMessage.RUN_STATE_SKIPPED,
};

const DEVICE_KINDS: Record<Kind, DeviceKind> = {
  gpu: DeviceKind.DEVICE_KIND_GPU,
  cpu: DeviceKind.DEVICE_KIND_CPU,
};

const DEVICE_HEALTHS: Record<Health, DeviceHealth> = {
  clean: DeviceHealth.DEVICE_HEALTH_CLEAN,
  foreign: DeviceHealth.DEVICE_HEALTH_FOREIGN,
  dirty: DeviceHealth.DEVICE_HEALTH_DIRTY,
  unknown: DeviceHealth.DEVICE_HEALTH_UNKNOWN,
};

const OUTCOMES: Record<Outcome["kind"], OutcomeKind> = {
  succeeded: OutcomeKind.OUTCOME_KIND_SUCCEEDED,
  failed: OutcomeKind.OUTCOME_KIND_FAILED,
  signalled: OutcomeKind.OUTCOME_KIND_SIGNALLED,
  oom: OutcomeKind.OUTCOME_KIND_OOM,
  timeout: OutcomeKind.OUTCOME_KIND_TIMEOUT,
  cancelled: OutcomeKind.OUTCOME_KIND_CANCELLED,
  skipped: OutcomeKind.OUTCOME_KIND_SKIPPED,
  lost: OutcomeKind.OUTCOME_KIND_LOST,
  rejected: OutcomeKind.OUTCOME_KIND_REJECTED,
  superseded: OutcomeKind.OUTCOME_KIND_SUPERSEDED,
  idle: OutcomeKind.OUTCOME_KIND_IDLE,
};

function keyOf<Key extends string, Value>(table: Record<Key, Value>, wanted: Value): Key | undefined {
  for (const key in table) if (table[key] === wanted) return key;
  return undefined;
}
