/**
 * What a sweep file says, after parsing. Plain immutable data. Numbers keep int and float apart, because `--lr 1.0` and
 * `--lr 1` are different command lines.
 */
import type { ResourceRequest } from "../run/devices.ts";

/** A float, kept as such: TOML `1.0` reaches the command line as `1.0`. A class, so that no user table looks like it. */
export class FloatParam {
  readonly float: number;

  constructor(value: number) {
    this.float = value;
  }
}

/** A parameter value. Integers are plain numbers within ±2^53; every TOML float is a `FloatParam`. */
export type ParamValue =
  | boolean
  | number
  | string
  | FloatParam
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue };

/** Parameters of one run by dotted path, in file order: base first, then grid axes, then the seed. */
export type Params = ReadonlyMap<string, ParamValue>;

export type ArgsStyle = "flags";

/** How the command of a run is made from its parameters. The same for every run of a sweep. */
export interface RunTemplate {
  /** An argv (no shell), or one string for `sh -c`. `${name}` takes a parameter, `${args}` all of them. */
  readonly command: readonly string[] | string;
  readonly args: ArgsStyle;
  /** Absolute directory once rendered; may hold `${…}` of its own, and `$$` for a dollar sign. */
  readonly cwd: string;
  /** Values may hold `${…}`. */
  readonly env: { readonly [name: string]: string };
}

export interface Objective {
  readonly metric: string;
  readonly goal: "maximize" | "minimize";
}

export interface SweepSpec {
  readonly name: string;
  readonly base: Params;
  readonly grid: ReadonlyMap<string, readonly ParamValue[]>;
  /** Undefined: no seed parameter. */
  readonly seeds: readonly number[] | undefined;
  readonly template: RunTemplate;
  readonly resources: ResourceRequest;
  readonly limits: SweepLimits;
  /** Further attempts after a failure of the program itself. */
  readonly retryMax: number;
  readonly priority: number;
  readonly objective: Objective | undefined;
  readonly rerun: "missing" | "all";
}

export interface SweepLimits {
  /** Wall time of one attempt; 0: none. */
  readonly timeMs: number;
  /** Runs of this sweep at the same time; 0: no limit. */
  readonly parallel: number;
  /** Between TERM and KILL. */
  readonly stopGraceMs: number;
}

/** One point of a sweep. */
export interface SweepPoint {
  /** From 1. */
  readonly index: number;
  readonly params: Params;
  /** `v1:<hex>`: equal for configurations that count as the same work. */
  readonly fingerprint: string;
}
