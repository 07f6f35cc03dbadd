import fc from "fast-check";
import { expect, test } from "vitest";
import { createInterner, readFlatParams } from "../../../coordinator/reader/flat-params.ts";
import { paramsFromJson, paramsToJson } from "../../../shared/spec/params-json.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";

test("read as the full reader reads them, whatever is stored", () => {
  const scalar: fc.Arbitrary<ParamValue> = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new FloatParam(value)),
    fc.string({ unit: "binary" }),
    fc.constantFrom("", '"', "\\", "a,b", '":', "}", "1", "true"),
  );
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.string(), scalar, { maxKeys: 2 }),
  );
  const key = fc.oneof(fc.string(), fc.constantFrom("lr", "optim.name", "__proto__", "constructor"));
  const params = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((entries) => new Map(entries));
  const interner = createInterner();
  fc.assert(
    fc.property(params, (given) => {
      const json = paramsToJson(given);
      expect([...readFlatParams(json, interner)]).toEqual([...paramsFromJson(json)]);
    }),
    { numRuns: 2_000 },
  );
});

test.each(['{"a":-0}', '{"a":-0.0}', '{"a":1e5,"b":1E-7,"c":0.5}', '{"a":999999999999999,"b":9007199254740991}', "{}"])(
  "%s",
  (json) => {
    expect([...readFlatParams(json, createInterner())]).toEqual([...paramsFromJson(json)]);
  },
);
