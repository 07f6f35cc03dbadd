/** Configurations of ztxexp: when two are equal, how they are shown, and that what sweeps have compares with them. */
import { describe, expect, test } from "vitest";
import {
  comparedText,
  comparedTextOfParams,
  isObject,
  type PythonObject,
  paramsOfConfig,
  pythonJsonText,
  readPythonJson,
  withoutIgnored,
} from "../../../shared/compat/imported-config.ts";
import { paramsFromJson, paramsToJson } from "../../../shared/spec/params-json.ts";

function configOf(text: string): PythonObject {
  const read = readPythonJson(text);
  if ("problem" in read || !isObject(read.value)) throw new Error(`no object: ${text}`);
  return read.value;
}

const textOf = (json: string) => comparedText(configOf(json));
const none = () => false;

describe("equal as in Python", () => {
  test.each([
    ['{"a":1}', '{"a":1.0}', true],
    ['{"a":1}', '{"a":true}', true],
    ['{"a":0}', '{"a":false}', true],
    ['{"a":0.0}', '{"a":-0.0}', true],
    ['{"a":1e3}', '{"a":1000}', true],
    ['{"a":1e300}', `{"a":${BigInt(1e300)}}`, true],
    ['{"a":9007199254740993}', '{"a":9007199254740992}', false],
    ['{"a":9007199254740993}', '{"a":9007199254740993.0}', false],
    ['{"a":0.1}', '{"a":0.1000000000000000055511151231257827}', true],
    ['{"a":"1"}', '{"a":1}', false],
    ['{"a":null}', "{}", false],
    ['{"a":null}', '{"a":"None"}', false],
    ['{"a":null}', '{"a":false}', false],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', true],
    ['{"a":{"x":1,"y":[1,2]}}', '{"a":{"y":[1.0,2],"x":true}}', true],
    ['{"a":[1,2]}', '{"a":[2,1]}', false],
    ['{"a":[]}', '{"a":{}}', false],
    ['{"a":""}', '{"a":null}', false],
    ['{"a":Infinity}', '{"a":Infinity}', true],
    ['{"a":Infinity}', '{"a":-Infinity}', false],
    ['{"a":"é"}', '{"a":"\\u00e9"}', true],
  ])("%s and %s: %s", (a, b, equal) => expect(textOf(a) === textOf(b)).toBe(equal));

  test("NaN equals nothing, wherever it is", () => {
    expect(textOf('{"a":NaN}')).toBeUndefined();
    expect(textOf('{"a":{"b":[1,NaN]}}')).toBeUndefined();
  });
});

describe("parameters of a sweep against a configuration", () => {
  test.each([
    ['{"lr":0.1,"optim.name":"adam","optim.lr":1.0}', '{"optim":{"lr":1,"name":"adam"},"lr":0.1}'],
    ['{"shape":[1,2.0,true]}', '{"shape":[1,2,1]}'],
    ['{"opt":{"b":1,"a":{}}}', '{"opt":{"a":{},"b":1}}'],
    ['{"seed":1}', '{"seed":true}'],
  ])("%s equals %s", (params, config) => {
    expect(comparedTextOfParams(paramsFromJson(params), none)).toBe(textOf(config));
  });

  test("what is ignored counts on neither side, nested or not", () => {
    const isIgnored = (name: string) => name === "workers" || name === "io.out";
    const text = textOf('{"lr":1,"workers":4,"io":{"out":"x","in":"y"}}') ?? "";
    const params = paramsFromJson('{"lr":1,"workers":8,"io.out":"z","io.in":"y"}');
    expect(withoutIgnored(text, isIgnored)).toBe(comparedTextOfParams(params, isIgnored));
    expect(withoutIgnored(text, none)).toBe(text);
  });
});

describe("shown as parameters", () => {
  test.each([
    ['{"a":{"b":{"c":1}},"d":1.0}', '{"a.b.c":1,"d":1.0}'],
    ['{"a":null,"b":[null,1.5],"c":{}}', '{"b":["null",1.5],"c":{}}'],
    ['{"a":NaN,"b":-Infinity,"c":9007199254740993}', '{"a":"NaN","b":"-Infinity","c":"9007199254740993"}'],
    ['{"__proto__":1,"a b":"\\ud800"}', '{"__proto__":1,"a b":"\ufffd"}'],
  ])("%s is %s", (config, params) => expect(paramsToJson(paramsOfConfig(configOf(config)))).toBe(params));
});

test.each(['{"a":NaN,"b":[Infinity,-Infinity,1,1.0,"x",null,true,{"c":1e-5}]}', "{}", '{"":1}'])("%s again", (text) => {
  expect(pythonJsonText(configOf(text)).replace("1e-05", "1e-5")).toBe(text);
});
