/** What the coordinator and its expanding thread say to each other. One expansion at a time and thread. */
import type { Refusal } from "../../../shared/kernel/errors.ts";
import type { SpecSource } from "../../../shared/spec/parse.ts";
import type { Digests } from "../../../shared/spec/point-maker.ts";
import type { ExpandedSweep, ImportedName, RunNumbers, SweepSettings } from "../../../shared/spec/types.ts";

/** A sweep file with all that belongs to it, as plain data. */
export interface SourceFiles {
  readonly source: Omit<SpecSource, "readFile">;
  /** Text of each file that it names, by absolute path. */
  readonly files: readonly (readonly [path: string, text: string])[];
  readonly digests: Digests;
}

export interface ExpandRequest extends SourceFiles {
  /** Whether names of imported work are wanted: there is some. */
  readonly names: boolean;
  readonly numbers: RunNumbers | undefined;
  /** One counter of 32 bits: slices that may still be sent; below 0: nobody wants any more. */
  readonly credits: SharedArrayBuffer;
}

/** Points in columns: on their way between threads they cost a fifth of as many objects. */
export interface PointSlice {
  readonly paramsJson: readonly string[];
  readonly fingerprint: readonly string[];
  readonly shape: Uint32Array;
  readonly priority: readonly (number | undefined)[];
  /** What imported work has to be called to count; undefined where nobody asked. */
  readonly imported: readonly (ImportedName | undefined)[] | undefined;
}

export interface ExpansionHead extends Omit<ExpandedSweep, "sweep" | "points"> {
  readonly settings: SweepSettings;
}

export type ExpandReply =
  | { readonly kind: "head"; readonly head: ExpansionHead }
  | { readonly kind: "slice"; readonly slice: PointSlice }
  | { readonly kind: "end" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** A fault of ours. */
  | { readonly kind: "broken"; readonly message: string };

/** Slices on their way at once: the thread works ahead by this much. */
export const CREDITS = 4;
/** Points of a slice: the main thread spends about 10 ms on it before it looks at anything else. */
export const SLICE_POINTS = 1_000;
