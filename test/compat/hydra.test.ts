/** Hydra and PyYAML read back the very values that we write for them. Needs the network once, to install them. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { argsProblem, renderArgs } from "../../shared/spec/args.ts";
import { paramsToNestedJson } from "../../shared/spec/params-json.ts";
import { FloatParam, type Params, type ParamValue } from "../../shared/spec/types.ts";
import { compatPython } from "../helpers/compat-python.ts";
import { anyParams } from "../unit/spec/any-params.ts";

const CASES = 300;
const INSTALL_MS = 600_000;

interface Answer {
  readonly hydra: string;
  readonly yaml: string;
  readonly plain: string;
}

/** Texts that are something else without care. */
const TEXTS = [
  ..."null True FALSE nan -inf 1 1.0 1e5 0x1f 1_000 ??? yes no on off ~ = : , [ ] { } ( ) ' \" \\ $ % @ # ! | & *".split(
    " ",
  ),
  ..." ,a b,a,b,k=v,[1,{a:1},choice(1),range(1),glob(*),int(1),${x},$${x},\\${x},\\\\${x},${oc.env:HOME}".split(","),
  ..."it's|'quoted'|\"quoted\"|\\'|\\\\'|\\|\\\\|a\\|'\\|a b | a|\t|\n|a\r\nb|\u2028|\u0085|\x7f|\x01|é😀|+k=1|~k|--x|-1".split(
    "|",
  ),
];

const sampled = fc.sample(anyParams(), { numRuns: CASES, seed: 11 });
const tricky = TEXTS.map(
  (text) =>
    new Map<string, ParamValue>([
      ["k", text],
      ["o.l", [text, [text]]],
      ["o.f", new FloatParam(1e-5)],
    ]),
);
const cases = [...sampled, ...tricky].map(carried);
let answers: Answer[];

beforeAll(() => {
  const lines = cases.map((params) => {
    const hydra = renderArgs("hydra+", {}, params, "/run");
    const yaml = renderArgs("file:p.yaml", {}, params, "/run");
    return JSON.stringify({
      overrides: "words" in hydra ? hydra.words : [],
      yaml: "file" in yaml ? yaml.file?.text : "",
      json: paramsToNestedJson(params),
    });
  });
  const script = join(import.meta.dirname, "read_hydra.py");
  const options = { input: lines.join("\n"), encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const output = execFileSync(compatPython(), ["-B", script], options);
  answers = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}, INSTALL_MS);

/** Without the few values that the style says it cannot carry. */
function carried(params: Params): Params {
  return new Map(Array.from(params).filter(([name, value]) => argsProblem("hydra+", {}, name, value) === undefined));
}

describe("any value", () => {
  test("comes through Hydra's overrides", () => {
    expect(answers.map(({ hydra }) => hydra)).toEqual(answers.map(({ plain }) => plain));
  });

  test("comes through a YAML file", () => {
    expect(answers.map(({ yaml }) => yaml)).toEqual(answers.map(({ plain }) => plain));
  });

  test("and there are many", () => {
    expect(cases.reduce((count, params) => count + params.size, 0)).toBeGreaterThan(CASES);
  });
});
