/** `exp rerun --set`: what is derived follows, or it is said why it cannot. */
import { describe, expect, test } from "vitest";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { rederive } from "../../../shared/spec/rederive.ts";
import { setValues } from "../../../shared/spec/set-values.ts";
import { sweepOf } from "../../helpers/spec-source.ts";

const HEAD = 'name = "digits"\nrun.command = ["true", "${args}"]\n';

/** The parameters of run `index` of the file with some of them set, or the problem. */
function set(body: string, index: number, ...pairs: string[]): string {
  const sweep = sweepOf(HEAD + body);
  const point = [...sweep.points][index - 1];
  if (!point) throw new Error("no such run");
  const read = setValues(point.params, pairs);
  const result =
    "problem" in read ? read : rederive(read.params, read.names, sweep.params.derived, { index, sweepName: "digits" });
  return "problem" in result ? `${result.problem}; ${result.hint}` : paramsToJson(result);
}

describe("derived parameters after --set", () => {
  const body = `[base]
    batch = 32
    [grid]
    lr = [1, 2]
    [derive]
    scaled = "lr * batch"
    twice = "scaled * 2"
    other = "batch + 1"
    out = "sweep.name + '/' + str(run.index)"
    log = "out + '-' + str(params['twice'])"`;

  test.each([
    [
      "follow, and what follows from them",
      ["lr=10"],
      '{"batch":32,"lr":10,"scaled":320,"twice":640,"other":33,"out":"digits/2","log":"digits/2-640"}',
    ],
    [
      "that are set themselves stay, and others follow from them",
      ["lr=10", "scaled=5"],
      '{"batch":32,"lr":10,"scaled":5,"twice":10,"other":33,"out":"digits/2","log":"digits/2-10"}',
    ],
    [
      "stay where nothing of theirs was set",
      ["log=x"],
      '{"batch":32,"lr":2,"scaled":64,"twice":128,"other":33,"out":"digits/2","log":"x"}',
    ],
  ])("%s", (_, pairs, expected) => {
    expect(set(body, 2, ...pairs)).toBe(expected);
  });

  test.each([
    [
      "what overwrites itself",
      '[base]\nbatch = 32\nlr = 0.5\n[derive]\nlr = "lr * batch"',
      ["batch=64"],
      "lr is derived from batch and from what lr was before it was derived, which is not kept; set it too: --set lr=VALUE",
    ],
    [
      "what uses a name that is overwritten below it",
      '[base]\nbatch = 32\nlr = 0.5\n[derive]\nrate = "lr * batch"\nlr = "lr * 2"',
      ["batch=64"],
      "rate is derived from batch and from what lr was before it was derived, which is not kept; set it too: --set rate=VALUE",
    ],
    [
      "what variants derive in different ways",
      '[base]\nlr = 1\n[[variants]]\nderive = { x = "lr + 1" }\n[[variants]]\nderive = { x = "lr + 2" }',
      ["lr=3"],
      "x is derived from lr, not in the same way in every variant; set it too: --set x=VALUE",
    ],
    [
      "what has no value any more",
      '[base]\nlr = 1\n[derive]\nx = "1 / lr"',
      ["lr=0"],
      'x is derived from lr, and "1 / lr" has no value now: "/" by zero; set it too: --set x=VALUE',
    ],
  ])("are refused: %s", (_, file, pairs, expected) => {
    expect(set(file, 1, ...pairs)).toBe(expected);
    const name = expected.split(" ")[0];
    expect(set(file, 1, ...pairs, `${name}=7`)).toContain(`"${name}":7`);
  });

  test("a name that a variant derives and another has may be set where nothing follows", () => {
    const file = '[base]\nlr = 1\n[[variants]]\nderive = { x = "lr + 1" }\n[[variants]]\nbase = { x = 5, y = 6 }';
    expect(set(file, 2, "y=7")).toBe('{"lr":1,"x":5,"y":7}');
    expect(set(file, 2, "lr=2")).toContain("in every variant");
  });
});
