/**
 * Values of one parameter along an axis. Texts of the values are made once for short columns, and anew for long ones: a
 * million texts would take more memory than making them takes time.
 */
import { canonicalJson } from "./canonical.ts";
import { FloatParam, type ParamValue } from "./types.ts";
import { valueJson } from "./value-text.ts";

export interface Column {
  readonly length: number;
  readonly at: (index: number) => ParamValue;
  /** `"lr":0.1`, as stored. */
  readonly json: (index: number) => string;
  /** `"lr":0.1`, as it counts for the fingerprint. */
  readonly canonical: (index: number) => string;
}

const TEXTS_KEPT_MAX = 4096;

export function columnOf(name: string, values: readonly ParamValue[]): Column {
  return withTexts(name, values.length, (index) => values[index] as ParamValue);
}

/** A column that is filled value by value, and packed where all of them are numbers of one kind. */
export function createColumn(name: string, length: number): { push(value: ParamValue): void; finish(): Column } {
  const numbers = new Float64Array(length);
  let count = 0;
  let isFloat: boolean | undefined;
  let others: ParamValue[] | undefined;
  const numberAt = (index: number) => (isFloat ? new FloatParam(numbers[index] ?? 0) : (numbers[index] ?? 0));
  return {
    push(value) {
      const float = value instanceof FloatParam;
      if (!others && (float || typeof value === "number") && (isFloat ?? float) === float) {
        isFloat = float;
        numbers[count] = float ? value.float : value;
      } else {
        others ??= Array.from({ length: count }, (_, i) => numberAt(i));
        others.push(value);
      }
      count += 1;
    },
    finish: () => (others ? columnOf(name, others) : withTexts(name, length, numberAt)),
  };
}

function withTexts(name: string, length: number, at: (index: number) => ParamValue): Column {
  const key = `${JSON.stringify(name)}:`;
  const json = (index: number) => key + valueJson(at(index));
  const canonical = (index: number) => key + canonicalJson(at(index));
  if (length > TEXTS_KEPT_MAX) return { length, at, json, canonical };
  const jsons = Array.from({ length }, (_, i) => json(i));
  const canonicals = Array.from({ length }, (_, i) => canonical(i));
  return { length, at, json: (index) => jsons[index] ?? "", canonical: (index) => canonicals[index] ?? "" };
}
