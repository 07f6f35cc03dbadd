import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  paramsFromJson,
  paramsToJson,
  paramsToNested,
  paramsToNestedJson,
  paramsToPlain,
} from "../../../shared/spec/params-json.ts";
import { FloatParam, type Params, type ParamValue } from "../../../shared/spec/types.ts";
import { floatText } from "../../../shared/spec/value-text.ts";
import { anyParams } from "./any-params.ts";

const PARAMS: Params = new Map<string, ParamValue>([
  ["lr", new FloatParam(1)],
  ["n", 1],
  ["optim.name", 'a"d\n'],
  ["optim.betas", [new FloatParam(0.9), new FloatParam(1e-5)]],
  ["amp", true],
  ["extra", { z: 1, a: [] }],
]);

describe("parameters as JSON", () => {
  test("keep ints and floats apart, and their order", () => {
    expect(paramsToJson(PARAMS)).toBe(
      '{"lr":1.0,"n":1,"optim.name":"a\\"d\\n","optim.betas":[0.9,1e-05],"amp":true,"extra":{"z":1,"a":[]}}',
    );
  });

  test("come back as they were", () => {
    fc.assert(
      fc.property(anyParams(), (params) => {
        const back = paramsFromJson(paramsToJson(params));
        expect(back).toEqual(params);
        expect([...back.keys()]).toEqual([...params.keys()]);
        expect(paramsToJson(back)).toBe(paramsToJson(params));
      }),
    );
  });

  test("are plain JSON for others", () => {
    fc.assert(
      fc.property(anyParams(), (params) => {
        expect(JSON.parse(paramsToJson(params))).toEqual(paramsToPlain(params));
      }),
    );
  });

  test("keep the order of names that look like numbers", () => {
    expect(paramsToJson(paramsFromJson('{"2":1,"1":2}'))).toBe('{"2":1,"1":2}');
  });

  test("unfold dotted paths for config.json", () => {
    expect(paramsToNested(PARAMS)).toEqual({
      lr: 1,
      n: 1,
      optim: { name: 'a"d\n', betas: [0.9, 0.00001] },
      amp: true,
      extra: { z: 1, a: [] },
    });
    expect(
      paramsToNestedJson(
        new Map<string, ParamValue>([
          ["a.b", new FloatParam(2)],
          ["c", 1],
          ["a.d", 3],
        ]),
      ),
    ).toBe('{"a":{"b":2.0,"d":3},"c":1}');
  });

  test("never reach a prototype", () => {
    const params = paramsFromJson('{"__proto__":1,"a.__proto__.x":2}');
    expect(JSON.stringify(paramsToPlain(params))).toBe('{"__proto__":1,"a.__proto__.x":2}');
    expect(JSON.stringify(paramsToNested(params))).toBe('{"__proto__":1,"a":{"__proto__":{"x":2}}}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test.each([
    ["", "parameters are not JSON: the text ends too early at offset 0"],
    ["[]", "parameters are not a JSON object"],
    ['{"a":9007199254740993}', "parameter 9007199254740993 is beyond exact integers"],
  ])("refuse %j", (text, message) => expect(() => paramsFromJson(text)).toThrow(message));
});

describe("floats", () => {
  const texts: readonly string[] = JSON.parse(
    readFileSync(new URL("../../fixtures/spec/python-floats.json", import.meta.url), "utf8"),
  );
  // The fixture holds what CPython's repr printed.
  test.each(texts)("%s", (text) => expect(floatText(Number(text))).toBe(text));

  test("read back as the same float and never look like an integer", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(floatText(value))).toBe(value);
        expect(floatText(value)).toMatch(/[.e]/);
      }),
    );
  });
});
