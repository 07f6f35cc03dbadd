import { expect, test } from "vitest";
import { shownArgv, shownCommand } from "../../../shared/spec/shown-command.ts";
import { FloatParam, type RunTemplate } from "../../../shared/spec/types.ts";

const RUN = { id: "run_1", name: "digits.1.4", index: 4, sweep: "digits.1" };
const PARAMS = new Map([["lr", new FloatParam(1)]]);
const template = (command: RunTemplate["command"]): RunTemplate => ({ command, args: "flags", cwd: "/w", env: {} });

test.each([
  [["python", "train.py", "${args}"], "python train.py --lr 1.0"],
  [["sh", "-c", "echo 'hi' > x", ""], `sh -c 'echo '\\''hi'\\'' > x' ''`],
  [["echo", "$${HOME}"], "echo '${HOME}'"],
  ["python train.py ${args} | tee log", "python train.py --lr 1.0 | tee log"],
  [["train", "--out", "${run.dir}/x"], "train --out <run.dir>/x"],
])("%j", (command, shown) => expect(shownCommand(template(command), PARAMS, RUN)).toBe(shown));

test("a template that cannot be rendered shows nothing", () => {
  expect(shownArgv(template(["x", "${nothing}"]), PARAMS, RUN)).toEqual([]);
});
