/** `[stop]` of a sweep file: what reaches the coordinator, and what is refused. */
import { expect, test } from "vitest";
import { problemLine, problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const SOUND = 'name = "s"\nrun.command = ["true"]\n';
const OBJECTIVE = '[objective]\nmetric = "loss"\ngoal = "minimize"\n';

test("all of it, and what is not said", () => {
  const { sweep, report } = sweepOf(`${SOUND}${OBJECTIVE}[stop]
    when = ["isnan(loss)"]
    policy = "asha"
    min_steps = 200
    divisor = 3
    sweep_when = "objective.best < 0.1 and sweep.ended > 10"`);
  expect(report.warnings.map(problemLine)).toEqual([]);
  expect(sweep.stop).toEqual({
    when: ["isnan(loss)"],
    ladder: { policy: "asha", minSteps: 200, divisor: 3, rungs: 100 },
    sweepWhen: "objective.best < 0.1 and sweep.ended > 10",
  });
  expect(sweepOf(`${SOUND}${OBJECTIVE}[stop]\npolicy = "median"`).sweep.stop).toEqual({
    when: [],
    ladder: { policy: "median", minSteps: 1, divisor: 4, rungs: 100 },
  });
  expect(sweepOf(`${SOUND}[stop]\npolicy = "none"`).sweep.stop).toBeUndefined();
});

test.each([
  ['policy = "asha"', '4:10+6 spec.missing: policy = "asha" compares by nothing'],
  ['when = ["loss >"]', "4:"],
  ['sweep_when = "objective.bets > 1"', "4:15+14 expression.name: "],
])("%s is refused at its place", (line, problem) => {
  expect(problemLinesOf(`${SOUND}[stop]\n${line}`)[0]).toContain(problem);
});
