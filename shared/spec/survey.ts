/**
 * Goes through all points of a spec once, where anything but their number decides about them: derived parameters,
 * conditions, resources by expression, duplicates. What is left is numbers, not points.
 */
import type { Meter } from "../expression/evaluate.ts";
import type { Value } from "../expression/value.ts";
import { PARAMS_BYTES_MAX, SWEEP_PARAMS_BYTES_MAX } from "../run/limits.ts";
import type { Block } from "./block.ts";
import type { BlockCursor, PointProblem } from "./block-cursor.ts";
import { isIgnored } from "./canonical.ts";
import { type CheckedExpression, expressionFinding } from "./checked-expression.ts";
import { isFiniteValue } from "./computed-values.ts";
import { grouped } from "./document.ts";
import { FingerprintSet } from "./fingerprint-set.ts";
import type { SweepSpec } from "./parse.ts";
import type { PointMaker } from "./point-maker.ts";
import { addFinding, keySpan, type Report, valueSpan } from "./report.ts";
import { shapeFor } from "./shape-plan.ts";
import type { RunShape } from "./types.ts";
import { valueJson } from "./value-text.ts";

/** Different shapes of one sweep. */
const SHAPES_MAX = 10_000;
/** What expressions may do with lists and texts, for all points together. */
export const STEPS_MAX = 20_000_000;
/** Characters of expressions times points. */
const CHARS_MAX = 1_000_000_000;

/** Goes through all points once, where anything but their number decides about them. */
export class Survey {
  readonly shapes: RunShape[] = [];
  readonly shapeOfBlock: number[] = [];
  shapeOfPoint: Uint32Array | undefined;
  readonly dropped: number[];
  duplicates = 0;
  readonly meter: Meter = { steps: 0 };
  readonly #spec: SweepSpec;
  readonly #maker: PointMaker;
  readonly #report: Report;
  readonly #shapeByText = new Map<string, number>();
  readonly #weight: Weight = { bytes: 0 };

  constructor(spec: SweepSpec, maker: PointMaker) {
    this.#spec = spec;
    this.#maker = maker;
    this.#report = spec.report;
    this.dropped = spec.conditions.map(() => 0);
  }

