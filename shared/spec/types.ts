/**
 * What a sweep file says, after parsing. Plain immutable data. Numbers keep int and float apart, because `--lr 1.0` and
 * `--lr 1` are different command lines.
 */
import type { CaptureChoices } from "../capture/options.ts";
import type { ResourceRequest } from "../run/devices.ts";
import type { NotifySettings, TableName } from "../run/notify.ts";
import type { RetryPolicy } from "../run/retry.ts";
import type { SpecProblem } from "./problems.ts";

/** A float, kept as such: TOML `1.0` reaches the command line as `1.0`. A class, so that no user table looks like it. */
export class FloatParam {
  readonly float: number;

  constructor(value: number) {
    this.float = value;
  }
}

/** A parameter value. Integers are plain numbers within ±2^53; every TOML float is a `FloatParam`. */
export type ParamValue =
  /** None: what an expression may give. No file has it. */
  null | boolean | number | string | FloatParam | readonly ParamValue[] | { readonly [key: string]: ParamValue };

/** Parameters of one run by dotted path, in file order: base first, then grid axes, then the seed. */
export type Params = ReadonlyMap<string, ParamValue>;

/** How `${args}` hands all parameters to the program. What each style writes is in args.ts. */
export type ArgsStyle =
  | "flags"
  | "flags="
  | "kv"
  | "hydra"
  | "hydra+"
  | "hydra++"
  | "env"
  | "json"
  | "none"
  /** A file within the run's directory, in the format that its name ends in. */
  | `file:${string}`;

/** Where a style leaves a choice; absent: what is usual for the style. */
export interface ArgsOptions {
  readonly bool?: "presence" | "value" | "no-prefix";
  readonly list?: "space" | "repeat" | "comma" | "json";
  readonly none?: "omit" | "null";
  /** "_" in names becomes "-". */
  readonly dash?: boolean;
}

/** Where the command finds its Python: a program, a virtual environment, or a conda environment by name or path. */
export interface Interpreter {
  readonly kind: "python" | "venv" | "conda";
  /** May hold `${…}`. */
  readonly path: string;
}

/** How the command of a run is made from its parameters. Texts may hold `${…}`, and `$$` for a dollar sign. */
export interface RunTemplate {
  /** An argv (no shell), or one string for `sh -c`. `${name}` takes a parameter, `${args}` all of them. */
  readonly command: readonly string[] | string;
  readonly args: ArgsStyle;
  readonly argsOptions?: ArgsOptions;
  /** Absolute directory once rendered. */
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  /** Text for `sh`, run in the shell that then becomes the command. */
  readonly setup?: string;
  /** File that the command reads; absent: nothing to read. */
  readonly stdin?: string;
  readonly umask?: number;
  readonly interpreter?: Interpreter;
  /** Container image that setup and command run in; absent: on the host itself. */
  readonly image?: string;
  /** `HOST[:PATH[:ro]]` of what the container has besides; only beside `image`. */
  readonly mounts?: readonly string[];
  /** The command starts in a copy of the code as it was submitted; absent: where the code lies. */
  readonly code?: CodeMode;
  /** What is captured otherwise than usual. */
  readonly capture?: CaptureChoices;
  /** Table of Feishu or Lark that a file of EXP names for its rows; no matter to the command. */
  readonly table?: TableName;
}

/** How the code is taken at submit: as it lies, or only where all of it is committed. */
export type CodeMode = "snapshot" | "git";

/** What `exp best` ranks by. */
export interface Objective {
  readonly metric: string;
  readonly goal: "maximize" | "minimize";
  /** Which of a run's values counts. Absent: "best". */
  readonly reduce?: Reduce;
  /** A run that is as good as this ends the sweep. Absent: none does. */
  readonly target?: number;
}

/** What ends runs, or their sweep, before their time. */
export interface StopSettings {
  /** Conditions on a run and its last metrics; each alone ends it. */
  readonly when: readonly string[];
  /** Absent: runs are not compared. */
  readonly ladder?: StopLadder;
  /** Condition on the sweep. */
  readonly sweepWhen?: string;
}

/** At which steps runs are compared by the objective, and who goes on. */
export interface StopLadder {
  readonly policy: "median" | "asha";
  /** Step of the first rung. */
  readonly minSteps: number;
  /** "asha": one in so many goes on, and the next rung is so many times higher. */
  readonly divisor: number;
  /** At most. */
  readonly rungs: number;
}

/** "best" is the highest or the lowest value, as the goal says. */
export type Reduce = "best" | "last" | "min" | "max";

/** Bounds of one attempt, in milliseconds. */
export interface RunLimits {
  /** Wall time; 0: none. */
  readonly timeMs: number;
  /** Time without output and without a metric; 0: none. */
  readonly idleMs: number;
  /** Between TERM and KILL. */
  readonly stopGraceMs: number;
}

/**
 * Everything about runs besides parameters that may differ within a sweep. Sweeps have few different ones; a point names
 * its own by number.
 */
export interface RunShape {
  readonly template: RunTemplate;
  readonly resources: ResourceRequest;
  readonly limits: RunLimits;
  readonly retry: RetryPolicy;
  readonly tags: readonly string[];
}

/** Which completed work is left out: what never succeeded runs, what failed only, or everything again. */
export type Rerun = "missing" | "failed" | "all";

/** What counts, besides parameters, for two runs to be the same work. */
export const IDENTITY_PARTS = ["command", "code", "env", "data"] as const;
export type IdentityPart = (typeof IDENTITY_PARTS)[number];

