/** Which steps of the expansion a file takes, always in the same order, and how its queue is ordered. */
import { expect, test } from "vitest";
import { sweepOf } from "../../helpers/spec-source.ts";

const HEAD = 'name = "a"\nrun.command = ["x"]\n';

test.each<[file: string, steps: readonly string[]]>([
  [HEAD, []],
  [`${HEAD}base.m = 1\n`, ["base"]],
  [
    `${HEAD}where = ["lr > 1"]\nseeds = [1]\n[derive]\nx = "lr"\n[grid]\nlr = [1, 2]\n`,
    ["grid", "seeds", "derive", "where"],
  ],
  [`${HEAD}[zip]\na = [1]\n[random]\nsamples = 2\nspace.x = { int = [0, 9] }\n`, ["zip", "random"]],
  [`${HEAD}[[variants]]\ngrid.k = [1, 2]\n[[variants]]\nbase.k = 1\n`, ["base", "variants", "grid"]],
  [`${HEAD}grid.k = [1]\n[[runs]]\nparams.k = 2\n`, ["grid", "runs"]],
  ['[scheduler]\nbase_experiment_dir = "o"\n[[experiments]]\nname = "a"\ncommand = "x"\n', ["runs"]],
])("%j", (file, steps) => {
  expect(sweepOf(file).report.steps).toEqual(steps);
});

test.each([
  [HEAD, { order: "listed", shuffleSeed: 0 }],
  [`${HEAD}shuffle_seed = 3\n`, { order: "listed", shuffleSeed: 0 }],
  [`${HEAD}order = "shuffled"\n`, { order: "shuffled", shuffleSeed: 0 }],
  [`${HEAD}order = "shuffled"\nshuffle_seed = 3\n`, { order: "shuffled", shuffleSeed: 3 }],
  [`${HEAD}order = "cheap-first"\n`, { order: "cheap-first", shuffleSeed: 0 }],
  [
    '[scheduler]\nbase_experiment_dir = "o"\n[[experiments]]\nname = "a"\ncommand = "x"\n',
    { order: "exp", shuffleSeed: 0 },
  ],
])("the queue of %j", (file, expected) => {
  expect(sweepOf(file).report).toMatchObject(expected);
});
