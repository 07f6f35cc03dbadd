/**
 * Which variables of a host's environment its runs see, and a sweep file can name as `${env.NAME}`. What is not listed
 * does not pass, so the agent's own credentials never reach a run.
 */

/** By their whole name; others pass by how they begin. */
export const PASSED_NAMES: ReadonlySet<string> = new Set(
  (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TERM TZ TMPDIR LD_LIBRARY_PATH VIRTUAL_ENV CUDA_HOME CUDA_PATH " +
    "CUDA_CACHE_PATH HF_HOME HF_DATASETS_CACHE TORCH_HOME SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE " +
    "OMP_NUM_THREADS MKL_NUM_THREADS SCRATCH WORK DATA_DIR http_proxy https_proxy ftp_proxy all_proxy no_proxy " +
    "HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY"
  ).split(" "),
);

/** True for a variable that is handed on. */
export function passesToRuns(name: string): boolean {
  if (SECRET.test(name)) return false;
  return PASSED_NAMES.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** True for a name behind which a credential may be: its value is never recorded. */
export function looksSecret(name: string): boolean {
  return /TOKEN|SECRET|KEY|PASS|AUTH|CREDENTIAL/i.test(name);
}

/** The variables of `env` that are handed on. */
export function passedVariables(env: { readonly [name: string]: string | undefined }): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && passesToRuns(name)) passed[name] = value;
  }
  return passed;
}

/**
 * Those of them that mean the same inside a container image, which has programs, folders and settings of its own: who the user
 * is, and how to reach the network.
 */
export function passedIntoContainers(env: { readonly [name: string]: string | undefined }): Record<string, string> {
  const passed = Object.entries(passedVariables(env));
  return Object.fromEntries(passed.filter(([name]) => INTO_CONTAINERS.test(name)));
}

const INTO_CONTAINERS = /^(?:USER|LOGNAME|TERM|TZ|OMP_NUM_THREADS|MKL_NUM_THREADS)$|^NCCL_|_proxy$/i;
const PASSED_PREFIXES = ["LC_", "CONDA_", "PYTHON", "XDG_", "NCCL_"];
/** Also behind a listed prefix: what looks like a credential stays. */
const SECRET = /TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH/i;
