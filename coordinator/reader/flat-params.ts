/**
 * [P] Parameters of many runs, read quickly: almost all are flat objects of plain words and numbers, which need no reader of
 * all JSON. Whatever is not goes to the full one, so that the meaning is the same.
 */
import { paramsFromJson } from "../../shared/spec/params-json.ts";
import { FloatParam, type Params, type ParamValue } from "../../shared/spec/types.ts";

/** A key and a scalar without escapes, and what follows. Ints of up to 15 digits are exact. */
const PAIR =
  /"([^"\\]*)":(?:"([^"\\]*)"|(-?(?:0|[1-9]\d{0,14})(?![\d.eE]))|(-?(?:0|[1-9]\d*)(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+))|(true|false|null))([,}])/y;

/** Keeps one text and one float for each that is met: the values of a sweep repeat. */
export interface Interner {
  text(text: string): string;
  float(value: number): FloatParam;
}

/** Different values that are kept; sweeps of random values have as many as runs. */
const KEPT_MAX = 50_000;

export function createInterner(): Interner {
  const texts = new Map<string, string>();
  const floats = new Map<number, FloatParam>();
  return {
    text(text) {
      const known = texts.get(text);
      if (known !== undefined) return known;
      if (texts.size < KEPT_MAX) texts.set(text, text);
      return text;
    },
    float(value) {
      // A Map takes -0 for 0.
      if (Object.is(value, -0)) return new FloatParam(value);
      let known = floats.get(value);
      if (!known) {
        known = new FloatParam(value);
        if (floats.size < KEPT_MAX) floats.set(value, known);
      }
      return known;
    },
  };
}

/** As `paramsFromJson` for what the store has, which `paramsToJson` wrote. */
export function readFlatParams(json: string, interner: Interner): Params {
  const params = new Map<string, ParamValue>();
  if (json === "{}" || json === "") return params;
  if (!json.startsWith("{")) return paramsFromJson(json);
  PAIR.lastIndex = 1;
  for (;;) {
    const match = PAIR.exec(json);
    if (!match) return paramsFromJson(json);
    const [, key = "", text, int, float, word, end] = match;
    if (params.has(key)) return paramsFromJson(json);
    params.set(interner.text(key), scalarOf(text, int, float, word, interner));
    if (end === "}") return PAIR.lastIndex === json.length ? params : paramsFromJson(json);
  }
}

function scalarOf(
  text: string | undefined,
  int: string | undefined,
  float: string | undefined,
  word: string | undefined,
  interner: Interner,
): ParamValue {
  if (text !== undefined) return interner.text(text);
  if (int !== undefined) return Number(int) + 0;
  if (float !== undefined) return interner.float(Number(float));
  return word === "null" ? null : word === "true";
}
