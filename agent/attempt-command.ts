/** The command of an attempt, filled in with what only its host knows. */
import { isCpuSlot } from "../shared/run/devices.ts";
import type { Assignment } from "../shared/run/session.ts";
import { type RenderedCommand, renderCommand } from "../shared/spec/template.ts";
import { templateFromJson } from "../shared/spec/template-json.ts";
import type { Params } from "../shared/spec/types.ts";
import type { AttemptsOptions } from "./attempts.ts";

/** The command of an assignment on this host, or why there is none. `resume`: the checkpoint that it goes on from. */
export function renderAssignment(
  assignment: Assignment,
  params: Params,
  dir: string,
  resume: string | undefined,
  { nodeName: node, labels, hostEnv }: Pick<AttemptsOptions, "nodeName" | "labels" | "hostEnv">,
): RenderedCommand | { readonly problem: string } {
  return renderCommand(templateFromJson(assignment.templateJson), params, {
    run: {
      id: assignment.runId,
      name: assignment.runRef,
      index: assignment.runIndex,
      dir,
      attempt: assignment.attempt,
    },
    sweep: assignment.sweepRef,
    node,
    labels,
    gpus: assignment.devices.filter((uuid) => !isCpuSlot(uuid)).length,
    env: hostEnv,
    ...(resume !== undefined && { resume }),
  });
}