export interface Identity {
  /** Parameters that do not count: names, or `group.*` for all below a dotted path. */
  readonly ignore: readonly string[];
  readonly include: readonly IdentityPart[];
  /** Lock files of `env:PATH`, as written; absent or empty with "env" among the parts: the one that is found. */
  readonly envFiles?: readonly string[];
  /** Files and directories of `data:PATH`, as written. */
  readonly dataFiles?: readonly string[];
}

/** What is the same for all runs of a sweep. Texts are empty where the file has none. */
export interface SweepSettings {
  readonly name: string;
  readonly project: string;
  readonly description: string;
  readonly note: string;
  readonly tags: readonly string[];
  readonly priority: number;
  /** True: its runs wait until somebody releases them. */
  readonly hold: boolean;
  /** Handles of sweeps that must have ended before. */
  readonly after: readonly string[];
  /** Runs of this sweep at the same time; 0: no limit. */
  readonly parallel: number;
  /** Failed runs after which the sweep stops; 0: no limit. */
  readonly failures: number;
  /** GPU time after which the sweep stops, in ms; 0: no limit. */
  readonly gpuMs: number;
  /** Unix ms at which the sweep stops; 0: none. */
  readonly deadline: number;
  /** Runs of the sweep at most, the first in queue order; 0: the default cap. Already applied to the points. */
  readonly runsMax: number;
  readonly objective: Objective | undefined;
  readonly rerun: Rerun;
  readonly identity: Identity;
  /** Absent where nobody is to be told. */
  readonly notify?: NotifySettings;
  /** Absent where nothing ends before its time. */
  readonly stop?: StopSettings;
}

/** A whole sweep, expanded: a pure function of its files. */
export interface ExpandedSweep {
  readonly sweep: SweepSettings;
  /** Deduplicated. */
  readonly shapes: readonly RunShape[];
  /** In queue order. Made one by one while iterated, each time anew: 1,000,000 points are never in memory at once. */
  readonly points: Iterable<SweepPoint>;
  readonly total: number;
  /** True where derived parameters say which run of the sweep it is: other numbers give other parameters. */
  readonly numbered: boolean;
  readonly params: ParamOrigins;
  readonly report: ExpansionReport;
}

/** What a file says of its parameters beyond their values. */
export interface ParamOrigins {
  /** Replicates of a point differ by these: the seed, and what follows from it or says which run it is. */
  readonly replicates: readonly string[];
  /** Derived ones that only say which run of the sweep it is: they never count. */
  readonly numbered: readonly string[];
  /** In the order in which they are computed. */
  readonly derived: readonly Derivation[];
}

export interface Derivation {
  readonly name: string;
  /** Several where variants have it in different ways. */
  readonly expressions: readonly string[];
  /** True where all runs that have the parameter have it from one expression. */
  readonly certain: boolean;
}

/**
 * Numbers of the runs, by the places of their points in the file's queue; 0 leaves a point out. For points that do not
 * become the runs 1, 2, 3 … as they come: what is left out runs nowhere, and what is added to a sweep comes behind its runs.
 */
export type RunNumbers = Uint32Array;

/** One point of a sweep. */
export interface SweepPoint {
  /** From 1, in queue order; or the number that was given. */
  readonly index: number;
  /** Built when asked for. */
  readonly params: Params;
  /** Parameters as stored: `paramsToJson(params)`. */
  readonly paramsJson: string;
  /** `v2:<hex>`: equal for configurations that count as the same work. */
  readonly fingerprint: string;
  /** Index into `shapes`. */
  readonly shape: number;
  /** Own priority of an explicit run; undefined: that of the sweep. */
  readonly priority: number | undefined;
  /** What imported work has to be called to count as this point; absent: its parameters decide, where the sweep lets them. */
  readonly imported?: ImportedName;
}

/** The nth work of a name, by time; from 1. */
export interface ImportedName {
  readonly key: string;
  readonly nth: number;
}

/** How a sweep came to its points, step by step in the order of expansion. */
export interface ExpansionReport {
  readonly axes: readonly AxisReport[];
  /** Points before `where`. */
  readonly product: number;
  readonly where: readonly WhereReport[];
  /** Points that were the same work as an earlier one. */
  readonly duplicates: number;
  /** The steps that it takes, in their order. */
  readonly steps: readonly ExpansionStep[];
  /** Of the queue: as the steps give it, shuffled, or by priority, name and command as in EXP's own files. */
  readonly order: QueueOrder;
  /** Which of the shuffled orders; 0 where nothing is shuffled. */
  readonly shuffleSeed: number;
  /** Points beyond `limits.runs`. */
  readonly cut: number;
  /** What is accepted and has no effect. */
  readonly warnings: readonly SpecProblem[];
}

/** Something that multiplies points: an axis of the grid, a group of `[zip]`, samples, seeds. */
export interface AxisReport {
  readonly step: "variants" | "grid" | "zip" | "random" | "runs" | "seeds";
  /** Name of the parameter or parameters. */
  readonly key: string;
  readonly size: number;
  /** Number of the variant that it belongs to, from 1; undefined: of the whole sweep. */
  readonly variant: number | undefined;
}

export type ExpansionStep = "base" | AxisReport["step"] | "derive" | "where";
export type QueueOrder = "listed" | "shuffled" | "cheap-first" | "exp";

export interface WhereReport {
  readonly condition: string;
  readonly dropped: number;
}
