/**
 * [P] How each container engine is asked to run one command. The same is wanted of all: the paths of the host where they are
 * mounted, its network, exactly these GPUs, files that belong to the agent's user, the run's variables on top of those of the
 * image, and a TERM that reaches the program.
 *
 * No value of a variable stands in an argument list, which everybody on the host can read: the engines take them from their
 * own environment by name. Only what the engine itself is steered by (`isEngineOwn`) cannot come that way.
 */
import { unreachable } from "../../../shared/kernel/assert.ts";
import { looksSecret } from "../../../shared/run/host-variables.ts";
import type { Mount } from "../../../shared/spec/image.ts";
import { quoted } from "../launch-text.ts";

/** In the order in which they are looked for. */
export const ENGINE_NAMES = ["docker", "podman", "apptainer", "charliecloud"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface Engine {
  readonly name: EngineName;
  /** Absolute path. */
  readonly program: string;
  readonly version: string;
  /** It works without root, so that the root of its containers is the user that it runs as. */
  readonly rootless: boolean;
  /** What a program writes into the image can go when the container does. Charliecloud alone may not know how. */
  readonly overlay: boolean;
}

export interface ContainerPlan {
  readonly image: string;
  /** Of the container, where the engine has names; unique on the host. */
  readonly name: string;
  /** What `/bin/sh` of the image runs: a file and its arguments. */
  readonly script: readonly string[];
  readonly cwd: string;
  /** All of the program's variables that the image does not set, HOME among them. */
  readonly env: { readonly [name: string]: string };
  /** Parents before what is mounted below them. */
  readonly mounts: readonly Mount[];
  /** UUIDs. */
  readonly gpus: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  /** Folder for temporary files, where the engine does not give the container its own. */
  readonly scratch: string;
  /** The image has a file of variables (`/ch/environment`) for an engine that must be told to read it. */
  readonly hasEnvironment: boolean;
}

export interface EngineCommand {
  readonly argv: readonly string[];
  /** Of the engine's own process. */
  readonly env: { readonly [name: string]: string };
}

/** `hostEnv`: the agent's own environment, of which the engine gets what steers it. */
export function engineCommand(
  engine: Engine,
  plan: ContainerPlan,
  hostEnv: { readonly [name: string]: string | undefined },
): EngineCommand {
  switch (engine.name) {
    case "docker":
    case "podman":
      return ociCommand(engine, plan, hostEnv);
    case "apptainer":
      return apptainerCommand(engine, plan, hostEnv);
    case "charliecloud":
      return charliecloudCommand(engine, plan, hostEnv);
    default:
      return unreachable(engine.name);
  }
}

/** True where containers are not processes of whoever starts them, and have to be ended by their name. */
export function endsByName({ name }: Engine): boolean {
  return name === "docker" || name === "podman";
}

/**
 * Text for sh that ends the container of this name and writes `ended` when the engine says that there is none; `ended` is an
 * absolute path. Only for an engine that `endsByName`.
 */
export function endScript(
  engine: Engine,
  name: string,
  ended: string,
  hostEnv: { readonly [name: string]: string | undefined },
): string {
  const program = quoted(engine.program);
  // Podman would ask the program first, and wait for ten seconds.
  const now = engine.name === "podman" ? " --time 0" : "";
  const pattern = quoted(`name=^${name.replaceAll(".", "[.]")}$`);
  return [
    ...openVariables(hostEnv).map(([key, value]) => `export ${key}=${quoted(value)}`),
    `${program} rm --force${now} ${quoted(name)} >/dev/null 2>&1`,
    `left=$(${program} ps --all --quiet --filter ${pattern} 2>/dev/null) || exit 1`,
    `[ -z "$left" ] && echo ended >${quoted(ended)}`,
    "",
  ].join("\n");
}

/** Where an image has no PATH of its own. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Variables that steer an engine or the program that it is: a run has its own of them inside only. */
function isEngineOwn(name: string): boolean {
  return /^(?:PATH|HOME|TMPDIR|REGISTRY_AUTH_FILE|DBUS_SESSION_BUS_ADDRESS)$|^(?:LD_|XDG_|DOCKER_|CONTAINER|PODMAN_|APPTAINER|SINGULARITY|CH_)/.test(
    name,
  );
}

function engineVariables(hostEnv: { readonly [name: string]: string | undefined }): Record<string, string> {
  const named = Object.entries(hostEnv).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(named.filter(([name]) => isEngineOwn(name) && /^\w+$/.test(name)));
}

/** Those of them that a run may see. */
function openVariables(hostEnv: { readonly [name: string]: string | undefined }): [string, string][] {
  return Object.entries(engineVariables(hostEnv)).filter(([name]) => !looksSecret(name));
}

function ociCommand(
  engine: Engine,
  plan: ContainerPlan,
  hostEnv: { readonly [name: string]: string | undefined },
): EngineCommand {
  const entries = Object.entries(plan.env);
  const argv = [
    ...[engine.program, "run", "--rm", "--init", "--name", plan.name],
    // The host's own: a run listens, and talks to its peers and data loaders, as it would without a container.
    ...["--network", "host", "--ipc", "host"],
    // Its output is in a file of the attempt already.
    ...["--log-driver", "none"],
    // With SELinux no container could read what is mounted; elsewhere this says nothing.
    ...["--security-opt", "label=disable"],
    ...ociUser(engine, plan),
    ...ociGpus(engine, plan),
    ...["--workdir", plan.cwd],
    ...plan.mounts.flatMap(({ host, path, readOnly }) => [
      "--mount",
      `type=bind,source=${host},target=${path}${readOnly ? ",readonly" : ""}`,
    ]),
    ...entries.flatMap(([name, value]) => ["--env", isEngineOwn(name) ? `${name}=${value}` : name]),
    // Without a GPU of its own a run sees none, even where the engine gives all to whoever does not say.
    ...(plan.gpus.length === 0 ? ["--env", "NVIDIA_VISIBLE_DEVICES=void"] : []),
    ...["--entrypoint", "/bin/sh", plan.image, ...plan.script],
  ];
  const own = Object.fromEntries(entries.filter(([name]) => !isEngineOwn(name)));
  return { argv, env: { ...own, ...engineVariables(hostEnv) } };
}

function ociUser({ name, rootless }: Engine, { user }: ContainerPlan): string[] {
  if (rootless && name === "docker") return ["--user", "0:0"];
  const own = ["--user", `${user.uid}:${user.gid}`];
  if (name === "podman") return rootless ? ["--userns", "keep-id", ...own] : own;
  return [...own, ...user.groups.flatMap((group) => ["--group-add", String(group)])];
}

function ociGpus({ name }: Engine, { gpus }: ContainerPlan): string[] {
  if (gpus.length === 0) return [];
  // Docker reads the value as a row of CSV, in which the whole is one field.
  if (name === "docker") return ["--gpus", `"device=${gpus.join(",")}"`];
  return gpus.flatMap((uuid) => ["--device", `nvidia.com/gpu=${uuid}`]);
}

function apptainerCommand(
  engine: Engine,
  plan: ContainerPlan,
  hostEnv: { readonly [name: string]: string | undefined },
): EngineCommand {
  const { image, env, gpus, mounts } = plan;
  const { HOME: home = "/", ...others } = env;
  const family = engine.program.endsWith("/singularity") ? "SINGULARITY" : "APPTAINER";
  const argv = [
    ...[engine.program, "exec", "--cleanenv", "--contain", "--workdir", plan.scratch, "--home", home],
    // All devices are there then; CUDA_VISIBLE_DEVICES says which are the run's.
    ...(gpus.length > 0 ? ["--nv"] : []),
    ...["--pwd", plan.cwd],
    ...mounts.flatMap(({ host, path, readOnly }) => ["--bind", `${host}:${path}${readOnly ? ":ro" : ""}`]),
    ...[image.startsWith("/") || image.includes("://") ? image : `docker://${image}`, "/bin/sh", ...plan.script],
  ];
  const inside = Object.entries(others).map(([name, value]) => [`${family}ENV_${name}`, value]);
  // Values would be taken for shell text otherwise.
  return { argv, env: { ...engineVariables(hostEnv), ...Object.fromEntries(inside), [`${family}_NO_EVAL`]: "1" } };
}

function charliecloudCommand(
  engine: Engine,
  plan: ContainerPlan,
  hostEnv: { readonly [name: string]: string | undefined },
): EngineCommand {
  const argv = [
    ...[engine.program, "--private-tmp", engine.overlay ? "--write-fake" : "--write", "--cd", plan.cwd],
    ...plan.mounts.map(({ host, path }) => `--bind=${host}:${path}`),
    ...(plan.hasEnvironment ? ["--set-env"] : []),
    ...[plan.image, "--", "/bin/sh", ...plan.script],
  ];
  const steering = openVariables(hostEnv).filter(([name]) => name.startsWith("CH_"));
  return { argv, env: { PATH: DEFAULT_PATH, ...Object.fromEntries(steering), ...plan.env } };
}
