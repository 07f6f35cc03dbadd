/**
 * Goes from point to point of a block and makes their texts. Nothing is kept from one point to the next, so any point can
 * be had alone, and a million of them take the memory of one.
 */
import { type Evaluation, evaluate, type Meter } from "../expression/evaluate.ts";
import type { Value } from "../expression/value.ts";
import type { Scope } from "../expression/walk.ts";
import type { Block } from "./block.ts";
import { canonicalJson, compareUnits, isIgnored } from "./canonical.ts";
import type { CheckedExpression } from "./checked-expression.ts";
import type { Column } from "./column.ts";
import { type Derived, INDEX_NAME, plainName, SWEEP_NAME } from "./conditions.ts";
import { FloatParam, type Params, type ParamValue } from "./types.ts";
import { isList, valueJson } from "./value-text.ts";

/** An expression that has no value at a point, or one that cannot be used. */
export interface PointProblem {
  readonly checked: CheckedExpression;
  readonly problem: NonNullable<Evaluation["problem"]>;
}

/** Where the value of a parameter comes from. */
type Source =
  | { readonly kind: "constant"; readonly value: ParamValue }
  | { readonly kind: "axis"; readonly axis: number; readonly column: Column }
  | { readonly kind: "derived" };

interface Slot {
  readonly name: string;
  readonly source: Source;
  /** True where an expression sets it, whatever it was before. */
  readonly isDerived: boolean;
  /** False for what the sweep file ignores, and for what only says which run it is. */
  readonly counts: boolean;
}

const DESCRIBED_MAX = 100;

/** A piece of a point's text: fixed, or by its slot. */
type Piece = string | number;

export class BlockCursor {
  readonly #block: Block;
  readonly #sweepName: string;
  readonly #slots: readonly Slot[];
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #stored: readonly Piece[];
  readonly #counted: readonly Piece[];
  /** Points between two values of each axis. */
  readonly #strides: readonly number[];
  readonly #positions: number[];
  /** Values for expressions, by slot. */
  readonly #values: (Value | undefined)[];
  readonly #hasScope: boolean;
  #index: number | undefined;

