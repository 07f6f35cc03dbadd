/** The environment of an attempt's command: what the host has, what its sweep sets, its devices, and what the run is. */
import { isCpuSlot } from "../shared/run/devices.ts";
import type { Assignment } from "../shared/run/session.ts";
import type { Params } from "../shared/spec/types.ts";
import { assignedTemplate } from "./assigned-template.ts";
import type { Devices } from "./device/devices.ts";
import { attemptDir, attemptPaths } from "./process/attempt-dir.ts";
import { buildEnvironment } from "./process/environment.ts";
import type { FoundInterpreter } from "./process/interpreter.ts";

export interface EnvironmentPlace {
  readonly workdir: string;
  readonly devices: Devices;
  readonly hostEnv: { readonly [name: string]: string | undefined };
  readonly pythonPath: string | undefined;
  /** Where people see the coordinator; undefined while nobody has said. */
  readonly pageUrl: () => string | undefined;
}

export interface EnvironmentGiven {
  readonly params: Params;
  /** Variables that the sweep sets. */
  readonly template: { readonly [name: string]: string };
  readonly interpreter: FoundInterpreter | undefined;
  /** The checkpoint to go on from. */
  readonly resumeFrom: string | undefined;
  /** The command runs in a container. */
  readonly contained: boolean;
}

export function attemptEnvironment(place: EnvironmentPlace, assignment: Assignment, given: EnvironmentGiven) {
  const { params, template, interpreter, resumeFrom, contained } = given;
  const dir = attemptDir(place.workdir, assignment.fence);
  const paths = attemptPaths(dir);
  const page = place.pageUrl();
  const seed = params.get("seed");
  return buildEnvironment({
    base: place.hostEnv,
    template,
    device: place.devices.environment(assignment.devices),
    pythonPath: place.pythonPath,
    hook: assignedTemplate(assignment.templateJson).capture.hook,
    interpreter,
    contained,
    run: {
      runId: assignment.runId,
      runRef: assignment.runRef,
      sweepRef: assignment.sweepRef,
      attempt: assignment.attempt,
      fence: assignment.fence,
      runDir: dir,
      artifactDir: paths.artifacts,
      checkpointDir: paths.checkpoints,
      resumeFrom,
      configPath: paths.config,
      eventsPath: paths.client,
      codeDir: assignment.code && paths.code,
      gpuMilli: assignment.gpuMilli,
      gang: assignment.gang,
      gpus: assignment.devices.filter((uuid) => !isCpuSlot(uuid)).length,
      seed: typeof seed === "number" ? seed : undefined,
      url: page && `${page}/runs/${encodeURIComponent(assignment.runRef)}`,
    },
  });
}
