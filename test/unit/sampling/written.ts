/** Parameter values from the texts that people write, for tests. */
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";

/** An int, a float where there is a point or an exponent, else a text. */
export function param(text: string): ParamValue {
  if (/^-?\d+$/.test(text)) return Number(text);
  return Number.isNaN(Number(text)) ? text : new FloatParam(Number(text));
}

/** Values that are parted by spaces. */
export function params(text: string): ParamValue[] {
  return text === "" ? [] : text.split(" ").map(param);
}
