/** Arbitrary parameters for property tests. */
import fc from "fast-check";
import { FloatParam, type Params, type ParamValue } from "../../../shared/spec/types.ts";

/** Values of every kind, nested up to two levels; keys are never those that JavaScript reorders. */
export function anyValue(): fc.Arbitrary<ParamValue> {
  const { value } = fc.letrec<{ value: ParamValue; scalar: ParamValue }>((tie) => ({
    scalar: fc.oneof(
      fc.boolean(),
      fc.maxSafeInteger().map((integer) => (integer === 0 ? 0 : integer)),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((float) => new FloatParam(float)),
      fc.string({ unit: "grapheme" }),
    ),
    value: fc.oneof(
      { maxDepth: 2 },
      tie("scalar"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(anyName(), tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  return value;
}

export function anyParams(): fc.Arbitrary<Params> {
  return fc
    .uniqueArray(fc.tuple(anyName(), anyValue()), { selector: ([name]) => name, maxLength: 6 })
    .map((entries) => new Map(entries));
}

function anyName(): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom("a", "B", "_", "é", "😀", "1"), maxLength: 4 }).map((text) => `p${text}`);
}
