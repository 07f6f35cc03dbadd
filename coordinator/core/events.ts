/** What reaches the core: from users, from agents, and from time. Everything random or read from a clock is passed in. */
import type { Fence, NodeName, RunId, SessionId, SweepId } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import type { FinishReport, Hello } from "../../shared/run/session.ts";
import type { TerminalState } from "../../shared/run/states.ts";
import type { RunPoint, RunRow, RunStateRow, SweepRecord } from "./changes.ts";
import type { Sweep } from "./cluster.ts";
import type { ImportEvent } from "./imported.ts";
import type { ApplyEvent } from "./reactor-apply.ts";
import type { StagedWork } from "./staged-work.ts";

/** The moment of an event. */
export interface Now {
  /** Monotonic milliseconds: what leases and silence are measured with. */
  readonly monotonicMs: number;
  /** Unix milliseconds: for records, and for the politeness of retry delays. */
  readonly wallMs: number;
  /** Uniform in [0, 1): jitter. */
  readonly random: number;
}

/** A sweep before it has its place in the order: the core gives `seq`, and counts what is reused. */
export type NewSweep = Omit<SweepRecord, "seq" | "number" | "reused" | "failed" | "stopped" | "gpuMs">;

/** A run before it is decided whether its work is done already, or being done. */
export type NewRun = Omit<RunRow, "reusedFrom" | "waitsFor"> & {
  /** Imported run that stands for it where nothing of ours does; absent: none. */
  readonly imported?: RunId | undefined;
};

export interface TerminalRun {
  readonly row: RunStateRow & { readonly state: TerminalState };
  readonly sweep: Sweep;
  readonly point: RunPoint;
  /** A point that was taken from earlier work never ran: there is nothing to try again. */
  readonly reused: boolean;
}

/** Handle of a connection before it has a session: the shell's own number. */
export type ConnectionId = number;

/** What somebody asked for. */
interface Asked {
  /** Name of the token that it came with; empty or absent: the coordinator's own, or nobody's. */
  readonly by?: string;
}

export type Event =
  | (Asked & {
      readonly kind: "submit";
      readonly sweep: NewSweep;
      readonly number: number;
      readonly runs: readonly NewRun[];
    })
  | (Asked & ImportEvent)
  /** The same for a sweep whose runs are in the store and count for nothing yet. */
  | (Asked & {
      readonly kind: "submit-staged";
      readonly sweep: NewSweep;
      readonly number: number;
      /** Those that were live when they were written. They become the core's. */
      readonly work: StagedWork;
      /** Runs that were reused when they were written. */
      readonly reused: number;
      /** Where the cluster's `workLog` ended before the first of them was decided. */
      readonly decidedAt: number;
    })
  | (Asked & ApplyEvent)
  /** `why`: what ends them before their time; absent where a user does. */
  | (Asked & { readonly kind: "cancel"; readonly runIds: readonly RunId[]; readonly why?: string })
  | (Asked & { readonly kind: "retry"; readonly runIds: readonly RunId[]; readonly terminal: readonly TerminalRun[] })
  /** Queued runs are held; what runs goes on, and is held should it come back to the queue. */
  | (Asked & { readonly kind: "pause"; readonly runIds: readonly RunId[] })
  /** Held runs go back to the queue, whatever held them. */
  | (Asked & { readonly kind: "resume"; readonly runIds: readonly RunId[] })
  | (Asked & { readonly kind: "edit"; readonly runIds: readonly RunId[]; readonly priority: number })
  | (Asked & { readonly kind: "node-action"; readonly name: NodeName; readonly action: NodeAction })
  /** Something about a node for the history that decides nothing. */
  | { readonly kind: "node-noted"; readonly name: NodeName; readonly what: NodeNote; readonly text: string }
  | { readonly kind: "hello"; readonly connection: ConnectionId; readonly hello: Hello }
  | { readonly kind: "disconnected"; readonly session: SessionId }
  | { readonly kind: "heartbeat"; readonly session: SessionId; readonly seq: number; readonly fences: readonly Fence[] }
  | { readonly kind: "accepted"; readonly session: SessionId; readonly fence: Fence }
  | {
      readonly kind: "rejected";
      readonly session: SessionId;
      readonly fence: Fence;
      readonly reason: string;
      readonly detail: string;
    }
  | { readonly kind: "started"; readonly session: SessionId; readonly fence: Fence; readonly startedAt: number }
  | { readonly kind: "finished"; readonly session: SessionId; readonly finish: FinishReport }
  | { readonly kind: "devices"; readonly session: SessionId; readonly devices: readonly Device[] }
  | { readonly kind: "sealed"; readonly fence: Fence }
  /** The sweep has what it is for. `why`: in one line; `from`: where its file says so. */
  | { readonly kind: "stop-sweep"; readonly sweepId: SweepId; readonly why: string; readonly from: string }
  | { readonly kind: "tick" }
  | { readonly kind: "schedule" };

export type NodeNote = "node-enrolled" | "node-denied";

export type NodeAction = "cordon" | "uncordon" | "drain" | "stop";