  constructor(block: Block, sweepName: string, ignore: readonly string[]) {
    this.#block = block;
    this.#sweepName = sweepName;
    this.#slots = slotsOf(block, ignore);
    this.#slotOf = new Map(this.#slots.map(({ name }, i) => [name, i]));
    this.#stored = piecesOf(this.#slots, this.#slots.keys(), valueJson);
    const sorted = [...this.#slots.keys()].filter((i) => this.#slots[i]?.counts);
    sorted.sort((a, b) => compareUnits(this.#slots[a]?.name ?? "", this.#slots[b]?.name ?? ""));
    this.#counted = piecesOf(this.#slots, sorted, canonicalJson);
    this.#strides = stridesOf(block);
    this.#positions = block.axes.map(() => 0);
    this.#values = this.#slots.map(() => undefined);
    const { derived, conditions, shape } = block;
    this.#hasScope = derived.length + conditions.length + shape.expressions.length > 0;
  }

  /** Goes to a point of the block, counted from 0. What is derived is not known yet. */
  move(local: number): void {
    const { axes } = this.#block;
    let rest = local;
    for (let i = 0; i < axes.length; i++) {
      const stride = this.#strides[i] ?? 1;
      const at = Math.floor(rest / stride);
      rest -= at * stride;
      this.#positions[i] = axes[i]?.isOwn ? Math.floor(local / stride) : at;
    }
    this.#index = undefined;
    if (this.#hasScope) for (const [i, { source }] of this.#slots.entries()) this.#values[i] = this.#given(source);
  }

  /** Computes derived parameters from top to bottom, but for those that need the number of the run. */
  derive(meter?: Meter): PointProblem | undefined {
    return this.#deriveAll(this.#block.derived, false, meter);
  }

  /** Computes the rest, once the point has its number in the sweep. `derive` must have been called. */
  deriveLate(index: number, meter?: Meter): PointProblem | undefined {
    this.#index = index;
    return this.#deriveAll(this.#block.derived, true, meter);
  }

  evaluate({ expression }: CheckedExpression, meter?: Meter): Evaluation {
    return evaluate(expression, this.#scope, () => this.#slotOf.keys(), meter);
  }

  /** Every parameter, as stored. */
  paramsJson(): string {
    return `{${this.#join(this.#stored, false)}}`;
  }

  /** The parameters that count, sorted, for the fingerprint. */
  canonicalBody(): string {
    return this.#join(this.#counted, true);
  }

  /** The point by what makes it different: `lr=0.1, model="vit"`. */
  describe(): string {
    const shown = this.#block.axes.flatMap(({ names, columns }, axis) =>
      names.map((name, i) => `${name}=${valueJson(columns[i]?.at(this.#positions[axis] ?? 0) ?? "")}`),
    );
    const text = shown.join(", ");
    return text.length > DESCRIBED_MAX ? `${text.slice(0, DESCRIBED_MAX)}…` : text;
  }

  params(): Params {
    return new Map(this.#slots.map(({ name }, i) => [name, this.#valueAt(i)]));
  }

  readonly #scope: Scope = (name) => {
    const slot = this.#slotOf.get(name) ?? this.#slotOf.get(plainName(name));
    if (slot !== undefined) return this.#values[slot];
    if (name === SWEEP_NAME) return this.#sweepName;
    return name === INDEX_NAME ? this.#index : undefined;
  };

  #deriveAll(derived: readonly Derived[], late: boolean, meter: Meter | undefined): PointProblem | undefined {
    for (const { name, label, checked, isLate } of derived) {
      if (isLate !== late) continue;
      const { value, problem } = this.evaluate(checked, meter);
      if (problem) return { checked, problem };
      const refusal = refusalOf(value);
      if (refusal !== undefined) {
        const { length } = checked.expression.text;
        const message = `${label} gives ${refusal}, which no parameter can be`;
        return { checked, problem: { kind: "value", message, start: 0, end: length } };
      }
      this.#values[this.#slotOf.get(name) ?? -1] = value;
    }
    return undefined;
  }

  #given(source: Source): Value | undefined {
    if (source.kind === "derived") return undefined;
    return source.kind === "constant" ? source.value : source.column.at(this.#positions[source.axis] ?? 0);
  }

  #valueAt(slot: number): ParamValue {
    const { source, isDerived } = this.#slots[slot] as Slot;
    // What is not computed yet stands as None.
    return ((isDerived ? this.#values[slot] : this.#given(source)) ?? null) as ParamValue;
  }

  #join(pieces: readonly Piece[], isCanonical: boolean): string {
    let text = "";
    for (const piece of pieces) {
      if (text !== "") text += ",";
      text += typeof piece === "string" ? piece : this.#text(piece, isCanonical);
    }
    return text;
  }

  #text(slot: number, isCanonical: boolean): string {
    const { name, source, isDerived } = this.#slots[slot] as Slot;
    if (!isDerived && source.kind === "axis") {
      const at = this.#positions[source.axis] ?? 0;
      return isCanonical ? source.column.canonical(at) : source.column.json(at);
    }
    const value = this.#valueAt(slot);
    return `${JSON.stringify(name)}:${isCanonical ? canonicalJson(value) : valueJson(value)}`;
  }
}

function slotsOf({ constants, axes, derived }: Block, ignore: readonly string[]): Slot[] {
  const byName = new Map(derived.map((each) => [each.name, each]));
  const slot = (name: string, source: Source): Slot => {
    const own = byName.get(name);
    return { name, source, isDerived: own !== undefined, counts: own?.isLate !== true && !isIgnored(name, ignore) };
  };
  const slots = constants.map(([name, value]) => slot(name, { kind: "constant", value }));
  for (const [axis, { names, columns }] of axes.entries()) {
    for (const [i, name] of names.entries())
      slots.push(slot(name, { kind: "axis", axis, column: columns[i] as Column }));
  }
  const names = new Set(slots.map(({ name }) => name));
  for (const name of byName.keys()) if (!names.has(name)) slots.push(slot(name, { kind: "derived" }));
  return slots;
}

/** Neighbouring constants become one piece. */
function piecesOf(slots: readonly Slot[], order: Iterable<number>, textOf: (value: ParamValue) => string): Piece[] {
  const pieces: Piece[] = [];
  for (const i of order) {
    const { name, source, isDerived } = slots[i] as Slot;
    const last = pieces.at(-1);
    if (isDerived || source.kind !== "constant") {
      pieces.push(i);
      continue;
    }
    const text = `${JSON.stringify(name)}:${textOf(source.value)}`;
    if (typeof last === "string") pieces[pieces.length - 1] = `${last},${text}`;
    else pieces.push(text);
  }
  return pieces;
}

function stridesOf({ axes }: Block): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const { size } of axes.toReversed()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

/** What is wrong with a value as a parameter; undefined where nothing is. */
export function refusalOf(value: Value): string | undefined {
  if (value instanceof FloatParam) return Number.isFinite(value.float) ? undefined : String(value.float).toLowerCase();
  if (typeof value === "string") {
    if (value.includes("\0")) return "a text with a NUL character";
    return value.isWellFormed() ? undefined : "a text that is not valid Unicode";
  }
  if (typeof value !== "object" || value === null) return undefined;
  const inner = isList(value) ? value : Object.values(value);
  for (const each of inner) {
    const refusal = refusalOf(each);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
