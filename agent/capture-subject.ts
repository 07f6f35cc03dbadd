/** What capture needs to know of an attempt, from its assignment and what its directory shows. */
import { statSync } from "node:fs";
import { captureOptions } from "../shared/capture/options.ts";
import type { Fence } from "../shared/kernel/ids.ts";
import { paramsFromJson } from "../shared/spec/params-json.ts";
import { templateFromJson } from "../shared/spec/template-json.ts";
import { type AttemptsOptions, renderAssignment } from "./attempts.ts";
import type { CaptureSubject } from "./capture/capture.ts";
import { isHolding } from "./core/state.ts";
import { attemptPaths } from "./process/attempt-dir.ts";

type Parts = Pick<AttemptsOptions, "state" | "nodeName" | "labels" | "hostEnv" | "clock">;

/** Undefined for an attempt whose final sizes are told: nothing may be added to its streams. */
export function captureSubject(parts: Parts, fence: Fence, dir: string): CaptureSubject | undefined {
  const attempt = parts.state.attempts.get(fence);
  if (!attempt || !isHolding(attempt.phase)) return undefined;
  const { assignment } = attempt;
  const rendered = renderAssignment(assignment, paramsFromJson(assignment.paramsJson), dir, parts);
  return {
    capture: captureOptions(templateFromJson(assignment.templateJson).capture),
    cwd: "problem" in rendered ? undefined : rendered.cwd,
    // The shim makes it right before the command begins.
    startedMs: statSync(attemptPaths(dir).claim, { throwIfNoEntry: false })?.mtimeMs ?? parts.clock.wallMs(),
    isAdopted: attempt.process !== undefined,
    devices: assignment.devices,
  };
}
