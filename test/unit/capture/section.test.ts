/** `[capture]` of a sweep file: what reaches the host, and what is refused. */
import { expect, test } from "vitest";
import { captureOptions } from "../../../shared/capture/options.ts";
import { templateFromJson, templateToJson } from "../../../shared/spec/template-json.ts";
import { problemLine, problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const SOUND = 'name = "s"\nrun.command = ["true"]\n';

test("choices go with the command; what is not said is as usual", () => {
  const { shapes, report } = sweepOf(`${SOUND}[capture]
    stdout = ["keyvalue"]
    patterns = ['loss (?P<loss>\\value)']
    tensorboard_dirs = ["out"]
    csv = []
    system_every = "30s"
    hook = true
    env_allow = ["DATA_VERSION"]`);
  expect(report.warnings.map(problemLine)).toEqual([]);
  const template = shapes[0]?.template;
  if (!template) throw new Error("no shape");
  const { capture } = templateFromJson(templateToJson(template));
  expect(captureOptions(capture)).toEqual({
    stdout: ["keyvalue"],
    patterns: ["loss (?P<loss>\\value)"],
    tensorboard: true,
    tensorboardDirs: ["out"],
    csv: [],
    system: true,
    systemEveryMs: 30_000,
    artifacts: [],
    keepLast: 0,
    keepBest: 0,
    hook: true,
    envAllow: ["DATA_VERSION"],
  });
  expect(sweepOf(SOUND).shapes[0]?.template).not.toHaveProperty("capture");
});

test.each([
  ["patterns = ['(a']", '4:13+4 spec.value: the pattern "(a" has a ( without its )'],
  ["patterns = ['loss']", '4:13+6 spec.value: the pattern "loss" has no group with a name'],
  ['csv = ["../a.csv"]', '4:8+10 spec.value: capture.csv looks below run.cwd only: "../a.csv"'],
  ['stdout = ["xml"]', "4:11+5 spec."],
  ['system_every = "10ms"', "4:16+6 spec.value: capture.system_every must be at least 1s"],
  [`csv = [${'"a",'.repeat(21)}]`, "4:7+"],
  ['env_allow = ["A", "1B"]', '4:19+4 spec.value: "1B" is no name of a variable'],
  ['env_allow = ["HF_TOKEN"]', '4:14+10 spec.value: capture.env_allow does not record "HF_TOKEN"'],
  [`env_allow = [${'"A",'.repeat(51)}]`, "4:13+"],
  ["csvs = []", "4:1+4 spec.unknown-key"],
])("%s is refused at its place", (line, problem) => {
  const lines = problemLinesOf(`${SOUND}[capture]\n${line}\n`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(problem);
});
