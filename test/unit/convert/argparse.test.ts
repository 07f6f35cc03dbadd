/** Options of Python programs, read without running them; and the sweep file that `exp init` makes of them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ArgparseOption, readArgparse } from "../../../shared/convert/argparse.ts";
import { starterText } from "../../../shared/convert/starter.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { valueJson } from "../../../shared/spec/value-text.ts";
import { problemLine, tomlSource } from "../../helpers/spec-source.ts";

function shown({ name, value, bool, isRequired, isList, help }: ArgparseOption): string {
  const marks = [bool, isRequired ? "required" : "", isList ? "list" : "", help].filter(Boolean);
  return [`${name}=${value === undefined ? "?" : valueJson(value)}`, ...marks].join(" ");
}

function read(call: string): string {
  const { options, skipped } = readArgparse(`parser.add_argument(${call})`);
  return [...options.map(shown), ...skipped].join(" | ");
}

test.each([
  ['"--lr", type=float, default=0.1', "lr=0.1"],
  ['"--lr", type=float, default=1', "lr=1.0"],
  ["'--lr', '-l', default=1e-3", "lr=0.001"],
  ['"-l", "--learning-rate", "--learning_rate", default=3_000', "learning_rate=3000"],
  ['"--n", default=-5, help="how many"', "n=-5 how many"],
  ['"--name", default="a, (b" "c"', 'name="a, (bc"'],
  ["\"--name\", default='it\\'s\\n\\\\d', help='''two\n   lines'''", 'name="it\'s\\n\\\\d" two lines'],
  ['"--raw", default=r"\\d+"', 'raw="\\\\d+"'],
  ['"--amp", action="store_true"', "amp=false presence"],
  ['"--amp", action=argparse.BooleanOptionalAction, default=True', "amp=true no-prefix"],
  ['"--amp", type=str2bool, default=True', 'amp="True"'],
  ['"--amp", type=bool, default=True', "amp=?"],
  ['"--id", type=str, default=7', 'id="7"'],
  ['"--sizes", type=int, nargs="+", default=[64, 32]', "sizes=[64,32] list"],
  ['"--betas", type=float, nargs=2, default=(1, 0.9,)', "betas=[1.0,0.9] list"],
  ['"--data", required=True', "data=? required"],
  ['"--out", default=os.path.join(here, "x")', "out=?"],
  ['"--when", default=f"{x}"', "when=?"],
  ['"--none", default=None', "none=?"],
  ['"--x", # why, "not"\n  default=2,  # (two\n', "x=2"],
  ['"--x", choices=["a", "b"], default="a"', 'x="a"'],
  ['"data", help="where"', "data is a positional argument: put it into the command"],
  ['"-v"', "-v has no long form"],
  ['"--version", action="version", version="1"', "--version is of action version"],
  ['"--no-amp", dest="amp", action="store_false"', "--no-amp is of action store_false"],
  ["*names", ""],
  ["", ""],
])("add_argument(%s)", (call, expected) => expect(read(call)).toBe(expected));

test("calls in comments and strings are none, brackets within strings do no harm, the first of a name counts", () => {
  const source = `
# p.add_argument("--no1")
"""p.add_argument("--no2")"""
x = 'p.add_argument("--no3")'
g = p.add_argument_group("a"); g . add_argument ( "--yes" , default=")" )
p.add_argument("--yes", default=2)
p.add_argument("--cut`;
  const { options } = readArgparse(source);
  expect(options.map(shown)).toEqual(['yes=")"']);
});

test("the program of the example", () => {
  const source = readFileSync(new URL("../../../examples/digits/train.py", import.meta.url), "utf8");
  const names = readArgparse(source).options.map(shown);
  expect(names).toEqual(
    expect.arrayContaining(["lr=0.1 learning rate", "hidden=16 hidden units", "batch_size=16", "epochs=8", "seed=0"]),
  );
});

/** The file must be sound; the points it makes, as JSON. */
function pointsOf(text: string): string[] {
  const read = readSweep(tomlSource(text));
  if ("problems" in read) throw new Error(`${text}\n${read.problems.map(problemLine).join("\n")}`);
  return [...read.sweep.points].map(({ paramsJson }) => paramsJson);
}

describe("exp init", () => {
  test("without a script: a file that runs", () => {
    const { text, notes } = starterText("vision", undefined);
    expect(text.split("\n")[0]).toBe("#:schema ./sweep.schema.json");
    expect(pointsOf(text)).toHaveLength(6);
    expect(pointsOf(text)[0]).toBe('{"epochs":10,"lr":0.1,"batch_size":32}');
    expect(notes).toEqual([]);
  });

  test("every line that is commented out works when it is not", () => {
    const { text } = starterText("vision", undefined);
    const all = text.replace(
      /^# (?=(?:seeds|gpus|gpu_memory|time|parallel|max|cwd|env|\[objective\]|metric|goal) ?)/gm,
      "",
    );
    expect(all).not.toBe(text);
    expect(pointsOf(all)).toHaveLength(18);
  });

  test("with a script", () => {
    const source = `
p.add_argument("--lr", type=float, default=0.1, help="learning rate")
p.add_argument("--batch-size", type=int, default=32)
p.add_argument("--model", choices=["cnn", "vit"], default="cnn")
p.add_argument("--amp", action="store_true")
p.add_argument("--data", required=True)
p.add_argument("--seed", type=int, default=3)
p.add_argument("--run.id", default=1)
p.add_argument("file")
`;
    const { text, notes } = starterText("v", { ...readArgparse(source), path: "src/$train.py" });
    expect(text.slice(text.indexOf("name ="), text.indexOf("[resources]"))).toMatchInlineSnapshot(`
      "name = "v"

      seeds = [3]                      # more of them: every combination once for each

      # The options of src/$train.py with their defaults: the same in every run.
      [base]
      lr = 0.1 # learning rate
      batch_size = 32
      model = "cnn" # one of "cnn", "vit"
      amp = false
      # data = "" # its default is not known

      # Options with several values each, moved from [base] to here; every combination is run.
      [grid]
      # lr = [0.1]

      [run]
      command = ["python3", "src/$$train.py", "\${args}"]
      dash = true                      # batch_size becomes --batch-size

      "
    `);
    expect(notes).toEqual([
      "file is a positional argument: put it into the command",
      "--data is required: give it a value in [base]",
      "--run.id cannot be the name of a parameter",
    ]);
    expect(pointsOf(text)).toEqual(['{"lr":0.1,"batch_size":32,"model":"cnn","amp":false,"seed":3}']);
  });

  test("flags of both kinds, and a program without options", () => {
    const both = readArgparse(
      'a.add_argument("--a", action="store_true"); a.add_argument("--b", action=BooleanOptionalAction, default=True)',
    );
    const { text, notes } = starterText("v", { ...both, path: "t.py" });
    expect(text).not.toContain("bool =");
    expect(notes).toEqual([expect.stringMatching(/^--no-b cannot be said/)]);
    const optional = readArgparse('a.add_argument("--b", action=BooleanOptionalAction, default=True)');
    expect(starterText("v", { ...optional, path: "t.py" }).text).toContain('bool = "no-prefix"');
    expect(pointsOf(starterText("v", { options: [], skipped: [], path: "t.py" }).text)).toEqual(["{}"]);
  });
});
