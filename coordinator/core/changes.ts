/**
 * Everything that can happen to the control state, as data. A reactor returns changes; `writeChange` (store) makes them
 * durable and `applyChange` brings memory to the same state. Changes marked volatile are not stored.
 */
import type { DeviceUuid, Fence, NodeName, RunId, SessionId, SweepId } from "../../shared/kernel/ids.ts";
import type { NotifySettings } from "../../shared/run/notify.ts";
import type { CodeSnapshot } from "../../shared/run/provenance.ts";
import type { FinalSizes } from "../../shared/run/session.ts";
import type { Outcome, RunState } from "../../shared/run/states.ts";
import type { IdentityPart, Objective, ParamOrigins, RunShape, StopSettings } from "../../shared/spec/types.ts";
import type { Attempt, Node, Reserved, Run, StopReason, Sweep, SweepStanding } from "./cluster.ts";
import type { ImportedChange } from "./imported.ts";
import type { SweepExtended } from "./reactor-apply.ts";
import type { Redecided, StagedWork } from "./staged-work.ts";

/** What the store keeps about a sweep beyond what decisions need. */
export interface SweepRecord extends Omit<Sweep, "shapes"> {
  readonly shapes: readonly RunShape[];
  readonly project: string;
  readonly description: string;
  readonly note: string;
  readonly tags: readonly string[];
  /** Its runs are held from the start. */
  readonly hold: boolean;
  readonly submitId: string;
  readonly createdAt: number;
  readonly total: number;
  readonly reused: number;
  readonly priority: number;
  readonly objective: Objective | undefined;
  readonly sourcePath: string;
  readonly sourceText: string;
  /** Absent for a sweep that nobody wrote a file for. */
  readonly identity?: SweepIdentity;
  /** Files of the code tree that the identity names. */
  readonly codeManifest?: string;
  /** Absent where nothing of it was said. */
  readonly origin?: OriginRecord;
  /** Absent where nobody is to be told. */
  readonly notify?: NotifySettings;
  /** Absent where nothing ends before its time. */
  readonly stop?: StopSettings;
}

/** Where the code of a sweep came from, for people; and the snapshot that its runs start from. */
export interface OriginRecord {
  /** A CodeOrigin as JSON; empty where git was not asked. */
  readonly originJson: string;
  readonly snapshot: CodeSnapshot | undefined;
  /** The run that its one run repeats. */
  readonly repeats: RunId | undefined;
  /** It goes on from the last checkpoint of that run. */
  readonly resumes?: boolean;
}

/** What counted as the same work when the sweep was submitted. Digests are empty where they were not taken. */
export interface SweepIdentity {
  readonly ignore: readonly string[];
  readonly include: readonly IdentityPart[];
  readonly code: string;
  readonly env: string;
  readonly data: string;
  /** What the file says of the parameters; absent for sweeps from before it was kept. */
  readonly params?: ParamOrigins;
}

export interface RunRow {
  readonly id: RunId;
  readonly index: number;
  /** Index into the sweep's shapes. */
  readonly shape: number;
  /** Own priority; undefined: that of the sweep. */
  readonly priority: number | undefined;
  readonly fingerprint: string;
  readonly paramsJson: string;
  /** Run that completed this configuration before: the row is terminal from the start. */
  readonly reusedFrom: RunId | undefined;
  /** Run that does the same work right now: this one is not placed, and succeeds with it. */
  readonly waitsFor: RunId | undefined;
}

/** How a new run stands: with its sweep held, or in the queue. */
export function firstState(sweep: Pick<SweepRecord, "hold">): Pick<Run, "state" | "reason" | "paused"> {
  return sweep.hold
    ? { state: "held", reason: HELD_BY_USER, paused: true }
    : { state: "queued", reason: "", paused: false };
}

/** Reason of a run that a user holds. */
export const HELD_BY_USER = "by the user; `exp resume` lets it go";

export const CANCELLED_BY_USER = "cancelled by the user";
/** Before the reason of a run that was told to stop, until it has. */
export const STOPPING = "stopping: ";

/** Why a run that was told to stop has ended, or will. */
export function whyCancelled({ reason }: Pick<RunStateRow, "reason">): string {
  return reason.startsWith(STOPPING) ? reason.slice(STOPPING.length) : CANCELLED_BY_USER;
}

/** The part of a run that never changes, as far as decisions need it. */
export type RunPoint = Pick<Run, "index" | "shape" | "fingerprint">;

