/** What each style of arguments writes; what Python's argparse makes of it is in args-python.test.ts. */
import { describe, expect, test } from "vitest";
import type { Value } from "../../../shared/expression/value.ts";
import { argsProblem, renderArgs } from "../../../shared/spec/args.ts";
import { type ArgsOptions, type ArgsStyle, FloatParam } from "../../../shared/spec/types.ts";

const PARAMS = new Map<string, Value>([
  ["lr", new FloatParam(1)],
  ["optim.name", "ada m"],
  ["n_layers", -3],
  ["amp", true],
  ["half", false],
  ["sizes", [1, new FloatParam(2)]],
  ["empty", []],
  ["note", null],
]);

function wordsOf(style: ArgsStyle, options: ArgsOptions = {}, params = PARAMS): readonly string[] {
  const rendered = renderArgs(style, options, params, "/run");
  if ("problem" in rendered) throw new Error(rendered.problem);
  expect(rendered.env).toEqual({});
  return rendered.words;
}

describe("words", () => {
  const cases: [style: ArgsStyle, options: ArgsOptions, words: string][] = [
    ["flags", {}, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --sizes 1 2.0 --empty"],
    [
      "flags",
      { bool: "value" },
      "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp true --half false --sizes 1 2.0 --empty",
    ],
    ["flags", { bool: "no-prefix" }, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --no-half --sizes 1 2.0 --empty"],
    ["flags", { list: "repeat" }, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --sizes 1 --sizes 2.0"],
    ["flags", { list: "comma" }, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --sizes 1,2.0 --empty |"],
    ["flags", { list: "json" }, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --sizes [1,2.0] --empty []"],
    ["flags", { none: "null" }, "--lr 1.0 --optim.name ada·m --n_layers=-3 --amp --sizes 1 2.0 --empty --note null"],
    ["flags", { dash: true }, "--lr 1.0 --optim.name ada·m --n-layers=-3 --amp --sizes 1 2.0 --empty"],
    ["flags=", {}, "--lr=1.0 --optim.name=ada·m --n_layers=-3 --amp --sizes=[1,2.0] --empty=[]"],
    [
      "flags=",
      { bool: "value", list: "repeat", none: "null", dash: true },
      "--lr=1.0 --optim.name=ada·m --n-layers=-3 --amp=true --half=false --sizes=1 --sizes=2.0 --note=null",
    ],
    ["kv", {}, "lr=1.0 optim.name=ada·m n_layers=-3 amp=true half=false sizes=[1,2.0] empty=[]"],
    [
      "kv",
      { list: "comma", none: "null" },
      "lr=1.0 optim.name=ada·m n_layers=-3 amp=true half=false sizes=1,2.0 empty= note=null",
    ],
    ["hydra", {}, "lr=1.0 optim.name='ada·m' n_layers=-3 amp=true half=false sizes=[1,2.0] empty=[]"],
    ["hydra+", {}, "+lr=1.0 +optim.name='ada·m' +n_layers=-3 +amp=true +half=false +sizes=[1,2.0] +empty=[]"],
    [
      "hydra++",
      { none: "null" },
      "++lr=1.0 ++optim.name='ada·m' ++n_layers=-3 ++amp=true ++half=false ++sizes=[1,2.0] ++empty=[] ++note=null",
    ],
    [
      "json",
      {},
      '{"lr":1.0,"optim":{"name":"ada·m"},"n_layers":-3,"amp":true,"half":false,"sizes":[1,2.0],"empty":[]}',
    ],
    ["file:conf/params.yaml", {}, "/run/conf/params.yaml"],
    ["none", {}, ""],
  ];
  // "·" stands for a space within a word, "|" for an empty word.
  test.each(cases)("%s %j", (style, options, expected) => {
    const words = wordsOf(style, options).map((word) => (word === "" ? "|" : word.replaceAll(" ", "·")));
    expect(words.join(" ")).toBe(expected);
  });
});

test("env gives variables instead of words", () => {
  expect(renderArgs("env", { list: "comma" }, PARAMS, "/run")).toEqual({
    words: [],
    env: {
      LR: "1.0",
      OPTIM_NAME: "ada m",
      N_LAYERS: "-3",
      AMP: "true",
      HALF: "false",
      SIZES: "1,2.0",
      EMPTY: "",
    },
  });
});

test("overrides of Hydra have quotes where they need them", () => {
  const cases: [Value, string][] = [
    ["adam", "adam"],
    ["/data/x-1.bin", "/data/x-1.bin"],
    ["", "''"],
    ["null", "'null'"],
    ["True", "'True'"],
    ["1e5", "'1e5'"],
    ["a,b", "'a,b'"],
    ["it's", "'it\\'s'"],
    ["c:\\x\\", "'c:\\x\\\\'"],
    ["${oc.env:HOME}", "'\\${oc.env:HOME}'"],
    ["a\\${b}", "'a\\\\\\${b}'"],
    ["x=1", "'x=1'"],
    [new FloatParam(1e-5), "1e-05"],
    [[["a b"], { k: [null, 1] }], "[['a b'],{k:[null,1]}]"],
  ];
  for (const [value, text] of cases) expect(wordsOf("hydra", {}, new Map([["k", value]]))).toEqual([`k=${text}`]);
});

describe("files", () => {
  const params = new Map<string, Value>([...PARAMS, ["optim.lr", new FloatParam(1e-5)], ["no", "yes\u2028"]]);
  const textOf = (style: ArgsStyle, options: ArgsOptions = {}) => {
    const rendered = renderArgs(style, options, params, "/run");
    return "file" in rendered ? rendered.file?.text : undefined;
  };

  test("yaml", () =>
    expect(textOf("file:p.yaml", { none: "null" })).toBe(`lr: 1.0
optim:
  name: "ada m"
  lr: 1.0e-05
n_layers: -3
amp: true
half: false
sizes: [1, 2.0]
empty: []
note: null
"no": "yes\\u2028"
`));

  test("toml", () =>
    expect(textOf("file:p.toml")).toBe(`lr = 1.0
optim.name = "ada m"
n_layers = -3
amp = true
half = false
sizes = [1, 2.0]
empty = []
optim.lr = 1e-05
no = "yes\u2028"
`));

  test("json", () =>
    expect(JSON.parse(textOf("file:p.json") ?? "")).toMatchObject({ lr: 1, optim: { name: "ada m", lr: 1e-5 } }));

  test("no parameters make a file all the same", () =>
    expect(renderArgs("file:p.yaml", {}, new Map(), "/run")).toMatchObject({ file: { path: "p.yaml", text: "{}\n" } }));
});

describe("a value that a style cannot carry is refused", () => {
  const cases: [style: ArgsStyle, options: ArgsOptions, value: Value, problem: string][] = [
    ["flags", {}, ["a", "-x"], 'k holds "-x", which a program takes for an option where list = "space"'],
    ["flags", {}, [new FloatParam(-1e-5)], 'k holds "-1e-05"'],
    ["flags", { list: "comma" }, ["a,b"], 'k holds "a,b", which list = "comma" would cut'],
    ["kv", { list: "comma" }, [[1, 2]], 'k holds "[1,2]", which list = "comma" would cut'],
    ["env", { list: "comma" }, [""], "k is a list of one empty text"],
    ["hydra", {}, "???", "k: Hydra reads the text ??? as a value that is missing"],
    ["hydra", {}, { "a b": 1 }, 'k: Hydra cannot read "a b" as a key within a value'],
    ["hydra++", {}, { True: 1 }, 'k: Hydra cannot read "True" as a key within a value'],
  ];
  test.each(cases)("%s %j %j", (style, options, value, problem) =>
    expect(argsProblem(style, options, "k", value)).toContain(problem),
  );

  test("also a name", () => expect(argsProblem("hydra", {}, "größe", 1)).toContain('"größe" is no key for Hydra'));

  test.each<[ArgsStyle, ArgsOptions, Value]>([
    ["flags", {}, ["a", -1, new FloatParam(-2.5)]],
    ["flags", { list: "json" }, ["a,b", "-x"]],
    ["flags", { list: "repeat" }, ["-x"]],
    ["kv", {}, "a\nb=c"],
  ])("%s %j carries %j", (style, options, value) => expect(argsProblem(style, options, "k", value)).toBeUndefined());
});
