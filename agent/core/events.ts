/** What reaches the agent's core, what it changes, and what it wants done. */
import type { Fence } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import type {
  AgentMessage,
  Assignment,
  BusAccess,
  CoordinatorMessage,
  FinalSizes,
  StreamOffset,
} from "../../shared/run/session.ts";
import type { FailedStage } from "../../shared/run/states.ts";
import type { Activity, AgentAttempt, ProcessName, WaitingAttempt } from "./state.ts";

/** The moment of an event. */
export interface Now {
  /** Milliseconds since boot, sleep included: leases and limits are measured with it. */
  readonly uptimeMs: number;
  /** Unix ms, for records. */
  readonly wallMs: number;
}

/** What a restarted agent found of an attempt that its journal had open. */
export type Found =
  | { readonly state: "never-started" }
  | { readonly state: "running"; readonly process: ProcessName }
  /** `expired`: the warden killed it, as for Exit. */
  | { readonly state: "exited"; readonly code: number; readonly expired: boolean; readonly stage?: FailedStage }
  /** No live process and no exit record. */
  | { readonly state: "dead"; readonly expired: boolean }
  | { readonly state: "rebooted" };

/** How a command's process came to its end. */
export interface Exit {
  /** Undefined when the shim died without a record. */
  readonly code: number | undefined;
  /** False when not even a start was recorded. */
  readonly started: boolean;
  /** The kernel killed one of its processes for lack of memory. */
  readonly oom: boolean;
  /** The warden killed it: its lease had passed. */
  readonly expired: boolean;
  /** What came before the command and did not end well. */
  readonly stage?: FailedStage;
}

export type AgentEvent =
  | { readonly kind: "message"; readonly message: CoordinatorMessage; readonly helloSentMs: number }
  | { readonly kind: "disconnected" }
  | { readonly kind: "spawned"; readonly fence: Fence; readonly process: ProcessName }
  /** Nothing of the user's has run, and nothing will. */
  | { readonly kind: "not-spawned"; readonly fence: Fence; readonly reason: string; readonly detail: string }
  | { readonly kind: "exited"; readonly fence: Fence; readonly exit: Exit }
  | {
      readonly kind: "cleaned";
      readonly fence: Fence;
      readonly finalSizes: FinalSizes;
      readonly unclean: readonly Device[];
      /** What the end of a failed attempt's output shows. */
      readonly causes: readonly string[];
    }
  /** A look at what an attempt with an idle limit says: bytes of output and metrics so far. */
  | { readonly kind: "activity"; readonly fence: Fence; readonly bytes: number }
  /** All output of an ended attempt is stored at the coordinator. */
  | { readonly kind: "stored"; readonly fence: Fence }
  | { readonly kind: "found"; readonly fence: Fence; readonly found: Found }
  | { readonly kind: "devices"; readonly devices: readonly Device[] }
  /** Stop everything that runs: this agent leaves for good. */
  | { readonly kind: "stop-all" }
  | { readonly kind: "heartbeat" }
  | { readonly kind: "tick" };

/** Durable changes, written to the journal before any command of the same event is carried out. */
export type AgentChange =
  | { readonly kind: "attempt-saved"; readonly fence: Fence; readonly attempt: AgentAttempt }
  /** Volatile: after a restart the lease file still says what the warden goes by. */
  | {
      readonly kind: "lease-renewed";
      readonly fence: Fence;
      readonly leaseDeadlineMs: number;
      readonly writtenDeadlineMs: number;
    }
  /** Volatile: the coordinator assigns it again to an agent that has forgotten it. */
  | { readonly kind: "waits"; readonly waiting: WaitingAttempt }
  /** Volatile: a restarted agent looks anew. */
  | { readonly kind: "looked"; readonly fence: Fence; readonly activity: Activity }
  | { readonly kind: "attempt-removed"; readonly fence: Fence }
  | { readonly kind: "refused"; readonly fence: Fence }
  | { readonly kind: "coordinator-known"; readonly storeId: string; readonly term: number }
  | { readonly kind: "draining"; readonly draining: boolean };

export type AgentCommand =
  | { readonly kind: "send"; readonly message: AgentMessage }
  /** Make the directory, write the lease, render and spawn; answered by spawned or not-spawned, later by exited. */
  | { readonly kind: "start"; readonly assignment: Assignment; readonly leaseDeadlineMs: number }
  /** Follow a process that was found running; answered by exited. */
  | { readonly kind: "adopt"; readonly fence: Fence; readonly process: ProcessName }
  | { readonly kind: "signal"; readonly fence: Fence; readonly signal: "TERM" | "KILL"; readonly cause: string }
  /** Kill what is left of the tree, look at the devices, read the output to its end; answered by cleaned. */
  | { readonly kind: "clean"; readonly fence: Fence }
  | { readonly kind: "write-lease"; readonly fence: Fence; readonly deadlineMs: number }
  | { readonly kind: "watermarks"; readonly offsets: readonly StreamOffset[]; readonly resend: boolean }
  | ({ readonly kind: "bus" } & BusAccess)
  /** The end is acknowledged: answered by stored as soon as, or if already, all output is stored. */
  | { readonly kind: "await-stored"; readonly fence: Fence }
  /** Output is stored and the end acknowledged: the directory can go. */
  | { readonly kind: "remove"; readonly fence: Fence }
  /** The coordinator does not want this agent; the text says why and is for the user. */
  | { readonly kind: "refused"; readonly fatal: boolean; readonly message: string };

export interface AgentReaction {
  readonly changes: readonly AgentChange[];
  readonly commands: readonly AgentCommand[];
}
