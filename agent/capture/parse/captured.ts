/** [P] What is found in an output or a file: a point of metrics, or how far the work is. */

export interface Point {
  /** Undefined where nothing says it. */
  readonly step: number | undefined;
  /** Unix seconds; undefined where nothing says it. */
  readonly at?: number | undefined;
  /** NaN and infinities included. */
  readonly values: ReadonlyMap<string, number>;
}

export interface Progress {
  /** What tells one bar from another. */
  readonly bar: string;
  readonly done: number;
  readonly total: number | undefined;
  /** Per second. */
  readonly rate: number | undefined;
  readonly etaSeconds: number | undefined;
}

/** Names that count steps, the first that is there wins. An epoch is also worth a curve of its own. */
const STEP_NAMES = ["step", "global_step", "iteration", "iter", "epoch"];
const NAME_CHARS_MAX = 200;
const VALUES_MAX = 500;
const DEPTH_MAX = 4;

/** `3`, `-0.5`, `.5e-3`, `nan`, `inf`, `Infinity`; undefined for any other text. */
export function numberOf(text: string): number | undefined {
  if (text.length > 40) return undefined;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  const word = /^([+-]?)(nan|NaN|inf|Infinity)$/.exec(text);
  if (!word) return undefined;
  if (word[2]?.toLowerCase() === "nan") return Number.NaN;
  return word[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

export function isStepName(name: string): boolean {
  return STEP_NAMES.includes(name);
}

/** Undefined for a table without a step, which is anything but a point of metrics, and for one with nothing but that. */
export function pointOfTable(table: ReadonlyMap<string, unknown>, textsCount: boolean): Point | undefined {
  const values = new Map<string, number>();
  flatten(table, "", 0, textsCount, values);
  return pointOfValues(values, true);
}

/** Takes the step out of the values. */
export function pointOfValues(values: Map<string, number>, needsStep: boolean): Point | undefined {
  const name = STEP_NAMES.find((candidate) => Number.isFinite(values.get(candidate)));
  const step = name === undefined ? undefined : values.get(name);
  if (step === undefined && needsStep) return undefined;
  if (name !== undefined && name !== "epoch") values.delete(name);
  const isBare = values.size === 0 || (values.size === 1 && values.has("epoch"));
  return isBare ? undefined : { step, values };
}

function flatten(
  table: ReadonlyMap<string, unknown>,
  prefix: string,
  depth: number,
  textsCount: boolean,
  into: Map<string, number>,
): void {
  for (const [key, value] of table) {
    const name = prefix + key;
    if (name.length > NAME_CHARS_MAX || into.size >= VALUES_MAX) continue;
    if (typeof value === "number") into.set(name, value);
    else if (typeof value === "boolean") into.set(name, value ? 1 : 0);
    else if (value instanceof Map && depth < DEPTH_MAX) flatten(value, `${name}/`, depth + 1, textsCount, into);
    else if (typeof value === "string" && textsCount) {
      const number = numberOf(value);
      if (number !== undefined) into.set(name, number);
    }
  }
}
