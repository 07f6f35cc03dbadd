/** Commands that cannot be made are refused with the file, not on a host. */
import { describe, expect, test } from "vitest";
import { problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const problemsOf = (lines: string) => problemLinesOf(`name = "a"\n${lines}\n`);

describe("values that the style cannot carry", () => {
  const cases: [lines: string, problem: string | undefined][] = [
    [
      'run.command = ["x", "${args}"]\nbase.names = ["-x"]',
      '2:5+7 spec.command: names holds "-x", which a program takes',
    ],
    [
      'run.command = ["x", "${args}"]\nrun.list = "comma"\ngrid.k = [["a"], ["b,c"]]',
      'k holds "b,c", which list = "comma"',
    ],
    ['run.command = ["x", "${args}"]\nrun.args = "hydra"\ngrid.k = ["a", "???"]', "k: Hydra reads the text ???"],
    ['run.command = ["x", "${args}"]\nrun.args = "hydra+"\nbase."größe" = 1', '"größe" is no key for Hydra'],
    ['run.command = ["x", "${args}"]\nrun.list = "json"\nbase.names = ["-x"]', undefined],
    ['run.command = ["x", "${names}"]\nrun.args = "none"\nbase.names = ["-x"]', undefined],
    [
      'run.command = ["x", "${args}"]\nrun.list = "comma"\ngrid.k = ["a", "b"]\nderive.l = "[k, \',\' if k == \'b\' else k]"',
      'l holds ",", which list = "comma" would cut; use list = "json" or "repeat" (at k="b")',
    ],
  ];
  test.each(cases)("%s", (lines, problem) => {
    const problems = problemsOf(lines);
    expect(problems).toHaveLength(problem === undefined ? 0 : 1);
    if (problem !== undefined) expect(problems[0]).toContain(problem);
  });
});

describe("expressions that fail at a point", () => {
  const cases: [lines: string, problem: string | undefined][] = [
    ['run.command = ["x", "${8 // n}"]\ngrid.n = [2, 0]', "2:5+7 spec.command: ${8 // n}: "],
    ['run.command = ["x", "${8 // n}"]\ngrid.n = [2, 0]', "(at n=0)"],
    ['run.command = ["x"]\nrun.env = { A = "${n + k}" }\ngrid.n = [2, "a"]\nbase.k = 1', '(at n="a")'],
    ['run.command = ["x"]\nrun.setup = "echo ${k[n]}"\ngrid.n = [0, 7]\nbase.k = [1]', "(at n=7)"],
    ['run.command = ["x", "${8 // n}"]\ngrid.n = [2, 0]\nwhere = ["n > 0"]', undefined],
    ['run.command = ["x", "${n + env.HOME}"]\ngrid.n = [2]', undefined],
    ['run.command = ["x", "${8 // gpus}", "${run.index}"]\nrun.cwd = "${env.HOME}/x"\ngrid.n = [2]', undefined],
  ];
  test.each(cases)("%s", (lines, problem) => {
    // Tables come after the keys of the file itself.
    const [where = "", rest = lines] = /^(.*)\n(where = .*)$/s.exec(lines)?.slice(1).toReversed() ?? [];
    const problems = problemsOf(where === "" ? rest : `${where}\n${rest}`);
    expect(problems).toHaveLength(problem === undefined ? 0 : 1);
    if (problem !== undefined) expect(problems[0]).toContain(problem);
  });
});

test("a hundred thousand points are checked within the time of a test", () => {
  const lines =
    'run.command = ["x", "${a * 2}", "${args}"]\n[grid]\na = { range = [0, 1000] }\nb = { range = [0, 100] }';
  expect(sweepOf(`name = "a"\n${lines}\n`).total).toBe(100_000);
});
