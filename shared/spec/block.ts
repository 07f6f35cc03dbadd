/** A block with its values: numbered points that are made in the same way, of which each can be had alone. */
import type { BlockPlan } from "./block-plan.ts";
import { type Column, columnOf, createColumn } from "./column.ts";
import type { Condition, Derived } from "./conditions.ts";
import { readParamValue } from "./param-value.ts";
import type { RandomPlan } from "./random-plan.ts";
import type { Report } from "./report.ts";
import { SEED_PARAM } from "./seeds.ts";
import type { ShapePlan } from "./shape-plan.ts";
import type { AxisReport, ParamValue } from "./types.ts";

export interface Axis {
  readonly step: AxisReport["step"];
  /** For people: the names of its parameters. */
  readonly key: string;
  readonly names: readonly string[];
  readonly columns: readonly Column[];
  readonly size: number;
  /** True where the columns hold values for each point of the axes before: they are then read by the whole position. */
  readonly isOwn: boolean;
}

export interface Block {
  readonly variant: number | undefined;
  readonly constants: readonly (readonly [name: string, value: ParamValue])[];
  /** The last one is fastest. */
  readonly axes: readonly Axis[];
  readonly derived: readonly Derived[];
  readonly conditions: readonly Condition[];
  readonly shape: ShapePlan;
  /** Own priority of explicit runs. */
  readonly priority: number | undefined;
  readonly count: number;
}

/** What the block has besides its parameters. */
export type BlockRest = Pick<Block, "derived" | "conditions" | "shape" | "priority">;

/** Points of the plan without replicates, by multiplication. */
export function sizeOf({ axes, random }: BlockPlan): bigint {
  const product = axes.reduce((count, { size }) => count * size, 1n);
  return random ? product * BigInt(random.samples) : product;
}

/** How many points of the blocks before have had samples from the same plan. */
export type Drawn = Map<RandomPlan, number>;

/** The values of a plan that is within the limits; undefined, and findings, where one is refused. */
export function loadBlock(
  report: Report,
  plan: BlockPlan,
  seeds: readonly number[] | undefined,
  drawn: Drawn,
  rest: BlockRest,
): Block | undefined {
  const constants: [string, ParamValue][] = [];
  for (const { name, label, node } of plan.base) {
    const value = readParamValue(report, node, label);
    if (value !== undefined) constants.push([name, value]);
  }
  const axes: Axis[] = [];
  for (const { step, leaves, size, load } of plan.axes) {
    const values = load();
    if (!values) return undefined;
    const names = leaves.map(({ name }) => name);
    const columns = values.map((column, i) => columnOf(names[i] ?? "", column));
    axes.push({ step, key: names.join(", "), names, columns, size: Number(size), isOwn: false });
  }
  if (constants.length < plan.base.length) return undefined;
  if (plan.random) axes.push(samplesOf(plan.random, productOf(axes), drawn));
  if (seeds) {
    const columns = [columnOf(SEED_PARAM, seeds)];
    axes.push({ step: "seeds", key: SEED_PARAM, names: [SEED_PARAM], columns, size: seeds.length, isOwn: false });
  }
  return { variant: plan.variant, constants, axes, count: productOf(axes), ...rest };
}

/** Draws all samples of a block, in order: a generator that goes on from sample to sample does so once. */
function samplesOf(plan: RandomPlan, points: number, drawn: Drawn): Axis {
  const { sampler, samples, isShared } = plan;
  const { names } = sampler;
  const before = isShared ? 0 : (drawn.get(plan) ?? 0);
  drawn.set(plan, before + points);
  const rows = (isShared ? 1 : points) * samples;
  const drafts = names.map((name) => createColumn(name, rows));
  for (let i = 0; i < rows; i++) {
    const values = sampler.at(i % samples, before + Math.floor(i / samples));
    for (const [k, draft] of drafts.entries()) draft.push(values[k] as ParamValue);
  }
  const columns = drafts.map((draft) => draft.finish());
  return { step: "random", key: names.join(", "), names, columns, size: samples, isOwn: !isShared };
}

function productOf(axes: readonly Axis[]): number {
  return axes.reduce((count, { size }) => count * size, 1);
}
