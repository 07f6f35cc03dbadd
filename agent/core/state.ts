/** What an agent decides on. The journal holds the same (without what is marked volatile), so a restart finds it again. */
import type { DeviceUuid, Fence, SessionId } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import type { Assignment, FinishReport, KillReason } from "../../shared/run/session.ts";

/** Why an attempt is being stopped by us. */
export type StopCause = KillReason | "timeout" | "idle" | "lease";

/**
 * accepted: journalled, its process not yet spawned. running: spawned. ended: its command is over, its tree and devices
 * are being cleaned. finished: the end is journalled and told, not yet acknowledged. acked: only its output is awaited.
 */
export type AttemptPhase = "accepted" | "running" | "ended" | "finished" | "acked";

/** The process that owns an attempt's tree: pid and start time together name it for ever. */
export interface ProcessName {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: number;
}

export interface AgentAttempt {
  readonly assignment: Assignment;
  readonly phase: AttemptPhase;
  /** Boot in which it was accepted. */
  readonly bootId: string;
  /** Unix ms, for records. */
  readonly startedAt: number | undefined;
  /** Uptime ms at the start, for the time limit. */
  readonly startedUptimeMs: number | undefined;
  /** The last look at what it says; undefined before the first. Volatile. */
  readonly activity: Activity | undefined;
  readonly process: ProcessName | undefined;
  /** Uptime ms after which it must not run. */
  readonly leaseDeadlineMs: number;
  /** The deadline the warden knows; never later than the real one. Volatile. */
  readonly writtenDeadlineMs: number;
  readonly stop: Stop | undefined;
  readonly finish: FinishReport | undefined;
}

export interface Activity {
  /** Bytes of output and metrics. */
  readonly bytes: number;
  /** How long they have not grown while somebody looked. */
  readonly idleMs: number;
  /** Uptime ms of the look. */
  readonly lookedAtMs: number;
}

export interface Stop {
  readonly cause: StopCause;
  /** Uptime ms at which KILL follows TERM. */
  readonly killAtMs: number;
  readonly killed: boolean;
}

export interface WaitingAttempt {
  readonly assignment: Assignment;
  readonly behind: Fence;
  /** Uptime ms at which it came. */
  readonly sinceMs: number;
}

export interface AgentState {
  readonly agentId: string;
  readonly bootId: string;
  /** The store this agent works for; empty before the first Welcome. */
  storeId: string;
  term: number;
  maxFenceSeen: number;
  /** As the coordinator last said. */
  draining: boolean;
  readonly attempts: Map<Fence, AgentAttempt>;
  /** Attempts that were handed out ahead, each behind one that holds its place. Volatile: nothing of them was promised. */
  readonly waiting: Map<Fence, WaitingAttempt>;
  /** Fences that were refused or are done with: an Assign for one of them is an echo. */
  readonly tombstones: Set<Fence>;
  // Volatile.
  /** This agent stops what runs and goes: it takes nothing more. */
  leaving: boolean;
  session: SessionId | undefined;
  heartbeatSeq: number;
  /** Uptime ms at which each heartbeat without an answer was sent. */
  readonly heartbeatsSent: Map<number, number>;
  /** Uptime ms at which the last answered Hello or heartbeat was sent: leases count from it. */
  exchangeSentMs: number;
  devices: readonly Device[];
}

/** Attempts that hold a device or a part of it: until their trees are gone and the device was looked at. */
export function holdersOf(state: AgentState, device: DeviceUuid): Assignment[] {
  return [...state.attempts.values()]
    .filter(({ phase, assignment }) => isHolding(phase) && assignment.devices.includes(device))
    .map(({ assignment }) => assignment);
}

/** Phases in which an attempt may have processes or has devices that were not looked at yet. */
export function isHolding(phase: AttemptPhase): boolean {
  return phase === "accepted" || phase === "running" || phase === "ended";
}

/** The devices as a look at some of them found those. */
export function withUnclean(devices: readonly Device[], unclean: readonly Device[]): readonly Device[] {
  if (unclean.length === 0) return devices;
  const found = new Map(unclean.map((device) => [device.uuid, device]));
  return devices.map((device) => found.get(device.uuid) ?? device);
}
