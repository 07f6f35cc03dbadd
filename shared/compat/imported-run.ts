/** [P] A run that EXP or ztxexp brought to its end, as it is taken over: what was run, when, and what came out. */

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
  readonly metrics: readonly ImportedMetric[];
  readonly tags: readonly string[];
}

/** Last value of a metric. */
export interface ImportedMetric {
  readonly key: string;
  readonly value: number;
  /** Undefined where it is not known. */
  readonly step: number | undefined;
  /** How often it was logged. */
  readonly count: number;
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

/** Collects last values by name. */
export class MetricLasts {
  readonly #lasts = new Map<string, ImportedMetric>();
  readonly #limit: number;

  /** Names beyond `limit` are dropped. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(key: string, value: number, step: number | undefined): void {
    const known = this.#lasts.get(key);
    if (!known && this.#lasts.size >= this.#limit) return;
    this.#lasts.set(key, { key, value, step: step ?? known?.step, count: (known?.count ?? 0) + 1 });
  }

  /** A final value stands before the last one that was logged. */
  addFinal(key: string, value: number): void {
    const known = this.#lasts.get(key);
    if (!known && this.#lasts.size >= this.#limit) return;
    this.#lasts.set(key, { key, value, step: known?.step, count: known?.count ?? 1 });
  }

  all(): ImportedMetric[] {
    return [...this.#lasts.values()];
  }
}
