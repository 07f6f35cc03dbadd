/**
 * What the dashboard reads beyond the plain lists of views.ts, as JSON: tables in columns, series cut to what a screen can
 * show, and the answers to actions. Times are Unix milliseconds, durations milliseconds; null is "not known" or "not yet".
 */
import type { RunState } from "./states.ts";
import type { JsonValue, RunView } from "./views.ts";

export type Cell = string | number | boolean | null;

export type ColumnKind = "text" | "number" | "state" | "time" | "duration";

export interface Column {
  /** "ref", "state", "node", … for facts of a run; "param:optim.lr", "metric:val/acc" for what it was given and brought. */
  readonly key: string;
  readonly kind: ColumnKind;
}

/** GET /tables/columns?sweep=REF — what a table of these runs can show. */
export interface ColumnsAnswer {
  readonly columns: readonly (Column & {
    /** Runs that have a value. */
    readonly runs: number;
    /** Different values; more than 1,000 are said as 1,000. */
    readonly distinct: number;
  })[];
}

/**
 * GET /tables/runs?sweep=REF&where=EXPR&sort=-metric:val/acc,ref&columns=ref,state,param:lr&offset=0&limit=200
 * Also `group=param:lr,param:model`: one row for each different combination, seeds folded.
 */
export interface RunTable {
  /** Rows of the whole selection. */
  readonly total: number;
  readonly offset: number;
  readonly columns: readonly Column[];
  /** One list for each column, in the same order; each with a value for each row. */
  readonly cells: readonly (readonly Cell[])[];
  /** Handle of each row's run; for a group, of its best run or its first. */
  readonly refs: readonly string[];
  readonly states: readonly RunState[];
  /** For groups: runs of each row, and the spread of each number column; absent otherwise. */
  readonly groups?: {
    readonly runs: readonly number[];
    /** Standard deviation, by column and row; null where it has none. */
    readonly deviations: readonly (readonly (number | null)[] | null)[];
  };
}

/**
 * GET /runs/REF/series?keys=loss,val/acc&x=step&width=800&from=&to= — min and max of each of `width` buckets, or every point where
 * there are at most two for each bucket. `x`: "step", "time" (ms since the run started), or a metric's name.
 */
export interface SeriesAnswer {
  readonly x: string;
  readonly series: readonly Series[];
}

export interface Series {
  readonly key: string;
  /** Points in the range asked for. */
  readonly points: number;
  /** True when these are all of them. */
  readonly exact: boolean;
  readonly xs: readonly number[];
  /** Null where the value is no finite number. */
  readonly ys: readonly (number | null)[];
}

/** GET /runs/REF/detail — everything of a run's page that is not a stream. */
export interface RunDetail {
  readonly run: RunView;
  readonly command: readonly string[] | string;
  readonly cwd: string;
  readonly resources: string;
  /** Parameters in which it differs within its sweep. */
  readonly differing: readonly string[];
  readonly attempts: readonly AttemptView[];
  readonly events: readonly HistoryView[];
  /** Keys of its metrics, in order of first appearance. */
  readonly metricKeys: readonly string[];
  readonly resultsDir: string;
  /** Of a run that took its result from another. */
  readonly reusedFrom: string | null;
  /** Why it waits, line by line; empty for a run that does not. */
  readonly why: readonly string[];
}

export interface AttemptView {
  readonly number: number;
  readonly fence: number;
  readonly node: string;
  readonly devices: readonly string[];
  /** "assigned", "running" or how it ended, in words. */
  readonly state: string;
  readonly assignedAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Bytes of its output stored so far. */
  readonly outputBytes: number;
}

export interface HistoryView {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly run: string | null;
  readonly node: string | null;
  readonly text: string;
}

/** GET /sweeps/REF/detail */
export interface SweepDetail {
  readonly ref: string;
  readonly name: string;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
  readonly reused: number;
  readonly createdAt: number;
  readonly objective: { readonly metric: string; readonly goal: "maximize" | "minimize" } | null;
  /** Axes: parameters with more than one value, with their values in order of appearance (at most 1,000). */
  readonly axes: readonly { readonly key: string; readonly values: readonly JsonValue[] }[];
  /** State of every run by position, one letter each: q h a r u s f c k (skipped). */
  readonly strip: string;
  /** Median duration of its finished runs, and when the rest will be done at this rate. */
  readonly medianMs: number | null;
  readonly etaMs: number | null;
  readonly source: { readonly path: string; readonly text: string };
  /** Best value so far by time of finishing. */
  readonly bestOverTime: {
    readonly at: readonly number[];
    readonly value: readonly number[];
    readonly ref: readonly string[];
  };
}

/** GET /queue?offset=&limit= — waiting runs in the order in which they will be placed. */
export interface QueueAnswer {
  readonly total: number;
  readonly rows: readonly {
    readonly ref: string;
    readonly state: RunState;
    readonly priority: number;
    readonly needs: string;
    readonly reason: string;
    readonly waitingMs: number;
  }[];
}

/** GET /events?before=SEQ&limit=&run=&node=&kind= — newest first. */
export interface EventsAnswer {
  readonly events: readonly HistoryView[];
}

/** GET /usage?days=14 — device time by day and sweep. */
export interface UsageAnswer {
  readonly days: readonly string[];
  readonly rows: readonly { readonly sweep: string; readonly hours: readonly number[] }[];
}

/**
 * Actions: POST with a JSON body and an Idempotency-Key.
 * /actions/{cancel,retry,pause,resume} {refs}, /actions/priority {refs, priority}, /actions/annotate {ref, tags?, note?},
 * /actions/node {name, action: cordon|uncordon|drain|undrain}, /actions/plan and /actions/submit {source, force}, /actions/apply {source, sweep}
 */
export interface ActionAnswer {
  /** What was done, in one line for people. */
  readonly message: string;
}
