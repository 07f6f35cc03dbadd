/**
 * What the core wants done after its changes are committed. Every command can be derived again from the state (a lost
 * one costs a resend when the agent joins again), so commands are never stored.
 */
import type { Fence, NodeName, RunId, SessionId } from "../../shared/kernel/ids.ts";
import type { Decision, KillReason, RefusedReason } from "../../shared/run/session.ts";
import type { Change } from "./changes.ts";

import type { ConnectionId } from "./events.ts";

export type Command =
  | {
      readonly kind: "welcome";
      readonly connection: ConnectionId;
      readonly session: SessionId;
      readonly node: NodeName;
      readonly term: number;
      readonly decisions: readonly Decision[];
    }
  | {
      readonly kind: "refuse";
      readonly connection: ConnectionId;
      readonly reason: RefusedReason;
      readonly message: string;
    }
  | { readonly kind: "close"; readonly session: SessionId; readonly message: string }
  /** The shell loads the run's specification from the store. */
  | { readonly kind: "assign"; readonly session: SessionId; readonly fence: Fence; readonly runId: RunId }
  | { readonly kind: "kill"; readonly session: SessionId; readonly fence: Fence; readonly reason: KillReason }
  | {
      readonly kind: "heartbeat-ack";
      readonly session: SessionId;
      readonly seq: number;
      readonly renewed: readonly Fence[];
    }
  | { readonly kind: "finish-ack"; readonly session: SessionId; readonly fence: Fence }
  | { readonly kind: "drain"; readonly session: SessionId; readonly draining: boolean };

export interface Reaction {
  readonly changes: readonly Change[];
  readonly commands: readonly Command[];
}