/** The narrow, changing part of a run: written as a whole. */
export interface RunStateRow {
  readonly runId: RunId;
  readonly sweepId: SweepId;
  readonly state: RunState;
  readonly reason: string;
  readonly priority: number;
  readonly attempt: number;
  readonly fence: Fence | undefined;
  readonly failures: number;
  readonly crashes: number;
  readonly givenUp: boolean;
  readonly cancelRequested: boolean;
  readonly paused: boolean;
  readonly avoid: NodeName | undefined;
  readonly notBefore: number;
  readonly waitsFor: RunId | undefined;
  /** Unix ms; set in terminal states. */
  readonly finishedAt: number | undefined;
}

export type Change =
  | { readonly kind: "sweep-added"; readonly sweep: SweepRecord; readonly runs: readonly RunRow[] }
  /** A sweep whose runs the store has already. */
  | ({
      readonly kind: "staged-added";
      readonly sweep: SweepRecord;
      /** Those that are live; memory takes them as they are, so nobody else may keep them. */
      readonly work: StagedWork;
    } & Redecided)
  | SweepExtended
  /** How a sweep stands that something may stop. */
  | ({ readonly kind: "sweep-changed"; readonly sweepId: SweepId } & Readonly<SweepStanding>)
  | { readonly kind: "run-changed"; readonly row: RunStateRow }
  /** A terminal run is live again: memory needs what only the store still had. */
  | {
      readonly kind: "run-revived";
      readonly row: RunStateRow;
      readonly sweep: Sweep;
      readonly point: RunPoint;
    }
  | { readonly kind: "attempt-added"; readonly attempt: Attempt; readonly at: number }
  /** An attempt that was given up turned out to be alive, and its run had not been started again. */
  | { readonly kind: "attempt-revived"; readonly attempt: Attempt }
  | {
      readonly kind: "attempt-changed";
      readonly fence: Fence;
      readonly phase: Attempt["phase"];
      readonly stopping: StopReason;
      readonly startedAt: number | undefined;
    }
  | {
      readonly kind: "attempt-ended";
      readonly fence: Fence;
      readonly outcome: Outcome;
      readonly startedAt: number | undefined;
      readonly finishedAt: number;
      /** Undefined where the host did not say: nothing more will come. */
      readonly finalSizes: FinalSizes | undefined;
      /** What the host found in its output; absent: nothing. */
      readonly causes?: readonly string[];
    }
  | { readonly kind: "attempt-sealed"; readonly fence: Fence }
  | { readonly kind: "completed-added"; readonly fingerprint: string; readonly runId: RunId }
  /** The run failed at a configuration that nothing has completed. */
  | { readonly kind: "failed-added"; readonly fingerprint: string; readonly runId: RunId }
  /** The run has its result from another one. */
  | { readonly kind: "run-reused"; readonly runId: RunId; readonly sweepId: SweepId; readonly from: RunId }
  | ImportedChange
  | { readonly kind: "node-saved"; readonly node: Node }
  /** Volatile. */
  | {
      readonly kind: "node-link";
      readonly name: NodeName;
      readonly session: SessionId;
      readonly connected: boolean;
      readonly silent: boolean;
      readonly lastHeardMs: number;
    }
  /** The next fence is at least this: another coordinator's agents have seen higher ones. */
  | { readonly kind: "fence-floor"; readonly nextFence: number }
  | {
      readonly kind: "history";
      readonly at: number;
      readonly what: HistoryKind;
      readonly runId: RunId | undefined;
      readonly node: NodeName | undefined;
      readonly text: string;
      /** Name of the token with which it was asked for; absent: none of those that were handed out. */
      readonly by?: string;
    };

export type HistoryKind =
  | "submitted"
  | "imported"
  | "started"
  | "succeeded"
  | "failed"
  | "skipped"
  | "requeued"
  | "held"
  | "cancel-requested"
  | "cancelled"
  | "retried"
  | "applied"
  | "reused"
  | "paused"
  | "resumed"
  | "edited"
  | "sweep-stopped"
  /** Said by a program: written by the store where its lines are committed. */
  | "warning"
  | "lost"
  | "adopted"
  | "superseded"
  | "node-joined"
  | "node-left"
  | "node-silent"
  | "node-cordoned"
  | "node-uncordoned"
  | "node-draining"
  | "node-stopped"
  /** It has a token of its own now; or something was asked with it that is not its own. */
  | "node-enrolled"
  | "node-denied"
  | "store-rolled-back";

/** What an attempt gets of a node. */
export interface Place {
  readonly node: NodeName;
  readonly devices: readonly DeviceUuid[];
  readonly reserved: Reserved | undefined;
}

export interface Placement {
  readonly runId: RunId;
  /** By rank: one, or as many as the run asks for nodes. */
  readonly places: readonly Place[];
  /** Run whose place it takes over when that one has ended; absent: the place is free. */
  readonly behind?: RunId;
}
