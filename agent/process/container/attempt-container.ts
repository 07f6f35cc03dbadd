/**
 * The container of an attempt: what is put into it, what its engine is asked, and how it ends.
 *
 * Docker and Podman keep containers by themselves: neither the cgroup of the attempt nor the end of their client says anything
 * about them. So such an attempt has a script that ends its container by name, in its directory, where a restarted agent and
 * the warden find it. `container.claim` settles what no engine can: a container that was asked for and has not started yet
 * either finds the claim taken and runs nothing, or has taken it and is there to be ended.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { AppError, systemCode } from "../../../shared/kernel/errors.ts";
import type { Fence } from "../../../shared/kernel/ids.ts";
import { canBeMounted, type Mount, type RenderedContainer } from "../../../shared/spec/image.ts";
import { attemptMarker, attemptPaths } from "../attempt-dir.ts";
import { readShimLog } from "../shim.ts";
import { type Engine, type EngineCommand, endScript, endsByName, engineCommand } from "./command.ts";
import { userName } from "./user-name.ts";

const ENTER = fileURLToPath(new URL("../enter.sh", import.meta.url));
/** For one call of the engine; it is made again. */
const ENGINE_MS = 20_000;
const AGAIN_MS = 500;
/** An image that takes longer to come is not asked for its digest. */
const PULL_MS_MAX = 60 * 60_000;

export interface ContainerRequest {
  readonly dir: string;
  readonly fence: Fence;
  /** Handle such as "digits.1.4". */
  readonly runRef: string;
  readonly container: RenderedContainer;
  /** The command, with what comes before it. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Variables of the command, but for its PYTHONPATH. */
  readonly env: { readonly [name: string]: string };
  /** Folders of the Python client, before and behind the PYTHONPATH of the image. */
  readonly python: { readonly first: readonly string[]; readonly last: readonly string[] };
  /** Folder that has them; undefined without a client. */
  readonly pythonPath: string | undefined;
  /** UUIDs. */
  readonly gpus: readonly string[];
}

/**
 * The command that runs another one in a container; makes what that needs in the attempt's directory, which exists. Throws
 * `invalid`, with one clear line, for an image or mount that this host does not have, `unavailable` without an engine.
 */
export function enterContainer(
  engine: Engine | undefined,
  request: ContainerRequest,
  hostEnv: { readonly [name: string]: string | undefined },
): EngineCommand {
  if (!engine) {
    throw new AppError("unavailable", "cannot start the command: this host has no container engine", {
      hint: "see exp-agent doctor, and --container-engine of exp-agent start",
    });
  }
  const { dir, container, cwd, fence, python } = request;
  const { image } = container;
  checkImage(image);
  const mounts = mountsOf(engine, request);
  const paths = attemptPaths(dir);
  for (const folder of [paths.home, paths.scratch]) mkdirSync(folder, { mode: 0o700 });
  writeFileSync(paths.stage, "image\n", { mode: 0o600 });
  const marker = attemptMarker(dir);
  const name = `exp-${request.runRef}-${fence}-${createHash("sha256").update(marker).digest("hex").slice(0, 8)}`;
  if (endsByName(engine)) {
    writeFileSync(paths.endContainer, endScript(engine, name, paths.containerEnded, hostEnv), { mode: 0o700 });
  }
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const user = { uid, gid, groups: (process.getgroups?.() ?? []).filter((group) => group !== gid) };
  const plan = {
    image,
    name,
    script: [ENTER, dir, python.first.join(":"), python.last.join(":"), ...request.argv],
    cwd,
    // Programs ask for the user's name, and an image knows nobody of this number.
    env: { USER: userName(), LOGNAME: userName(), HOME: paths.home, ...request.env, EXP_ATTEMPT_DIR: marker },
    mounts,
    gpus: request.gpus,
    user,
    scratch: paths.scratch,
    hasEnvironment: !isDirectory(image) || existsSync(`${image}/ch/environment`),
  };
  return engineCommand(engine, plan, hostEnv);
}

/**
 * Sees to it that no container of the attempt runs or will run. False where its engine does not say so: ask again. Only when the
 * processes that started it are gone.
 */
