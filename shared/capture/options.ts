/** [P] What of a run is captured without its program's help. What the sweep file does not say is as it says here. */

/** Forms of metrics in the output. */
export const OUTPUT_FORMS = ["json", "dict", "keyvalue", "tqdm"] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

export interface CaptureOptions {
  readonly stdout: readonly OutputForm[];
  /** Further forms (pattern.ts). */
  readonly patterns: readonly string[];
  readonly tensorboard: boolean;
  /** Further folders below the working directory in which event files are looked for. */
  readonly tensorboardDirs: readonly string[];
  /** Globs below the working directory and the directory of the run. */
  readonly csv: readonly string[];
  readonly system: boolean;
  readonly systemEveryMs: number;
  /** Globs of files to keep, below the working directory and the directory of the run. */
  readonly artifacts: readonly string[];
  /** Checkpoints of a run to keep: the newest so many, and the best so many. 0: all, or none besides. */
  readonly keepLast: number;
  readonly keepBest: number;
  /** A Python program that dies of an exception leaves its traceback with the run. */
  readonly hook: boolean;
  /** Variables of a run's environment that are recorded. */
  readonly envAllow: readonly string[];
}

export const CAPTURE_DEFAULTS: CaptureOptions = {
  stdout: ["json", "dict", "tqdm"],
  patterns: [],
  tensorboard: true,
  tensorboardDirs: [],
  csv: ["lightning_logs/**/metrics.csv"],
  system: true,
  systemEveryMs: 5_000,
  artifacts: [],
  keepLast: 0,
  keepBest: 0,
  hook: false,
  envAllow: [],
};

/** Patterns of one sweep file. */
export const PATTERNS_MAX = 10;
/** CSV globs of one sweep file. */
export const CSV_GLOBS_MAX = 20;
/** Variables to record, of one sweep file. */
export const ENV_NAMES_MAX = 50;

/** What a sweep file says; the rest is as usual. */
export type CaptureChoices = { readonly [key in keyof CaptureOptions]?: CaptureOptions[key] };

export function captureOptions(choices: CaptureChoices | undefined): CaptureOptions {
  return { ...CAPTURE_DEFAULTS, ...choices };
}

/** Names of the metrics that the host adds by itself begin with this. */
export const SYSTEM_PREFIX = "sys/";

export function isSystemMetric(name: string): boolean {
  return name.startsWith(SYSTEM_PREFIX);
}
