/** What capture needs to know of an attempt, from its assignment and what its directory shows. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Fence } from "../shared/kernel/ids.ts";
import type { Assignment } from "../shared/run/session.ts";
import type { ArtifactSubject } from "./artifacts/plane.ts";
import { assignedTemplate } from "./assigned-template.ts";
import { renderAssignment } from "./attempt-command.ts";
import type { AttemptsOptions } from "./attempts.ts";
import type { CaptureSubject } from "./capture/capture.ts";
import { isHolding } from "./core/state.ts";
import { attemptPaths } from "./process/attempt-dir.ts";

type Parts = Pick<AttemptsOptions, "state" | "nodeName" | "labels" | "hostEnv" | "clock">;

/** Undefined for an attempt whose final sizes are told: nothing may be added to its streams. */
export function captureSubject(parts: Parts, fence: Fence, dir: string): CaptureSubject | undefined {
  const attempt = parts.state.attempts.get(fence);
  if (!attempt || !isHolding(attempt.phase)) return undefined;
  const { assignment } = attempt;
  const rendered = renderAssignment(assignment, dir, undefined, parts);
  return {
    capture: assignedTemplate(assignment.templateJson).capture,
    cwd: "problem" in rendered ? undefined : placeOf(rendered.cwd, assignment, dir),
    // The shim makes it right before the command begins.
    startedMs: statSync(attemptPaths(dir).claim, { throwIfNoEntry: false })?.mtimeMs ?? parts.clock.wallMs(),
    isAdopted: attempt.process !== undefined,
    devices: assignment.devices,
  };
}

/** What of an attempt's files is kept: of a run on several nodes, those of rank 0 only. Undefined as above. */
export function artifactSubject(parts: Parts, fence: Fence, dir: string): ArtifactSubject | "nothing" | undefined {
  const subject = captureSubject(parts, fence, dir);
  const attempt = parts.state.attempts.get(fence);
  if (!subject || !attempt) return undefined;
  if (attempt.assignment.gang && attempt.assignment.gang.rank > 0) return "nothing";
  const { artifacts: globs, keepLast, keepBest } = subject.capture;
  const { runId, attempt: number } = attempt.assignment;
  const { cwd, startedMs } = subject;
  return { runId, attempt: number, keepLast: keepBest > 0 ? 0 : keepLast, dir, cwd, globs, startedMs };
}

/** With a copy of the code, the command runs at the same place in the copy. */
function placeOf(cwd: string, { code }: Assignment, dir: string): string {
  if (!code) return cwd;
  const copy = attemptPaths(dir).code;
  if (cwd === code.root) return copy;
  return cwd.startsWith(`${code.root}/`) ? join(copy, cwd.slice(code.root.length)) : cwd;
}
