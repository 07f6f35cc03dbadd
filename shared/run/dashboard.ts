/**
 * What the dashboard reads beyond the plain lists of views.ts, as JSON: tables in columns, and series cut to what a screen
 * can show. Times are Unix milliseconds, durations milliseconds; null is "not known" or "not yet".
 */
import type { AttemptEnvironment, CodeOrigin, CodeSnapshot } from "./provenance.ts";
import type { Outcome, RunState } from "./states.ts";
import type { DeviceView, JsonValue, NodeView, RunView } from "./views.ts";

export type Cell = string | number | boolean | null;

export type ColumnKind = "text" | "number" | "state" | "time" | "duration";

/** Facts of a run that a table can show, by key. "duration" is that of the current or last attempt. */
export const FACT_COLUMNS = {
  ref: "text",
  sweep: "text",
  index: "number",
  state: "state",
  reason: "text",
  node: "text",
  attempt: "number",
  priority: "number",
  gpus: "number",
  exit_code: "number",
  reused: "text",
  created: "time",
  started: "time",
  finished: "time",
  duration: "duration",
  tag: "text",
  note: "text",
} as const satisfies { readonly [key: string]: ColumnKind };

export interface Column {
  /** A key of FACT_COLUMNS, or "param:optim.lr", "metric:val/acc" for what it was given and brought. */
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
    /** True for a parameter by which replicates of a point differ, as the seed; absent for all others. */
    readonly replicate?: boolean;
  })[];
}

/**
 * GET /tables/runs?sweep=REF&where=EXPR&sort=-metric:val/acc,ref&columns=ref,state,param:lr&offset=0&limit=200
 * Also `group=param:lr,param:model`: one row for each different combination, seeds folded. `sweep` may be any reference, also
 * of single runs. Without `sort`: by position within one sweep, else the newest first. What has no value sorts last.
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
 * GET /runs/REF/series?keys=loss,val/acc&x=step&width=800&from=&to=&attempt= — min and max of each of `width` buckets, or every point where
 * there are at most two for each bucket. `x`: "step", "time" (ms since the run started), "wall" (Unix ms),
 * or a metric's name.
 */
export interface SeriesAnswer {
  readonly x: string;
  readonly series: readonly Series[];
}

/** GET /runs/REF/place?x=step&value=120&key=loss — where its output was at a point of a curve. */
export interface PlaceAnswer {
  /** Since its attempt started; null where the point says no time. */
  readonly ms: number | null;
  /** Byte of the output up to which it was written then; null where that was not noted. */
  readonly offset: number | null;
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
  /** Those by which replicates of a point differ, as the seed. */
  readonly replicates: readonly string[];
  /** By number; of those on several nodes rank 0, which stands for the run. */
  readonly attempts: readonly AttemptView[];
  /** Of the attempts on several nodes, each rank of each; empty where there are none. */
  readonly ranks: readonly AttemptView[];
  readonly events: readonly HistoryView[];
  /** Keys of its metrics, in order of first appearance. */
  readonly metricKeys: readonly string[];
  readonly resultsDir: string;
  /** Of a run that took its result from another. */
  readonly reusedFrom: string | null;
  /** Why it waits, line by line; empty for a run that does not. */
  readonly why: readonly string[];
  /** Those of its sweep, then what people added. */
  readonly tags: readonly string[];
  /** The tags that people added, which are the ones that /actions/annotate replaces. */
  readonly ownTags: readonly string[];
  readonly note: string;
  readonly favourite: boolean;
}

/** GET /runs/REF/record — what it was made from and what it ran on. */
export interface RunRecordAnswer {
  readonly code: CodeOrigin | null;
  readonly snapshot: CodeSnapshot | null;
  /** Handle of the run that it repeats. */
  readonly repeats: string | null;
  /** Handles of those that repeat it. */
  readonly repeatedBy: readonly string[];
  /** Of the attempts that are known to have one, in their order. */
  readonly environments: readonly AttemptEnvironment[];
}

