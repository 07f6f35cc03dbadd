/**
 * What the runs of a host ran on, as the text that is stored, and its hash. Made once for all runs that share it: the list of
 * packages is long, and a host may start many runs a second.
 */
import { hash as hashOf } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { looksSecret } from "../../shared/run/host-variables.ts";
import type { RunEnvironment } from "../../shared/run/provenance.ts";
import type { HostFacts } from "../../shared/run/session.ts";
import { ASKED_WITH, type AskPython, type PythonFacts } from "./python-facts.ts";

export interface EnvironmentTextsOptions {
  readonly host: HostFacts;
  /** Models of the GPUs of this host. */
  readonly gpus: () => readonly string[];
  /** The newest CUDA that the GPU driver offers, such as "12.4"; empty where there is none. Never rejects. */
  readonly cuda: () => Promise<string>;
  readonly askPython: AskPython;
}

export interface EnvironmentText {
  readonly text: string;
  /** SHA-256 of the text. */
  readonly hash: string;
}

/** `allowed`: further variables to record. Never rejects: a Python that does not answer is said in the text. */
export type EnvironmentTexts = (
  program: string | undefined,
  env: { readonly [name: string]: string },
  allowed: readonly string[],
  container?: RunEnvironment["container"],
) => Promise<EnvironmentText>;

/** Variables that can change results. */
const TELLING =
  /^(?:CUBLAS_|CUDA_LAUNCH_BLOCKING$|NCCL_|TORCH_|PYTORCH_|TF_|XLA_|JAX_|OMP_|MKL_|OPENBLAS_|NVIDIA_TF32|PYTHONHASHSEED$|LD_LIBRARY_PATH$|VIRTUAL_ENV$|CONDA_DEFAULT_ENV$|LANG$|LC_ALL$|TZ$)/;
/** Texts of one Python that are at hand. */
const KNOWN_MAX = 64;
const TOOLKIT_USUAL = "/usr/local/cuda";

type Surroundings = Pick<RunEnvironment, "host" | "variables" | "container">;

export function createEnvironmentTexts(options: EnvironmentTextsOptions): EnvironmentTexts {
  /** By what a Python said of itself, which stays the same object until its packages change. */
  const known = new WeakMap<PythonFacts, Map<string, EnvironmentText>>();
  const toolkitOf = createToolkitFacts();

  return async (program, env, allowed, container) => {
    const [cuda, toolkit, python] = await Promise.all([
      options.cuda(),
      // That of an image is not to be seen from here.
      container ? "" : toolkitOf(env),
      ask(program, env),
    ]);
    const around = {
      host: hostOf(options.host, options.gpus(), cuda, toolkit),
      variables: variablesOf(env, allowed),
      ...(container && { container }),
    };
    if (python === undefined || typeof python === "string") {
      return made({ python: null, packages: [], ...around, problem: python ?? null });
    }
    const key = JSON.stringify(around);
    const texts = known.get(python) ?? new Map<string, EnvironmentText>();
    known.set(python, texts);
    const before = texts.get(key);
    if (before) return before;
    if (texts.size >= KNOWN_MAX) texts.clear();
    const now = textOf(python, around);
    texts.set(key, now);
    return now;
  };

  /** What is wrong, where it does not answer. */
  async function ask(
    program: string | undefined,
    env: { readonly [name: string]: string },
  ): Promise<PythonFacts | string | undefined> {
    if (program === undefined) return undefined;
    try {
      return await options.askPython(program, env);
    } catch (error) {
      return errorMessage(error);
    }
  }
}

function textOf({ packages, ...python }: PythonFacts, around: Surroundings): EnvironmentText {
  return made({ python, packages, ...around, problem: null });
}

function made(environment: RunEnvironment): EnvironmentText {
  const text = JSON.stringify(environment);
  return { text, hash: hashOf("sha256", text, "hex") };
}

function hostOf(host: HostFacts, gpus: readonly string[], cuda: string, toolkit: string): RunEnvironment["host"] {
  const counts = Map.groupBy(gpus, (model) => model);
  const devices = [...counts].map(([model, all]) => `${all.length}x ${model}`).join(", ");
  return {
    hostname: host.hostname,
    os: host.os,
    kernel: host.kernel,
    arch: host.arch,
    cpu: host.cpuModel,
    cpus: host.cpuCount,
    memory_bytes: host.memoryBytes,
    ...(host.driverVersion === "" ? {} : { driver: host.driverVersion }),
    ...(cuda === "" ? {} : { cuda }),
    ...(toolkit === "" ? {} : { cuda_toolkit: toolkit }),
    ...(devices === "" ? {} : { gpus: devices }),
  };
}

function variablesOf(
  env: { readonly [name: string]: string },
  allowed: readonly string[],
): { readonly [name: string]: string } {
  const names = Object.keys(env).filter((name) => (TELLING.test(name) || allowed.includes(name)) && !looksSecret(name));
  return Object.fromEntries(names.sort().map((name) => [name, env[name] ?? ""]));
}

/** All of a run's environment that its text depends on. */
export function surroundingsKey(
  env: { readonly [name: string]: string },
  allowed: readonly string[],
): readonly unknown[] {
  return [variablesOf(env, allowed), ...[...ASKED_WITH, "CUDA_HOME", "CUDA_PATH"].map((name) => env[name])];
}

/** The version of the CUDA toolkit that a run's environment points to; empty where there is none. Never rejects. */
function createToolkitFacts(): (env: { readonly [name: string]: string }) => Promise<string> {
  const known = new Map<string, { readonly changedMs: number; readonly version: string }>();
  return async (env) => {
    const path = `${env.CUDA_HOME || env.CUDA_PATH || TOOLKIT_USUAL}/version.json`;
    try {
      const { mtimeMs } = await stat(path);
      const before = known.get(path);
      if (before?.changedMs === mtimeMs) return before.version;
      const body = JSON.parse(await readFile(path, "utf8")) as {
        readonly cuda?: { readonly version?: unknown };
      } | null;
      const version = String(body?.cuda?.version ?? "").slice(0, 100);
      known.set(path, { changedMs: mtimeMs, version });
      return version;
    } catch {
      // No toolkit there, as on most hosts, or one that does not say what it is: neither is worth a word.
      return "";
    }
  };
}
