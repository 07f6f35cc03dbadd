/** What imported work has to be called to count for a point. */
import { describe, expect, test } from "vitest";
import { importedNameOf } from "../../../shared/compat/imported-name.ts";
import { sweepOf } from "../../helpers/spec-source.ts";

function namesOf(body: string): (string | undefined)[] {
  const sweep = sweepOf(`name = "digits"\nrun.command = ["true", "\${args}"]\n${body}`);
  return [...sweep.points].map((point) => importedNameOf(sweep.sweep, sweep.params, point)?.key);
}

const ALONE = "[identity]\ninclude = []\n[grid]\nlr = [1, 2]\n";

describe("the name of imported work", () => {
  test("is of the parameters, where they alone decide", () => {
    const [one, two] = namesOf(ALONE);
    expect(one).toBeDefined();
    expect(two).not.toBe(one);
    expect(namesOf("[grid]\nlr = [1, 2]\n")).toEqual([undefined, undefined]);
  });

  test("leaves out what says which run of the sweep it is, and no other derived parameter", () => {
    const plain = namesOf(ALONE);
    expect(namesOf(`${ALONE}[derive]\nout = "'runs/' + str(run.index)"\nlog = "out + '.log'"`)).toEqual(plain);
    expect(namesOf(`${ALONE}[derive]\nout = "'runs/' + str(lr)"`)).not.toEqual(plain);
  });
});