export interface AttemptView {
  readonly number: number;
  readonly fence: number;
  /** Among the nodes of its run, from 0. */
  readonly rank: number;
  /** Nodes that it is on. */
  readonly nodes: number;
  readonly node: string;
  readonly devices: readonly string[];
  /** "assigned", "running" or how it ended, in words. */
  readonly state: string;
  readonly phase: "assigned" | "running" | "ended";
  /** How it ended; null while that is not known. */
  readonly outcome: Outcome | null;
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
  /** Name of the token with which it was asked for; null: the coordinator's own, or nobody asked. */
  readonly by: string | null;
}

/** GET /runs/REF/files; each is had at /runs/REF/file?path=PATH. */
export interface FilesAnswer {
  /** By path from the results directory; our own files are left out. */
  readonly files: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    /** Unix ms. */
    readonly modifiedAt: number;
  }[];
  /** True where there are more than are listed. */
  readonly more: boolean;
  /** Why there are none, in one line; null where there are some, or may yet be. */
  readonly none: string | null;
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

/** GET /sweeps/REF/best?metric=&goal=&fold=1&limit= — the leaderboard, as `exp best`: succeeded runs only. */
export interface BestAnswer {
  readonly metric: string;
  readonly goal: "maximize" | "minimize";
  /** Which of a run's values counts: "best", "last", "min" or "max". */
  readonly reduce: string;
  readonly rows: readonly {
    /** From 1; equal values share one. */
    readonly rank: number;
    /** Of folded runs: their mean. */
    readonly value: number;
    /** Of folded runs: the best. */
    readonly run: RunView;
    /** Handles of the runs of the row, the best first. */
    readonly refs: readonly string[];
    /** What they have in common. */
    readonly params: { readonly [key: string]: JsonValue };
    /** Standard deviation of the sample, and half the width of the 95 % confidence interval of the mean; null for one run. */
    readonly deviation: number | null;
    readonly halfWidth: number | null;
  }[];
  /** Rows beyond the limit. */
  readonly more: number;
}

/**
 * GET /queue?offset=&limit= — waiting runs in the order in which they will be placed; then those that wait for something
 * else (a retry delay, a run that does the same work), then the held ones.
 */
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

/** GET /usage?days=14&kind=gpu — device time by day (UTC) and sweep, the largest first. */
export interface UsageAnswer {
  /** Which devices are counted. Where it was not asked for: GPUs, or CPU slots where no GPU was used. */
  readonly kind: "gpu" | "cpu";
  readonly days: readonly string[];
  readonly rows: readonly { readonly sweep: string; readonly hours: readonly number[] }[];
}

/** GET /nodes */
export interface FleetNode extends NodeView {
  readonly devices: FleetDevice[];
}

export interface FleetDevice extends DeviceView {
  /** Of a device that a run holds; absent for all others. */
  readonly use?: DeviceUse;
}

/** The last readings of its host; null is "not known". */
export interface DeviceUse {
  /** ISO 8601; null where the run has not started yet. */
  readonly since: string | null;
  /** Its number among the GPUs of the run, as in the metric sys/gpu0/power_watts; null for a CPU slot. */
  readonly gpu: number | null;
  readonly utilizationPercent: number | null;
  /** In use, of all processes. */
  readonly memoryBytes: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
}

/** GET /nodes/NAME */
export interface NodeDetail {
  readonly node: NodeView;
  readonly version: string;
  readonly hostname: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Such as "Linux 6.8.0 x64"; empty where it is not known. */
  readonly platform: string;
  readonly cpuModel: string;
  readonly driverVersion: string;
  /** Attempts that are assigned to it or run there, the newest first. */
  readonly current: readonly NodeAttempt[];
  /** The last ones that ended there, the newest first. */
  readonly recent: readonly NodeAttempt[];
  readonly events: readonly HistoryView[];
}

export interface NodeAttempt extends AttemptView {
  /** Handle of its run. */
  readonly ref: string;
}

/** GET /stream?topics=nodes,runs,run:REF — what is sent as `data` of each "fleet" event. */
export interface LiveNews {
  readonly nodes: boolean;
  readonly runs: boolean;
  /** Those of the topics that changed: "nodes", "runs", "run:digits.1.4" (state or output). */
  readonly topics: readonly string[];
  /** Live runs by state. */
  readonly counts: { readonly [state: string]: number };
}
