import { describe, expect, test } from "vitest";
import { causeProblem, causesInOutput, causesOfOutcome, logPatterns } from "../../../shared/run/causes.ts";
import type { Outcome } from "../../../shared/run/states.ts";

describe("what on and never may name", () => {
  test.each(["lost", "oom", "cuda-oom", "exit:137", "signal", "signal:9", "timeout", "idle", "log:NCCL", "log:a*b"])(
    "%s",
    (text) => expect(causeProblem(text)).toBeUndefined(),
  );

  test.each([
    ["exit:0", "is no failure: 0 is success, and 77 says that the run was skipped"],
    ["exit:77", "is no failure: 0 is success, and 77 says that the run was skipped"],
    ["exit:256", "is no exit code from 1 to 255"],
    ["exit:one", "is no exit code from 1 to 255"],
    ["signal:KILL", "is no signal number"],
    ["log:", "has no text to look for"],
    ["log:.*", "has no text to look for"],
    ["log:a\nb", "looks for more than one line"],
    [`log:${"x".repeat(200)}`, "is longer than 200 characters"],
  ])("%j %s", (text, problem) => expect(causeProblem(text)).toBe(problem));

  test("one that is not known names those that are", () => {
    expect(causeProblem("out-of-memory")).toMatch(/^is not known; there are lost, oom, /);
  });
});

describe("the causes that an outcome shows", () => {
  test.each<[Outcome, string[]]>([
    [{ kind: "failed", exitCode: 2 }, ["failed", "exit:2"]],
    [{ kind: "signalled", signal: 11 }, ["signal", "signal:11", "exit:139"]],
    [{ kind: "oom" }, ["oom", "signal", "signal:9", "exit:137"]],
    [{ kind: "timeout" }, ["timeout"]],
    [{ kind: "idle" }, ["idle"]],
    [{ kind: "lost", reason: "reboot" }, ["lost"]],
    [{ kind: "lost", reason: "stopped" }, ["lost", "preempted"]],
    [{ kind: "succeeded" }, []],
    [{ kind: "cancelled" }, []],
  ])("%j", (outcome, causes) => expect(causesOfOutcome(outcome)).toEqual(causes));
});

describe("the causes that output shows", () => {
  test.each([
    ["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", [], ["cuda-oom"]],
    ["jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory", [], ["cuda-oom"]],
    ["ModuleNotFoundError: No module named 'tochvision'", [], ["import-error"]],
    ["loss 0.1\nNCCL watchdog saw a timeout\n", ["NCCL*timeout", "nothing"], ["log:NCCL*timeout"]],
    ["loss 0.1\nNCCL watchdog saw a timeout\n", ["NCCL.*timeout"], ["log:NCCL.*timeout"]],
    ["NCCL error\ntimeout", ["NCCL*timeout"], []],
    ["timeout of NCCL", ["NCCL*timeout"], []],
    ["disk quota exceeded", ["quota"], ["log:quota"]],
    ["", ["quota"], []],
  ])("%j", (tail, patterns, causes) => expect(causesInOutput(tail, patterns)).toEqual(causes));

  test("a hostile pattern takes no time", () => {
    const startedAt = performance.now();
    causesInOutput("a".repeat(64 * 1024), [`${"a*".repeat(90)}b`]);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });

  test("patterns are those after log:, each once", () => {
    expect(logPatterns(["lost", "log:a", "exit:1", "log:a", "log:b:c"])).toEqual(["a", "b:c"]);
  });
});
