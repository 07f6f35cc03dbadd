/** What a file says and has no effect is told by plan and submit, one line each, beside the answer. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SubmitRequest } from "../../../proto/gen/runner/v1/control.ts";
import { createExpRig, type ExpRig } from "../../helpers/exp-rig.ts";

let rig: ExpRig;
beforeAll(() => {
  rig = createExpRig();
  writeFileSync(
    join(rig.dir, "lab.toml"),
    '[scheduler]\nbase_experiment_dir = "out"\nlinger_when_idle = true\n[[experiments]]\nname = "a"\ncommand = "echo"\n',
  );
});
afterAll(() => rig[Symbol.dispose]());

test("plan of one of EXP's files, without a coordinator", async () => {
  const { code, stdout, stderr } = await rig.exp(["plan", "lab.toml"]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining("lab  1 run = 1 of [[runs]]\n"),
  });
  expect(stderr.split("\n").slice(0, 2)).toEqual([
    `warning: lab.toml:2:1: scheduler.base_experiment_dir (${rig.dir}/out) has no effect: the coordinator keeps all results in one place`,
    "warning: lab.toml:3:1: scheduler.linger_when_idle has no effect: the coordinator always stays",
  ]);
});

test("submit says what the coordinator says; the file goes with where it was typed", async () => {
  const answer = () => ({ sweep: "lab.1", total: 1, fresh: 1, reused: 0, warnings: ["lab.toml:1:1: a\u001b[31m"] });
  const { code, stdout, stderr, calls } = await rig.withServer({ submit: answer }, ["submit", "lab.toml", "--json"]);
  expect({ code, stdout: JSON.parse(stdout) }).toEqual({
    code: 0,
    stdout: { sweep: "lab.1", total: 1, new: 1, reused: 0 },
  });
  expect(stderr).toBe("warning: lab.toml:1:1: a\\x1b[31m\n");
  const [sent] = calls.map(({ request }) => (request as SubmitRequest).source);
  expect(sent).toMatchObject({ path: "lab.toml", directory: rig.dir, workingDirectory: rig.dir, home: rig.dir });
});
