/**
 * [P] The environment of a command: a few variables of the host by name, then what the user's file sets, then ours. What
 * is not on the list does not pass, so the agent's own credentials never reach a run.
 */

import { formatGpuShare } from "../../shared/run/devices.ts";
import { passedIntoContainers, passedVariables } from "../../shared/run/host-variables.ts";
import type { GangPlace } from "../../shared/run/session.ts";
import type { FoundInterpreter } from "./interpreter.ts";

/** Facts of one attempt, as its program sees them. Paths are absolute. */
export interface RunFacts {
  readonly runId: string;
  /** Handle such as "digits.1.4". */
  readonly runRef: string;
  readonly sweepRef: string;
  /** From 1. */
  readonly attempt: number;
  readonly fence: number;
  readonly runDir: string;
  readonly artifactDir: string;
  readonly checkpointDir: string;
  /** Checkpoint directory of an earlier attempt to go on from. */
  readonly resumeFrom: string | undefined;
  readonly configPath: string;
  readonly eventsPath: string;
  /** The run's own copy of the code. */
  readonly codeDir?: string | undefined;
  readonly seed: number | undefined;
  /** Thousandths of each of its GPUs; undefined: they are its own. */
  readonly gpuMilli?: number | undefined;
  /** Where it is among the nodes of its run; undefined: it has but one. */
  readonly gang?: GangPlace | undefined;
  /** GPUs that it was given. */
  readonly gpus?: number;
  /** Where people see the run. */
  readonly url: string | undefined;
}

export interface EnvironmentParts {
  /** The agent's own environment; only listed names pass. */
  readonly base: { readonly [name: string]: string | undefined };
  /** `[run] env` of the sweep file. */
  readonly template: { readonly [name: string]: string };
  readonly run: RunFacts;
  /** From the device drivers; a run cannot change which devices it sees. */
  readonly device: { readonly [name: string]: string };
  /** Folder of the Python client, put before any other. */
  readonly pythonPath: string | undefined;
  /** The client's `sitecustomize` comes first: it leaves the traceback of a program that dies. */
  readonly hook?: boolean;
  /** The Python that the run asked for. */
  readonly interpreter?: Pick<FoundInterpreter, "path" | "env" | "unset"> | undefined;
  /** For a container: what the image sets stays, and its PYTHONPATH is put together inside. */
  readonly contained?: boolean;
}

/** Where a host has no PATH at all. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** Complete environment of the command of one attempt. */
export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { base, template, run, device, pythonPath, hook = false, interpreter, contained = false } = parts;
  // A run of one of EXP's own files has the name that it has there.
  const env: Record<string, string> = {
    PYTHONUNBUFFERED: "1",
    EXPERIMENT_NAME: run.runRef,
    ...(contained ? passedIntoContainers(base) : passedVariables(base)),
    ...rendezvousVariables(run),
  };
  for (const [name, value] of Object.entries(template)) {
    if (!isReserved(name)) env[name] = value;
  }
  if (interpreter) {
    for (const name of interpreter.unset) delete env[name];
    Object.assign(env, interpreter.env);
    env.PATH = [...interpreter.path, env.PATH ?? DEFAULT_PATH].join(":");
  }
  const { first, last } = clientFolders(pythonPath, hook);
  const path = [...first, env.PYTHONPATH, ...last].filter((part) => part);
  if (path.length > 0 && !contained) env.PYTHONPATH = path.join(":");
  return { ...env, ...device, ...runVariables(run) };
}

/**
 * Folders of the Python client, before and behind whatever else is on PYTHONPATH. Last what stands in for packages that may be
 * there: whatever the user put on the path comes before it.
 */
export function clientFolders(pythonPath: string | undefined, hook: boolean): { first: string[]; last: string[] } {
  if (pythonPath === undefined) return { first: [], last: [] };
  return { first: [...(hook ? [`${pythonPath}/hook`] : []), pythonPath], last: [`${pythonPath}/stand-ins`] };
}

/** True for names that only we set. A sweep file that sets one is refused where it is parsed. */
export function isReserved(name: string): boolean {
  return name.startsWith("EXP_");
}

/**
 * Where the ranks of a run on several nodes meet, as PyTorch's programs and its `torchrun` look for it
 * (https://pytorch.org/docs/stable/elastic/run.html): a plain `torchrun train.py` on each node finds the others. The sweep
 * file may say otherwise.
 */
function rendezvousVariables({ gang, gpus = 0 }: RunFacts): Record<string, string> {
  if (!gang) return {};
  const address = gang.nodes[0]?.address ?? "";
  const port = String(gang.port);
  return {
    MASTER_ADDR: address,
    MASTER_PORT: port,
    PET_MASTER_ADDR: address,
    PET_MASTER_PORT: port,
    PET_NNODES: String(gang.nodes.length),
    PET_NODE_RANK: String(gang.rank),
    PET_NPROC_PER_NODE: String(Math.max(1, gpus)),
  };
}

function gangVariables({ rank, nodes }: GangPlace): Record<string, string> {
  return {
    EXP_NODES: String(nodes.length),
    EXP_NODE_RANK: String(rank),
    EXP_NODE_NAMES: nodes.map(({ name }) => name).join(","),
    EXP_NODE_ADDRESSES: nodes.map(({ address }) => address).join(","),
  };
}

function runVariables(run: RunFacts): Record<string, string> {
  return {
    EXP_RUN_ID: run.runId,
    EXP_RUN_NAME: run.runRef,
    EXP_SWEEP: run.sweepRef,
    EXP_ATTEMPT: String(run.attempt),
    EXP_FENCE: String(run.fence),
    EXP_RUN_DIR: run.runDir,
    EXP_ARTIFACT_DIR: run.artifactDir,
    EXP_CHECKPOINT_DIR: run.checkpointDir,
    ...(run.resumeFrom === undefined ? {} : { EXP_RESUME_FROM: run.resumeFrom }),
    EXP_CONFIG: run.configPath,
    EXP_EVENTS: run.eventsPath,
    ...(run.codeDir === undefined ? {} : { EXP_CODE_DIR: run.codeDir }),
    ...(run.seed === undefined ? {} : { EXP_SEED: String(run.seed) }),
    ...(run.gang === undefined ? {} : gangVariables(run.gang)),
    ...(run.gpuMilli === undefined ? {} : { EXP_GPU_SHARE: formatGpuShare(run.gpuMilli) }),
    ...(run.url === undefined ? {} : { EXP_URL: run.url }),
    // What unmodified EXP training scripts look for.
    EXPERIMENT_WORK_DIR: run.runDir,
    EXPERIMENT_RUN_ID: `run_${String(run.attempt).padStart(4, "0")}`,
  };
}
