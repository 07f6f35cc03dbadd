/**
 * From a spec to its points, in a fixed order: base, variants, grid, zip, random, explicit runs, seeds, derive, where,
 * duplicates, order, limit. The same files give the same list, byte for byte.
 */
import type { BlockCursor } from "./block-cursor.ts";
import { checkCommands, type Queued } from "./command-check.ts";
import { stepsOf } from "./expansion-steps.ts";
import { paramOrigins } from "./param-origins.ts";
import type { SweepSpec } from "./parse.ts";
import { type Digests, PointMaker } from "./point-maker.ts";
import type { SpecProblem } from "./problems.ts";
import { addWarning, problemsOf, warningsOf } from "./report.ts";
import { isNumbered, numberAt, type Selection, selectPoints } from "./selection.ts";
import type { AxisReport, ExpandedSweep, ExpansionReport, Params, RunNumbers, SweepPoint } from "./types.ts";

/** The whole sweep, or what went wrong at one of its points. */
export function expand(
  spec: SweepSpec,
  digests: Digests = {},
  numbers?: RunNumbers,
): { sweep: ExpandedSweep } | { problems: SpecProblem[] } {
  const selection = selectPoints(spec, new PointMaker(spec, digests), numbers);
  if (selection) checkCommands(spec, new PointMaker(spec, digests), queueOf(selection, numbers));
  if (!selection || spec.report.findings.length > 0) return { problems: problemsOf(spec.report) };
  warnOfDigests(spec, digests);
  const points = { [Symbol.iterator]: () => pointsOf(spec, digests, selection, numbers) };
  const { shapes } = selection;
  const total = numbers?.reduce((count, number) => (number > 0 ? count + 1 : count), 0) ?? selection.total;
  const report = reportOf(spec, selection);
  const params = paramOrigins(spec.blocks);
  return { sweep: { sweep: spec.settings, shapes, points, total, numbered: isNumbered(spec), params, report } };
}

/** The points that become runs, in the order of the queue. */
function* queueOf({ total, points }: Selection, numbers: RunNumbers | undefined): Generator<Queued> {
  for (let place = 0; place < total; place++) {
    const index = numberAt(numbers, place);
    if (index > 0) yield { point: points ? (points[place] ?? 0) : place, index };
  }
}

function* pointsOf(
  spec: SweepSpec,
  digests: Digests,
  selection: Selection,
  numbers: RunNumbers | undefined,
): Generator<SweepPoint> {
  const { shapeOfPoint, shapeOfBlock } = selection;
  const maker = new PointMaker(spec, digests);
  for (const { point, index } of queueOf(selection, numbers)) {
    const cursor = cursorAt(maker, point, index);
    const block = maker.blockNumberOf(point);
    yield new Point(index, cursor.paramsJson(), maker.fingerprint(cursor), {
      shape: shapeOfPoint?.[point] ?? shapeOfBlock[block] ?? 0,
      priority: spec.blocks[block]?.priority,
      // By a maker of its own: this one has gone on by the time somebody asks.
      params: () => cursorAt(new PointMaker(spec, digests), point, index).params(),
    });
  }
}

/** The selection has tried every expression at every point, so a problem here is a bug. */
function cursorAt(maker: PointMaker, point: number, index: number): BlockCursor {
  const cursor = maker.move(point);
  const problem = cursor.derive() ?? cursor.deriveLate(index);
  if (problem) throw new Error(`assertion failed: point ${point} cannot be made: ${problem.problem.message}`);
  return cursor;
}

interface Rest {
  readonly shape: number;
  readonly priority: number | undefined;
  readonly params: () => Params;
}

class Point implements SweepPoint {
  readonly index: number;
  readonly paramsJson: string;
  readonly fingerprint: string;
  readonly shape: number;
  readonly priority: number | undefined;
  readonly #params: () => Params;

  constructor(index: number, paramsJson: string, fingerprint: string, { shape, priority, params }: Rest) {
    this.index = index;
    this.paramsJson = paramsJson;
    this.fingerprint = fingerprint;
    this.shape = shape;
    this.priority = priority;
    this.#params = params;
  }

  get params(): Params {
    return this.#params();
  }
}

function reportOf(spec: SweepSpec, selection: Selection): ExpansionReport {
  const { blocks, conditions, order, shuffleSeed, report } = spec;
  return {
    axes: axesOf(spec),
    product: blocks.reduce((sum, { count }) => sum + count, 0),
    where: conditions.map(({ text }, i) => ({ condition: text, dropped: selection.dropped[i] ?? 0 })),
    duplicates: selection.duplicates,
    steps: stepsOf(spec),
    order,
    shuffleSeed: order === "shuffled" ? shuffleSeed : 0,
    cut: selection.cut,
    warnings: warningsOf(report),
  };
}

/** The axes of each block in turn; what the seeds multiply is said once, at the end. */
function axesOf({ blocks, variants, seeds }: SweepSpec): AxisReport[] {
  const axes: AxisReport[] = [];
  const runs = blocks.filter(({ axes: [first] }) => first?.step === "runs");
  if (variants > 0) axes.push({ step: "variants", key: "variants", size: variants, variant: undefined });
  for (const { variant, axes: own } of blocks) {
    for (const { step, key, size } of own) {
      if (step !== "seeds" && step !== "runs") axes.push({ step, key, size, variant });
    }
  }
  const listed = runs.reduce((sum, { count }) => sum + count / (seeds?.length ?? 1), 0);
  if (listed > 0) axes.push({ step: "runs", key: "runs", size: listed, variant: undefined });
  if (seeds) axes.push({ step: "seeds", key: "seed", size: seeds.length, variant: undefined });
  return axes;
}

function warnOfDigests({ settings, report }: SweepSpec, digests: Digests): void {
  for (const part of ["code", "env", "data"] as const) {
    if (!settings.identity.include.includes(part) || digests[part] !== undefined) continue;
    const message = `"${part}" in identity.include has no effect here: nothing is known of it`;
    addWarning(report, { id: "spec.no-effect", message, span: { start: 0, end: 0 } });
  }
}
