/** What the HTTP API answers to actions. */
import type { JsonValue } from "./views.ts";

/**
 * Actions: POST with a JSON body and an Idempotency-Key.
 * /actions/{cancel,retry,pause,resume} {refs}, /actions/priority {refs, priority},
 * /actions/annotate {ref, tags?, note?, favourite?}, /actions/node {name, action: cordon|uncordon|drain|stop},
 * /actions/plan {source, force?, show?}, /actions/submit {source, force?, priority?}, /actions/apply {source, sweep?, dryRun?}.
 */
export interface ActionAnswer {
  /** What was done, in one line for people. */
  readonly message: string;
}

/** `source` of plan and submit: a sweep file as text. */
export interface SourceBody {
  readonly text: string;
  /** Name to show in messages, such as "sweep.toml". */
  readonly path?: string | undefined;
  /** Absolute directory on the hosts from which the runs start, where the file says no other. */
  readonly directory: string;
}

/** Answer of /actions/plan: what submit would do. */
export interface PlanAnswer extends ActionAnswer {
  readonly name: string;
  readonly total: number;
  readonly new: number;
  readonly reused: number;
  /** What the file says and has no effect, one line each. */
  readonly warnings: readonly string[];
  readonly axes: readonly { readonly key: string; readonly size: number }[];
  /** Steps of the expansion that the file takes, in their order: "base", "variants", "grid" and so on. */
  readonly steps: readonly string[];
  /** Of the queue: "listed", "shuffled", or "exp" as in EXP's own files. */
  readonly order: string;
  /** Which of the shuffled orders; 0 where nothing is shuffled. */
  readonly shuffleSeed: number;
  /** The first `show` (at most 1,000; 20 where it is not said). */
  readonly points: readonly {
    readonly index: number;
    readonly params: { readonly [key: string]: JsonValue };
    readonly command: readonly string[];
    /** Handle of the run whose result it takes; null for one that is new. */
    readonly reusedFrom: string | null;
  }[];
}

/** Answer of /actions/submit. */
export interface SubmitAnswer extends ActionAnswer {
  /** Handle of the new sweep. */
  readonly sweep: string;
  readonly total: number;
  readonly new: number;
  readonly reused: number;
  readonly warnings: readonly string[];
}

/** Answer of /actions/apply: what an edited file changes of a sweep that is there; with dryRun, what it would. */
export interface ApplyAnswer extends ActionAnswer {
  readonly sweep: string;
  readonly added: number;
  /** Of these, completed before. */
  readonly reused: number;
  readonly withdrawn: number;
  readonly unchanged: number;
  /** Gone from the file, and left alone as they run. */
  readonly runningOn: number;
  /** Queued runs that take on other resources, limits or retries. */
  readonly reshaped: number;
  /** "priority 0 to 5", "parallel: no limit to 4". */
  readonly settings: readonly string[];
  /** Parameters of the first points of each kind. */
  readonly addedParams: readonly { readonly [key: string]: JsonValue }[];
  readonly withdrawnParams: readonly { readonly [key: string]: JsonValue }[];
  readonly warnings: readonly string[];
}