export async function endContainer(dir: string): Promise<boolean> {
  const { endContainer: script, containerEnded } = attemptPaths(dir);
  if (!existsSync(script)) return true;
  const neverStarts = claimContainer(dir);
  if (existsSync(containerEnded)) return true;
  const { failed } = await execa("/bin/sh", [script], { extendEnv: false, reject: false, timeout: ENGINE_MS });
  // Without the claim nothing of the run's was ever in it: what an engine that is away may still have is an empty shell.
  return neverStarts || !failed;
}

/**
 * What the registry calls the image that a started attempt runs in, such as "python@sha256:…"; undefined where the engine does
 * not tell. An image that is fetched first is asked about when it is there.
 */
export async function imageDigest(
  engine: Engine,
  image: string,
  dir: string,
  hostEnv: { readonly [name: string]: string | undefined },
): Promise<string | undefined> {
  if (!endsByName(engine)) return undefined;
  const { containerClaim } = attemptPaths(dir);
  const end = performance.now() + PULL_MS_MAX;
  while (!existsSync(containerClaim)) {
    if (readShimLog(dir).exit || !existsSync(dir) || performance.now() > end) return undefined;
    await sleep(AGAIN_MS);
  }
  const asked = ["image", "inspect", "--format", "{{range .RepoDigests}}{{.}} {{end}}", image];
  const { stdout, failed } = await execa(engine.program, asked, {
    env: hostEnv,
    extendEnv: false,
    reject: false,
    timeout: ENGINE_MS,
  });
  return failed ? undefined : stdout.split(" ")[0] || undefined;
}

/** True where the claim is ours: now, or since before. */
function claimContainer(dir: string): boolean {
  const { containerClaim } = attemptPaths(dir);
  try {
    writeFileSync(containerClaim, "agent\n", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    // One that is still empty is being written by the container.
    return ["agent\n", "warden\n"].includes(readFileSync(containerClaim, "utf8"));
  }
}

function checkImage(image: string): void {
  if (!image.startsWith("/") || existsSync(image)) return;
  throw new AppError("invalid", `cannot start the command: its image ${image} does not exist on this host`, {
    hint: "[run] image must be on every host that takes the run, or have a name that the container engine knows",
  });
}

/** Parents first. */
function mountsOf(engine: Engine, { dir, cwd, container, pythonPath }: ContainerRequest): Mount[] {
  const same = (path: string, readOnly: boolean): Mount => ({ host: path, path, readOnly });
  const own = [
    same(dir, false),
    same(dirname(ENTER), true),
    ...(pythonPath === undefined ? [] : [same(pythonPath, true)]),
  ];
  const asked = container.mounts;
  const all = [...asked, ...own.filter((mount) => isMissing(mount, asked))];
  // What is mounted where the command starts stands in for the directory of the host.
  if (!all.some(({ path }) => path === cwd) && isMissing(same(cwd, false), all)) all.push(same(cwd, false));
  for (const { host, path, readOnly } of all) {
    const bad = [host, path].find((part) => !canBeMounted(part));
    if (bad !== undefined) throw cannotMount(`no engine takes ${JSON.stringify(bad)} as it is`);
    if (path === "/") throw cannotMount("/ would replace all of the image", "set [run] cwd to a directory of its own");
    if (!existsSync(host)) throw cannotMount(`${host} does not exist on this host`);
    if (readOnly && engine.name === "charliecloud" && asked.some((mount) => mount.path === path)) {
      throw cannotMount(`charliecloud mounts nothing read-only: ${path}`, 'leave ":ro" out');
    }
  }
  return all.toSorted((a, b) => a.path.length - b.path.length);
}

/** Not to be seen at its place by one of the others: a mount within a mount of the same folder would show nothing more. */
function isMissing(mount: Mount, others: readonly Mount[]): boolean {
  const around = others
    .filter(({ path }) => isBelow(mount.path, path))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (!around || (around.readOnly && !mount.readOnly)) return true;
  return around.host + mount.path.slice(around.path.length) !== mount.host;
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function isDirectory(path: string): boolean {
  return path.startsWith("/") && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function cannotMount(why: string, hint = "[run] mounts must be on every host that takes the run"): AppError {
  return new AppError("invalid", `cannot start the command: cannot mount into its container: ${why}`, { hint });
}
