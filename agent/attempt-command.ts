/** The command of an attempt, filled in with what only its host knows. */
import { isCpuSlot } from "../shared/run/devices.ts";
import type { Assignment, GangPlace } from "../shared/run/session.ts";
import type { RenderedGang } from "../shared/spec/computed-text.ts";
import { paramsFromJson } from "../shared/spec/params-json.ts";
import { type RenderedCommand, renderCommand } from "../shared/spec/template.ts";
import { assignedTemplate } from "./assigned-template.ts";
import type { AttemptsOptions } from "./attempts.ts";

type Rendered = RenderedCommand | { readonly problem: string };

/** Several parts of the agent ask for the command of an attempt. */
const rendered = new WeakMap<Assignment, Rendered>();

/** The command of an assignment on this host, or why there is none. `resume`: the checkpoint that it goes on from. */
export function renderAssignment(
  assignment: Assignment,
  dir: string,
  resume: string | undefined,
  parts: Pick<AttemptsOptions, "nodeName" | "labels" | "hostEnv">,
): Rendered {
  if (resume !== undefined) return render(assignment, dir, resume, parts);
  const command = rendered.get(assignment) ?? render(assignment, dir, resume, parts);
  rendered.set(assignment, command);
  return command;
}

function render(
  assignment: Assignment,
  dir: string,
  resume: string | undefined,
  { nodeName: node, labels, hostEnv }: Pick<AttemptsOptions, "nodeName" | "labels" | "hostEnv">,
): Rendered {
  return renderCommand(assignedTemplate(assignment.templateJson).template, paramsFromJson(assignment.paramsJson), {
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
    ...(assignment.gang && { gang: renderedGang(assignment.gang) }),
  });
}

function renderedGang({ nodes, rank, port }: GangPlace): RenderedGang {
  return { nodes: nodes.length, rank, masterAddr: nodes[0]?.address ?? "", masterPort: port };
}
