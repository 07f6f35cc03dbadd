/** How large a sweep may be: points by multiplication, before anything is built, and bytes of parameters before points are. */
import { PARAMS_BYTES_MAX, RUNS_PER_SWEEP_MAX, SWEEP_PARAMS_BYTES_MAX } from "../run/limits.ts";
import type { Block } from "./block.ts";
import type { BlockPlan } from "./block-plan.ts";
import type { Column } from "./column.ts";
import { grouped } from "./document.ts";
import { childOf, type SpecNode } from "./node.ts";
import { addFinding, keySpan, type Report } from "./report.ts";
import { valueJson } from "./value-text.ts";

export interface Sizes {
  /** Points of each block, without replicates. */
  readonly sizes: readonly { readonly plan: BlockPlan; readonly points: bigint }[];
  readonly seeds: bigint;
  readonly max: number;
}

const FACTORS_SHOWN_MAX = 8;
/** A larger product is not written out. */
const SHOWN_MAX = 10n ** 24n;
/** Values of a column whose bytes are measured; of a longer one, every so many. */
const MEASURED_MAX = 10_000;

/** False, and a finding with the arithmetic, where there are more points than `max`. */
export function checkCount(report: Report, root: SpecNode, { sizes, seeds, max }: Sizes): boolean {
  const count = sizes.reduce((sum, { points }) => sum + points, 0n) * seeds;
  if (count <= max) return true;
  const [only] = sizes;
  const where = ["grid", "zip", "variants", "random", "runs", "seeds", "repeats"].map((key) => childOf(root, key));
  const node = where.find((each) => each !== undefined) ?? root;
  const arithmetic =
    sizes.length === 1 && only
      ? product([...factorsOf(only.plan), ...(seeds > 1n ? [seeds] : [])])
      : `${sizes.length} variants and runs of ${grouped(count / seeds)} points${seeds > 1n ? ` x ${seeds} seeds` : ""} = `;
  const hint =
    count <= RUNS_PER_SWEEP_MAX
      ? `shorten the lists, or allow so many with [limits] runs = ${count}`
      : "shorten the lists or split the sweep";
  addFinding(report, {
    id: "spec.too-many-points",
    message: `${arithmetic}${count > SHOWN_MAX ? "far too many" : grouped(count)} points; the limit is ${grouped(max)}`,
    span: keySpan(node),
    hint,
  });
  return false;
}

/** Bounds what the parameters of one run and of all runs take in the store. Derived ones are measured when they are made. */
export function checkBytes(report: Report, root: SpecNode, blocks: readonly Block[]): void {
  const span = keySpan(childOf(root, "base") ?? childOf(root, "grid") ?? childOf(root, "runs") ?? root);
  const hint = "put long values into a file";
  let total = 0;
  for (const { constants, axes, count } of blocks) {
    let bytes = 2;
    for (const [name, value] of constants) bytes += Buffer.byteLength(name) + Buffer.byteLength(valueJson(value)) + 4;
    for (const { columns } of axes) for (const column of columns) bytes += longest(column);
    if (bytes > PARAMS_BYTES_MAX) {
      const message = `the parameters of one run take ${grouped(bytes)} bytes; the limit is ${grouped(PARAMS_BYTES_MAX)}`;
      addFinding(report, { id: "spec.too-large", message, span, hint });
      return;
    }
    total += bytes * count;
    if (total <= SWEEP_PARAMS_BYTES_MAX) continue;
    const product = `${grouped(count)} points x ${grouped(bytes)} bytes of parameters = ${grouped(bytes * count)} bytes`;
    const message = `${product}; the limit is ${grouped(SWEEP_PARAMS_BYTES_MAX)}`;
    addFinding(report, { id: "spec.too-large", message, span, hint });
    return;
  }
}

function longest({ length, json }: Column): number {
  const step = Math.ceil(length / MEASURED_MAX);
  let most = 0;
  for (let i = 0; i < length; i += step) most = Math.max(most, Buffer.byteLength(json(i)));
  return most + 1;
}

function factorsOf({ axes, random }: BlockPlan): bigint[] {
  return [...axes.map(({ size }) => size), ...(random ? [BigInt(random.samples)] : [])];
}

function product(factors: readonly bigint[]): string {
  if (factors.length < 2) return "";
  const shown = factors.slice(0, FACTORS_SHOWN_MAX).join(" x ");
  return `${shown}${factors.length > FACTORS_SHOWN_MAX ? " x …" : ""} = `;
}
