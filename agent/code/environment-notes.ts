/**
 * Finds out what attempts run on, after they have started, and tells the coordinator: many at once, each environment whole
 * only once. Nothing waits for it; what cannot be told now is told later.
 */
import { hash as hashOf } from "node:crypto";
import type { NotedEnvironment } from "../../proto/gen/runner/v1/store.ts";
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import type { RunEnvironment } from "../../shared/run/provenance.ts";
import type { HostFacts } from "../../shared/run/session.ts";
import { type AskPython, pythonOf } from "./python-facts.ts";

export interface EnvironmentNotesOptions {
  readonly host: HostFacts;
  /** Models of the GPUs of this host. */
  readonly gpus: () => readonly string[];
  readonly askPython: AskPython;
  /** Rejects with "not_found" where the coordinator does not know an environment yet. */
  readonly send: (environments: readonly NotedEnvironment[]) => Promise<void>;
  readonly logger: { debug(fields: object, message: string): void };
}

export interface StartedAttempt {
  readonly fence: Fence;
  readonly argv: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** The Python that was asked for; undefined: the one that the command finds. */
  readonly python: string | undefined;
}

export interface EnvironmentNotes {
  /** Returns at once. */
  add(attempt: StartedAttempt): void;
  close(): void;
}

const GATHERING_MS = 300;
const AGAIN_MS = 5_000;
/** Untold ones that are kept; of more, the oldest are left out. */
const WAITING_MAX = 10_000;
/** Variables that can change results. */
const TELLING =
  /^(?:CUBLAS_|CUDA_LAUNCH_BLOCKING$|NCCL_|TORCH_|PYTORCH_|TF_|XLA_|JAX_|OMP_|MKL_|OPENBLAS_|NVIDIA_TF32|PYTHONHASHSEED$|LD_LIBRARY_PATH$|VIRTUAL_ENV$|CONDA_DEFAULT_ENV$|LANG$|LC_ALL$|TZ$)/;
const SECRET = /TOKEN|SECRET|KEY|PASS|AUTH|CREDENTIAL/i;

export function createEnvironmentNotes(options: EnvironmentNotesOptions): EnvironmentNotes {
  const { host, gpus, askPython, send, logger } = options;
  const waiting = new Map<Fence, string>();
  /** Environments by hash, as text, and those that the coordinator has. */
  const texts = new Map<string, string>();
  const told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function later(ms: number): void {
    if (closed || waiting.size === 0) return;
    timer ??= setTimeout(() => void flush(), ms);
    timer.unref();
  }

  async function flush(): Promise<void> {
    const batch = [...waiting].slice(0, 1_000);
    let pause = GATHERING_MS;
    try {
      const whole = new Set<string>();
      await send(
        batch.map(([fence, hash]) => {
          const isNew = !told.has(hash) && !whole.has(hash);
          whole.add(hash);
          return { fence, hash, environmentJson: isNew ? (texts.get(hash) ?? "") : "" };
        }),
      );
      for (const hash of whole) told.add(hash);
      for (const [fence] of batch) waiting.delete(fence);
    } catch (error) {
      // Another store, say: everything is told whole again.
      if (error instanceof AppError && error.code === "not_found") told.clear();
      else pause = AGAIN_MS;
      logger.debug({ error: errorMessage(error) }, "environments not told yet");
    }
    timer = undefined;
    later(pause);
  }

  async function look({ fence, argv, env, python }: StartedAttempt): Promise<void> {
    const text = JSON.stringify(await environmentOf(python ?? pythonOf(argv, env), env));
    const hash = hashOf("sha256", text, "hex");
    texts.set(hash, text);
    const [oldest] = waiting.keys();
    if (waiting.size >= WAITING_MAX && oldest !== undefined) waiting.delete(oldest);
    waiting.set(fence, hash);
    later(GATHERING_MS);
  }

  async function environmentOf(program: string | undefined, env: StartedAttempt["env"]): Promise<RunEnvironment> {
    const base = { host: hostOf(host, gpus()), variables: variablesOf(env) };
    if (program === undefined) return { python: null, packages: [], ...base, problem: null };
    try {
      const { packages, ...found } = await askPython(program, env);
      return { python: found, packages, ...base, problem: null };
    } catch (error) {
      return { python: null, packages: [], ...base, problem: errorMessage(error) };
    }
  }

  return {
    add: (attempt) => {
      setImmediate(() => {
        look(attempt).catch((error: unknown) =>
          logger.debug({ error: errorMessage(error) }, "environment not found out"),
        );
      });
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function hostOf(host: HostFacts, gpus: readonly string[]): RunEnvironment["host"] {
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
    ...(devices === "" ? {} : { gpus: devices }),
  };
}

function variablesOf(env: StartedAttempt["env"]): { readonly [name: string]: string } {
  const names = Object.keys(env).filter((name) => TELLING.test(name) && !SECRET.test(name));
  return Object.fromEntries(names.sort().map((name) => [name, env[name] ?? ""]));
}