  /** Numbers of the points that are left; undefined: all of them. */
  walk(): Uint32Array | undefined {
    const { blocks } = this.#spec;
    for (const { shape } of blocks) {
      const isFixed = shape.expressions.length === 0;
      this.shapeOfBlock.push(isFixed ? this.#shapeNumber(shape.shape, JSON.stringify(shape.shape)) : -1);
    }
    const mayRepeat = canRepeat(this.#spec);
    if (!mayRepeat && blocks.every(isPlain)) return undefined;
    if (!this.#isWithinChars()) return undefined;
    if (this.shapeOfBlock.includes(-1)) this.shapeOfPoint = new Uint32Array(this.#maker.count);
    const kept = new Uint32Array(this.#maker.count);
    const seen = mayRepeat ? new FingerprintSet(this.#maker.count) : undefined;
    let count = 0;
    let point = 0;
    for (const [i, block] of blocks.entries()) {
      const shapes = new Map<string, number>();
      const isWatched = block.derived.length > 0;
      for (let local = 0; local < block.count; local++, point++) {
        const cursor = this.#maker.move(point);
        const problem = cursor.derive(this.meter);
        if (problem) this.#refuse(block, cursor, problem);
        else if (this.#isWanted(block, cursor)) {
          if (isWatched) weigh(this.#report, this.#weight, block, cursor);
          this.#setShape(i, point, cursor, shapes);
          if (seen && !seen.add(this.#maker.fingerprint(cursor))) this.duplicates += 1;
          else kept[count++] = point;
        }
        if (this.#report.findings.length > 0 || !this.#isWithinSteps()) return undefined;
      }
    }
    return kept.subarray(0, count);
  }

  #isWanted(block: Block, cursor: BlockCursor): boolean {
    for (const { checked, number } of block.conditions) {
      const { value, problem } = cursor.evaluate(checked, this.meter);
      if (problem) {
        this.#refuse(block, cursor, { checked, problem });
        return false;
      }
      if (typeof value !== "boolean") {
        const message = `the condition gives ${valueJson(value)}, not True or False`;
        const { length } = checked.expression.text;
        this.#refuse(block, cursor, { checked, problem: { kind: "type", message, start: 0, end: length } });
        return false;
      }
      if (!value) {
        this.dropped[number] = (this.dropped[number] ?? 0) + 1;
        return false;
      }
    }
    return true;
  }

  #setShape(i: number, point: number, cursor: BlockCursor, shapes: Map<string, number>): void {
    const block = this.#spec.blocks[i];
    const fixed = this.shapeOfBlock[i] ?? -1;
    if (!this.shapeOfPoint || !block) return;
    if (fixed >= 0) {
      this.shapeOfPoint[point] = fixed;
      return;
    }
    const values: Value[] = [];
    for (const { checked } of block.shape.expressions) {
      const { value, problem } = cursor.evaluate(checked, this.meter);
      if (problem) return this.#refuse(block, cursor, { checked, problem });
      if (!isFiniteValue(value)) {
        const { text } = checked.expression;
        const infinite = { kind: "value", message: "this is no finite number", start: 0, end: text.length } as const;
        return this.#refuse(block, cursor, { checked, problem: infinite });
      }
      values.push(value);
    }
    const key = valueJson(values);
    let shape = shapes.get(key);
    if (shape === undefined) {
      const made = shapeFor(this.#report, block.shape, values);
      shape = this.#shapeNumber(made, JSON.stringify(made));
      shapes.set(key, shape);
      if (shapes.size > SHAPES_MAX) {
        const [first] = block.shape.expressions;
        const message = `runs ask for resources in more than ${grouped(SHAPES_MAX)} ways`;
        if (first) addFinding(this.#report, { id: "spec.too-large", message, span: valueSpan(first.checked.node) });
      }
    }
    this.shapeOfPoint[point] = shape;
  }

  #shapeNumber(shape: RunShape, text: string): number {
    const known = this.#shapeByText.get(text);
    if (known !== undefined) return known;
    this.#shapeByText.set(text, this.shapes.length);
    return this.shapes.push(shape) - 1;
  }

  #refuse(block: Block, cursor: BlockCursor, { checked, problem }: PointProblem): void {
    refuseAt(this.#report, block, cursor, { checked, problem });
  }

  #isWithinChars(): boolean {
    let chars = 0;
    for (const block of this.#spec.blocks) {
      for (const { expression } of expressionsOf(block)) chars += expression.text.length * block.count;
    }
    return chars <= CHARS_MAX || this.#refuseWork();
  }

  #isWithinSteps(): boolean {
    return this.meter.steps <= STEPS_MAX || this.#refuseWork();
  }

  #refuseWork(): false {
    const first = this.#spec.blocks.flatMap(expressionsOf)[0];
    const message = "the expressions are too much work for so many points";
    if (first) addFinding(this.#report, { id: "expression.limit", message, span: valueSpan(first.node) });
    return false;
  }
}

/** An expression without a value at a point, with that point. */
export function refuseAt(report: Report, block: Block, cursor: BlockCursor, { checked, problem }: PointProblem): void {
  const point = cursor.describe();
  const name = /^nothing is called ("[^"]*")$/.exec(problem.message)?.[1];
  if (problem.kind === "name" && name !== undefined) {
    const where = block.variant === undefined ? "in every run" : `in variant ${block.variant}`;
    const hint = `ask first: defined(${name.slice(1, -1)})`;
    const message = `there is no ${name} ${where}`;
    addFinding(report, expressionFinding(report, checked.node, { ...problem, message, hint }));
    return;
  }
  const message = point === "" ? problem.message : `${problem.message} (at ${point})`;
  addFinding(report, expressionFinding(report, checked.node, { ...problem, message }));
}

export interface Weight {
  bytes: number;
}

/** Derived parameters are as large as their expressions make them. */
export function weigh(report: Report, weight: Weight, block: Block, cursor: BlockCursor): void {
  const { length } = cursor.paramsJson();
  weight.bytes += length;
  const [first] = block.derived;
  if (!first || (length <= PARAMS_BYTES_MAX && weight.bytes <= SWEEP_PARAMS_BYTES_MAX)) return;
  const message =
    length > PARAMS_BYTES_MAX
      ? `with derived ones, the parameters of one run take ${grouped(length)} bytes; the limit is ${grouped(PARAMS_BYTES_MAX)}`
      : `with derived ones, the parameters of all runs take more than ${grouped(SWEEP_PARAMS_BYTES_MAX)} bytes`;
  addFinding(report, { id: "spec.too-large", message, span: keySpan(first.checked.node) });
}

function expressionsOf({ derived, conditions, shape }: Block): CheckedExpression[] {
  return [...derived, ...conditions, ...shape.expressions].map(({ checked }) => checked);
}

function isPlain(block: Block): boolean {
  return expressionsOf(block).length === 0;
}

/** False only where no two points can be the same work. */
function canRepeat({ blocks, settings }: SweepSpec): boolean {
  const [first, ...others] = blocks;
  if (!first || others.length > 0) return true;
  const { ignore } = settings.identity;
  const given = new Set(first.axes.flatMap(({ names }) => names));
  if (first.derived.some(({ name }) => given.has(name))) return true;
  if ([...given].some((name) => isIgnored(name, ignore))) return true;
  return first.axes.some(({ step, columns }) => {
    if (step === "grid" || step === "seeds") return false;
    if (step !== "zip") return true;
    return columns.every(({ length, canonical }) => {
      const texts = new Set(Array.from({ length }, (_, i) => canonical(i)));
      return texts.size < length;
    });
  });
}
