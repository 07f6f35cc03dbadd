/**
 * What agent and coordinator say to each other, as domain values. The protocol's messages are made from these at the
 * edge (shared/wire/session.ts); both cores and the simulator speak only these.
 */
import type { DeviceUuid, Fence, NodeName, RunId, SessionId } from "../kernel/ids.ts";
import type { StreamName } from "../subjects.ts";
import type { ResumePoint } from "./artifacts.ts";
import type { Device } from "./devices.ts";
import type { CodeSnapshot } from "./provenance.ts";
import type { Outcome } from "./states.ts";

/** Version of the session protocol; another one is refused, naming both. */
export const PROTOCOL_VERSION = 1;

export interface HostFacts {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpuModel: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Empty where there is no GPU driver. */
  readonly driverVersion: string;
  /** Free where the attempts' directories are, when the agent started; 0: not known. */
  readonly diskBytes: number;
  /** At which other hosts reach this one: a name or an IP address. Empty or absent: not known. */
  readonly address?: string;
  /** What runs containers there, such as "docker 28.2.2"; empty: nothing does. */
  readonly containerEngine: string;
}

/** Size of each stream of an attempt at its end; a stream that is absent is empty. */
export type FinalSizes = { readonly [stream in StreamName]?: number };

export interface FinishReport {
  readonly fence: Fence;
  readonly outcome: Outcome;
  /** Unix ms; undefined when it never started. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number;
  readonly finalSizes: FinalSizes;
  /** Devices of the attempt that did not come back clean. */
  readonly unclean: readonly Device[];
  /** What the end of a failed attempt's output shows (causes.ts). */
  readonly causes: readonly string[];
}

interface AttemptReportBase {
  readonly fence: Fence;
  readonly runId: RunId;
  readonly devices: readonly DeviceUuid[];
  /** Thousandths of each of its GPUs; absent: they are its own. */
  readonly gpuMilli?: number;
}

/** An attempt as the agent has it when it joins. */
export type AttemptReport = AttemptReportBase &
  (
    | { readonly phase: "accepted" }
    | { readonly phase: "running"; readonly startedAt: number }
    | { readonly phase: "finished"; readonly finish: FinishReport }
  );

export interface Hello {
  readonly agentId: string;
  readonly name: NodeName;
  readonly machineId: string;
  readonly bootId: string;
  /** +1 at each start of the agent. */
  readonly incarnation: number;
  /** +1 with each Hello of this process. */
  readonly seq: number;
  readonly version: string;
  readonly protocol: number;
  readonly labels: { readonly [key: string]: string };
  readonly host: HostFacts;
  readonly maxFenceSeen: number;
  /** The store this agent last worked for; empty at its first start. */
  readonly storeId: string;
  readonly term: number;
  readonly devices: readonly Device[];
  readonly attempts: readonly AttemptReport[];
  readonly draining: boolean;
}

/** Why an attempt is told to stop. */
export type KillReason =
  | "cancel"
  | "superseded"
  | "revoked"
  | "stop"
  /** Of a run on several nodes: it has ended on another one. */
  | "peer";

export type Decision =
  | { readonly fence: Fence; readonly action: "adopt" }
  | { readonly fence: Fence; readonly action: "kill"; readonly reason: KillReason }
  | { readonly fence: Fence; readonly action: "finish-ack" };

export type RefusedReason = "already_connected" | "version" | "stale_term" | "superseded" | "late";

export interface StreamOffset {
  readonly fence: Fence;
  readonly stream: StreamName;
  readonly offset: number;
}

export interface BusAccess {
  readonly servers: readonly string[];
  readonly user: string;
  readonly password: string;
  /** PEM of the bus's own certificate, which is all that is trusted; absent: that of a tls:// server is judged as the system does. */
  readonly certificate?: string;
}

/** Everything an agent needs to run one attempt. */
export interface Assignment {
  readonly fence: Fence;
  readonly runId: RunId;
  /** "digits.1.4" */
  readonly runRef: string;
  /** "digits.1" */
  readonly sweepRef: string;
  readonly runIndex: number;
  /** From 1. */
  readonly attempt: number;
  readonly devices: readonly DeviceUuid[];
  /** Thousandths of each of its GPUs; absent: they are its own. */
  readonly gpuMilli?: number;
  readonly templateJson: string;
  readonly paramsJson: string;
  /** 0: none. */
  readonly timeLimitMs: number;
  /** 0: none. */
  readonly idleLimitMs: number;
  readonly stopGraceMs: number;
  readonly leaseMs: number;
  /** Looked for in the end of its output when it failed. */
  readonly logPatterns: readonly string[];
  /** The snapshot that it starts from; absent: the code is used where it lies. */
  readonly code?: CodeSnapshot;
  /** The checkpoint to go on from; absent: from the beginning. */
  readonly resume?: ResumePoint;
  /** A newer one that is still at the host counts as well. */
  readonly mayResume?: boolean;
  /** Absent: the run is on this node alone. */
  readonly gang?: GangPlace;
  /** Attempt on this host whose place it takes over when that one has ended; absent: the place is free. */
  readonly behind?: Fence;
}

/** The place of an attempt in a run on several nodes. */
export interface GangPlace {
  /** From 0. */
  readonly rank: number;
  /** Where its ranks are, by rank. */
  readonly nodes: readonly GangNode[];
  /** TCP port of rank 0's host at which the ranks may meet. */
  readonly port: number;
}

export interface GangNode {
  readonly name: string;
  /** At which the other hosts reach it; empty where it never said. */
  readonly address: string;
}

export interface OutputChunk extends StreamOffset {
  readonly data: Uint8Array;
}

export type AgentMessage =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "heartbeat"; readonly seq: number; readonly fences: readonly Fence[] }
  | { readonly kind: "accepted"; readonly fence: Fence }
  | { readonly kind: "rejected"; readonly fence: Fence; readonly reason: string; readonly detail: string }
  | { readonly kind: "started"; readonly fence: Fence; readonly pid: number; readonly startedAt: number }
  | { readonly kind: "finished"; readonly finish: FinishReport }
  | { readonly kind: "devices"; readonly devices: readonly Device[] }
  | { readonly kind: "output"; readonly chunk: OutputChunk };

export interface Welcome {
  readonly session: SessionId;
  readonly storeId: string;
  readonly term: number;
  readonly heartbeatMs: number;
  readonly decisions: readonly Decision[];
  readonly watermarks: readonly StreamOffset[];
  readonly bus: BusAccess | undefined;
  /** Port of the HTTP API at the host that the agent connected to; 0: none. */
  readonly httpPort: number;
}

export type CoordinatorMessage =
  | { readonly kind: "welcome"; readonly welcome: Welcome }
  | { readonly kind: "refused"; readonly reason: RefusedReason; readonly message: string }
  | { readonly kind: "assign"; readonly assignment: Assignment }
  | { readonly kind: "kill"; readonly fence: Fence; readonly reason: KillReason }
  | { readonly kind: "heartbeat-ack"; readonly seq: number; readonly renewed: readonly Fence[] }
  | { readonly kind: "finish-ack"; readonly fence: Fence }
  | { readonly kind: "watermarks"; readonly offsets: readonly StreamOffset[]; readonly resend: boolean }
  | { readonly kind: "drain"; readonly draining: boolean };
