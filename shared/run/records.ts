/**
 * Runs, sweeps and nodes as the store and the wire speak of them: complete and cheap to make (times in Unix
 * milliseconds, parameters as the stored text). What people and scripts see is the view made from a record here, so that
 * `--json` and the HTTP API cannot drift apart.
 */
import { type Device, GPU_WHOLE_MILLI } from "./devices.ts";
import type { RunState } from "./states.ts";
import type {
  DeviceStateName,
  JsonValue,
  NodeStateName,
  NodeView,
  RunView,
  SweepStateName,
  SweepView,
} from "./views.ts";

export interface RunRecord {
  readonly id: string;
  readonly ref: string;
  readonly sweep: string;
  readonly index: number;
  readonly state: RunState;
  readonly reason: string;
  /** Parameters as the store keeps them: "1.0" stays "1.0". */
  readonly paramsJson: string;
  readonly priority: number;
  readonly attempt: number;
  readonly fence: number | undefined;
  readonly node: string | undefined;
  readonly devices: readonly string[];
  readonly exitCode: number | undefined;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Last value by key; NaN and infinities are allowed. */
  readonly metrics: { readonly [key: string]: number };
  /** True when it is terminal and its output is stored whole. */
  readonly sealed: boolean;
  /** Absolute directory of its last attempt on the coordinator; empty before the first. */
  readonly resultsDir: string;
  /** Handle of the run that completed this configuration before; empty where it ran itself. */
  readonly reusedFrom: string;
  /** When its results directory was removed; absent: it was not. */
  readonly prunedAt?: number;
}

export interface SweepSummary {
  readonly ref: string;
  readonly name: string;
  readonly state: SweepStateName;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
  readonly reused: number;
  readonly createdAt: number;
  readonly objective:
    | {
        readonly metric: string;
        readonly goal: "maximize" | "minimize";
        readonly reduce?: "best" | "last" | "min" | "max";
      }
    | undefined;
}

export interface DeviceRecord {
  readonly device: Device;
  readonly state: DeviceStateName;
  /** Handles of the runs that hold it, the first to come first. */
  readonly runs: readonly string[];
  /** Thousandths of it that they hold. */
  readonly heldMilli: number;
}

export interface NodeRecord {
  readonly name: string;
  readonly state: NodeStateName;
  readonly labels: { readonly [key: string]: string };
  readonly devices: readonly DeviceRecord[];
  readonly seenAt: number | undefined;
  readonly version: string;
  readonly hostname: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Empty: nothing runs containers there. */
  readonly containerEngine: string;
}

export function viewOfRun(record: RunRecord): RunView {
  return {
    id: record.id,
    ref: record.ref,
    sweep: record.sweep,
    index: record.index,
    state: record.state,
    reason: record.reason,
    params: viewParams(record.paramsJson),
    priority: record.priority,
    attempt: record.attempt,
    fence: record.fence ?? null,
    node: record.node ?? null,
    devices: [...record.devices],
    exitCode: record.exitCode ?? null,
    createdAt: isoTime(record.createdAt),
    startedAt: record.startedAt === undefined ? null : isoTime(record.startedAt),
    finishedAt: record.finishedAt === undefined ? null : isoTime(record.finishedAt),
    metrics: Object.fromEntries(Object.entries(record.metrics).map(([key, value]) => [key, jsonNumber(value)])),
    prunedAt: record.prunedAt === undefined ? null : isoTime(record.prunedAt),
  };
}

export function viewOfSweep(record: SweepSummary): SweepView {
  return {
    ref: record.ref,
    name: record.name,
    state: record.state,
    total: record.total,
    counts: { ...record.counts },
    reused: record.reused,
    createdAt: isoTime(record.createdAt),
  };
}

export function viewOfNode(record: NodeRecord): NodeView {
  return {
    name: record.name,
    state: record.state,
    labels: { ...record.labels },
    devices: record.devices.map(({ device, state, runs, heldMilli }) => ({
      uuid: device.uuid,
      index: device.index,
      model: device.model,
      memoryBytes: device.memoryBytes,
      state,
      run: runs[0] ?? null,
      foreign: device.foreign.map((process) => ({ ...process })),
      runs: [...runs],
      share: heldMilli / GPU_WHOLE_MILLI,
    })),
    seenAt: record.seenAt === undefined ? null : isoTime(record.seenAt),
    containerEngine: record.containerEngine === "" ? null : record.containerEngine,
  };
}

/** A number as JSON can say it: NaN and infinities become "NaN", "Infinity" and "-Infinity". */
export function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Stored parameters as JSON shows them. JSON.parse makes "__proto__" an own key, so hostile names stay plain data here. */
export function viewParams(json: string): { [key: string]: JsonValue } {
  const value: unknown = json === "" ? {} : JSON.parse(json);
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: JsonValue })
    : {};
}
