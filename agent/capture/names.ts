/**
 * [P] Which source a metric is taken from where several tell it, so that no curve is doubled: first the program itself, then
 * its TensorBoard files, its CSV logs, and what it prints.
 */
import type { LineContent } from "./parse/line.ts";

export type SourceKind = "tensorboard" | "csv" | "output";

const RANKS: { readonly [kind in SourceKind]: number } = { tensorboard: 3, csv: 2, output: 1 };
const NAMES_MAX = 10_000;

export class MetricNames {
  readonly #program: ReadonlySet<string>;
  readonly #owners = new Map<string, number>();

  /** `program`: the names that the program logs itself; may grow. */
  constructor(program: ReadonlySet<string>) {
    this.#program = program;
  }

  /** The values that this source is the best one for. */
  take(values: ReadonlyMap<string, number>, kind: SourceKind, form?: LineContent["form"]): ReadonlyMap<string, number> {
    const rank = RANKS[kind];
    const taken = new Map<string, number>();
    for (const [name, value] of values) {
      const names = form === "dict" ? [name, ...asTrainerCalls(name)] : [name];
      if (names.some((each) => this.#program.has(each) || (this.#owners.get(each) ?? 0) > rank)) continue;
      taken.set(name, value);
      if (this.#owners.size < NAMES_MAX || this.#owners.has(name)) this.#owners.set(name, rank);
    }
    return taken;
  }
}

/** What the Trainer of Hugging Face prints as `eval_loss` it writes to its trackers as `eval/loss`; `loss` as `train/loss`. */
function asTrainerCalls(name: string): string[] {
  const split = /^(eval|test)_(.+)$/.exec(name);
  return [split ? `${split[1]}/${split[2]}` : `train/${name}`];
}
