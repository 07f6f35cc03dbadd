/** [P] A run that EXP or ztxexp brought to its end, as it is taken over: what was run, and when. Its points come apart. */

export type ImportTool = "exp" | "ztxexp" | "tensorboard";

export interface ImportedRun {
  /** From the imported root. */
  readonly directory: string;
  /** One object, as Python's json writes it. */
  readonly configJson: string;
  /** As it was typed; empty where it is not known. */
  readonly command: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly tags: readonly string[];
}

/** What a directory holds: a completed run, one in another state, something else, or what cannot be read. */
export type FoundRun =
  | { readonly kind: "completed"; readonly run: ImportedRun }
  /** In the tool's own word. */
  | { readonly kind: "not-completed"; readonly status: string }
  | { readonly kind: "other" }
  | { readonly kind: "damaged"; readonly problem: string };

export function damaged(problem: string): FoundRun {
  return { kind: "damaged", problem };
}

/** Unix milliseconds of an ISO 8601 time; one without an offset is `offset`'s. Undefined for any other text. */
export function timeOf(text: unknown, offset: string): number | undefined {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)) return undefined;
  const whole = /(?:Z|[+-]\d\d:?\d\d(?::?\d\d)?)$/i.test(text) ? text : `${text}${offset}`;
  const ms = Date.parse(whole.replace(" ", "T"));
  return Number.isNaN(ms) ? undefined : ms;
}
