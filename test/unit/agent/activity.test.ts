/** What is read of an attempt's own files: how much it says, and why it failed. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { activityOf, causesOf } from "../../../agent/activity.ts";
import { attemptDir, attemptPaths } from "../../../agent/process/attempt-dir.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { CAUSE_TAIL_BYTES } from "../../../shared/run/causes.ts";
import type { Outcome } from "../../../shared/run/states.ts";
import { AgentRig, makeAssignment } from "../../helpers/agent-rig.ts";

const ONE = fence(1);
let workdir = "";
let dir = "";

beforeEach(() => {
  workdir = mkdtempSync(join(tmpdir(), "exp-activity-"));
  dir = attemptDir(workdir, ONE);
  mkdirSync(dir, { recursive: true });
});

afterEach(() => rmSync(workdir, { recursive: true }));

const nothing = () => 0;

test("only running attempts with an idle limit are looked at: output and metrics together", () => {
  const limited = new AgentRig().with("running", { idleLimitMs: 1_000 }).state;
  expect(activityOf(limited, workdir, nothing)).toEqual([{ kind: "activity", fence: ONE, bytes: 0 }]);
  writeFileSync(attemptPaths(dir).output, "loss 1\n");
  appendFileSync(attemptPaths(dir).client, "{}\n");
  expect(activityOf(limited, workdir, nothing)).toEqual([{ kind: "activity", fence: ONE, bytes: 10 }]);
  expect(activityOf(limited, workdir, () => 3)).toEqual([{ kind: "activity", fence: ONE, bytes: 7 }]);
  expect(activityOf(new AgentRig().with("running").state, workdir, nothing)).toEqual([]);
  expect(activityOf(new AgentRig().with("ended", { idleLimitMs: 1_000 }).state, workdir, nothing)).toEqual([]);
});

function causes(outcome: Outcome, logPatterns: readonly string[] = []): string[] {
  const rig = new AgentRig().with("ended");
  const attempt = rig.attempt();
  const finish = { fence: ONE, outcome, startedAt: 1, finishedAt: 2, finalSizes: {}, unclean: [], causes: [] };
  return causesOf(dir, { ...attempt, assignment: makeAssignment(1, { logPatterns }), finish });
}

test("why it failed is in the last part of its output", () => {
  const failed: Outcome = { kind: "failed", exitCode: 1 };
  expect(causes(failed)).toEqual([]);
  writeFileSync(attemptPaths(dir).output, `CUDA out of memory\n${"x".repeat(CAUSE_TAIL_BYTES)}`);
  expect(causes(failed)).toEqual([]);
  appendFileSync(attemptPaths(dir).output, "\nRuntimeError: CUDA out of memory.\nNCCL: a timeout\n");
  expect(causes(failed, ["NCCL*timeout", "quota"])).toEqual(["cuda-oom", "log:NCCL*timeout"]);
  expect(causes({ kind: "signalled", signal: 6 })).toEqual(["cuda-oom"]);
});

test("an end that is not the program's own fault is not looked into", () => {
  writeFileSync(attemptPaths(dir).output, "CUDA out of memory\n");
  for (const outcome of [{ kind: "succeeded" }, { kind: "cancelled" }, { kind: "timeout" }] as const) {
    expect(causes(outcome)).toEqual([]);
  }
});
