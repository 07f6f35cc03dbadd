/**
 * [P] The environment of a command: a few variables of the host by name, then what the user's file sets, then ours. What
 * is not on the list does not pass, so the agent's own credentials never reach a run.
 */

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
  readonly seed: number | undefined;
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
}

const PASSED_NAMES = new Set(
  (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TERM TZ TMPDIR LD_LIBRARY_PATH VIRTUAL_ENV CUDA_HOME CUDA_PATH " +
    "CUDA_CACHE_PATH HF_HOME HF_DATASETS_CACHE TORCH_HOME SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE " +
    "OMP_NUM_THREADS MKL_NUM_THREADS http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY " +
    "FTP_PROXY ALL_PROXY NO_PROXY"
  ).split(" "),
);
const PASSED_PREFIXES = ["LC_", "CONDA_", "PYTHON", "XDG_", "NCCL_"];
/** Also behind a listed prefix: what looks like a credential stays here. */
const SECRET = /TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH/i;

/** Complete environment of the command of one attempt. */
export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { base, template, run, device, pythonPath } = parts;
  const env: Record<string, string> = { PYTHONUNBUFFERED: "1" };
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && passes(name)) env[name] = value;
  }
  for (const [name, value] of Object.entries(template)) {
    if (!isReserved(name)) env[name] = value;
  }
  const path = [pythonPath, env.PYTHONPATH].filter((part) => part);
  if (path.length > 0) env.PYTHONPATH = path.join(":");
  return { ...env, ...device, ...runVariables(run) };
}

/** True for names that only we set. A sweep file that sets one is refused where it is parsed. */
export function isReserved(name: string): boolean {
  return name.startsWith("EXP_");
}

function passes(name: string): boolean {
  if (SECRET.test(name)) return false;
  return PASSED_NAMES.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix));
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
    ...(run.seed === undefined ? {} : { EXP_SEED: String(run.seed) }),
    ...(run.url === undefined ? {} : { EXP_URL: run.url }),
    // What unmodified EXP training scripts look for.
    EXPERIMENT_WORK_DIR: run.runDir,
    EXPERIMENT_NAME: run.runRef,
    EXPERIMENT_RUN_ID: `run_${String(run.attempt).padStart(4, "0")}`,
  };
}
