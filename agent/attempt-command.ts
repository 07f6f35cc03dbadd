/** The command of an attempt, filled in with what only its host knows, and what is started for it. */
import { isCpuSlot } from "../shared/run/devices.ts";
import type { Assignment, GangPlace } from "../shared/run/session.ts";
import type { RenderedGang } from "../shared/spec/computed-text.ts";
import { paramsFromJson } from "../shared/spec/params-json.ts";
import { type RenderedCommand, renderCommand } from "../shared/spec/template.ts";
import { assignedTemplate } from "./assigned-template.ts";
import { attemptEnvironment } from "./attempt-environment.ts";
import type { AttemptsOptions } from "./attempts.ts";
import type { StartedAttempt } from "./code/environment-notes.ts";
import { isFakeGpu } from "./device/fake.ts";
import { enterContainer } from "./process/container/attempt-container.ts";
import { clientFolders } from "./process/environment.ts";
import { pythonAsked } from "./process/interpreter.ts";
import type { Prelude } from "./process/prelude.ts";

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

export interface StartParts {
  readonly dir: string;
  /** Where it starts; its code is there. */
  readonly command: RenderedCommand;
  readonly prelude: Prelude;
  /** The checkpoint to go on from. */
  readonly resumeFrom: string | undefined;
}

export interface Start {
  readonly argv: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** What the command itself is given, whatever is started for it. */
  readonly noted: Omit<StartedAttempt, "fence">;
}

/** What the shim starts: the command with what comes before it, or the container engine that runs both. Throws AppError. */
export function startOf(options: AttemptsOptions, assignment: Assignment, parts: StartParts): Start {
  const { dir, command, prelude, resumeFrom } = parts;
  const { container, cwd } = command;
  const { fence, runRef, paramsJson, templateJson } = assignment;
  const env = attemptEnvironment(options, assignment, {
    params: paramsFromJson(paramsJson),
    template: command.env,
    interpreter: prelude.interpreter,
    resumeFrom,
    contained: container !== undefined,
  });
  const noted = { argv: command.argv, env, python: pythonAsked(prelude.interpreter) };
  if (!container) return { argv: prelude.argv, env, noted };
  const { pythonPath, hostEnv, containers } = options;
  const python = clientFolders(pythonPath, assignedTemplate(templateJson).capture.hook);
  const gpus = assignment.devices.filter((uuid) => !isCpuSlot(uuid) && !isFakeGpu(uuid));
  const request = { dir, fence, runRef, container, argv: prelude.argv, cwd, env, python, pythonPath, gpus };
  return {
    ...enterContainer(containers, request, hostEnv),
    noted: { ...noted, container: { dir, image: container.image } },
  };
}
