/**
 * Causes of a failure as `[retry] on` and `never` name them. Some follow from the outcome; what only the output shows
 * (`cuda-oom`, `import-error`, `log:TEXT`) the agent finds in its last part and reports. Texts, no regular expressions: a
 * pattern from a sweep file must not be able to hang a host.
 */
import type { Outcome } from "./states.ts";

/** Bytes from the end of the output in which causes are looked for. */
export const CAUSE_TAIL_BYTES = 64 * 1024;
/** Causes of one policy, and characters of one. */
export const CAUSES_MAX = 64;
export const CAUSE_CHARS_MAX = 200;

const WORDS = ["lost", "preempted", "oom", "cuda-oom", "import-error", "signal", "timeout", "idle", "failed"] as const;

/** What `on` and `never` may hold, for messages. */
export const CAUSE_FORMS = "lost, oom, cuda-oom, import-error, signal, signal:N, exit:N, timeout, idle, log:TEXT";

/** Undefined when `text` names a cause, else what is wrong with it. */
export function causeProblem(text: string): string | undefined {
  if (text.length > CAUSE_CHARS_MAX) return `is longer than ${CAUSE_CHARS_MAX} characters`;
  if ((WORDS as readonly string[]).includes(text)) return undefined;
  const [kind, value] = cut(text);
  if (kind === "log") {
    if (value.replaceAll(/[.*\s]/g, "") === "") return "has no text to look for";
    return /[\n\r]/.test(value) ? "looks for more than one line" : undefined;
  }
  if (kind === "exit") {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 255) return "is no exit code from 1 to 255";
    if (value === "0" || value === "77") return "is no failure: 0 is success, and 77 says that the run was skipped";
    return undefined;
  }
  if (kind === "signal") return /^\d{1,2}$/.test(value) && Number(value) <= 64 ? undefined : "is no signal number";
  return `is not known; there are ${CAUSE_FORMS}`;
}

/** The causes that an outcome itself shows. Exit code 128 + n and signal n are the same, as in a shell. */
export function causesOfOutcome(outcome: Outcome): string[] {
  switch (outcome.kind) {
    case "failed":
      return ["failed", `exit:${outcome.exitCode}`];
    case "signalled":
      return ["signal", `signal:${outcome.signal}`, `exit:${128 + outcome.signal}`];
    case "oom":
      return ["oom", "signal", "signal:9", "exit:137"];
    case "timeout":
      return ["timeout"];
    case "idle":
      return ["idle"];
    case "lost":
      return outcome.reason === "stopped" ? ["lost", "preempted"] : ["lost"];
    default:
      return [];
  }
}

/** The patterns of a policy that are looked for in the output: what follows "log:", each once. */
export function logPatterns(causes: readonly string[]): string[] {
  return [...new Set(causes.filter((cause) => cause.startsWith("log:")).map((cause) => cause.slice("log:".length)))];
}

/** The causes that the end of a failed attempt's output shows. `patterns` as `logPatterns` gives them. */
export function causesInOutput(tail: string, patterns: readonly string[]): string[] {
  const causes: string[] = [];
  if (CUDA_OOM.some((text) => tail.includes(text))) causes.push("cuda-oom");
  if (IMPORT_ERROR.some((text) => tail.includes(text))) causes.push("import-error");
  const found = patterns.filter((pattern) => includesPattern(tail, pattern));
  return [...causes, ...found.map((pattern) => `log:${pattern}`)];
}

/** What GPU programs print when a device is out of memory: PyTorch, JAX, TensorFlow, cuBLAS, the CUDA and HIP runtimes. */
const CUDA_OOM = [
  "CUDA out of memory",
  "HIP out of memory",
  "cuda.OutOfMemoryError",
  "torch.OutOfMemoryError",
  "RESOURCE_EXHAUSTED: Out of memory",
  "OOM when allocating tensor",
  "CUBLAS_STATUS_ALLOC_FAILED",
  "CUDA_ERROR_OUT_OF_MEMORY",
  "cudaErrorMemoryAllocation",
];

const IMPORT_ERROR = ["ModuleNotFoundError: ", "ImportError: "];

/** True when one line has the pieces between `*` (or `.*`, out of habit) in order. Linear: each piece is looked for once. */
function includesPattern(text: string, pattern: string): boolean {
  const pieces = pattern.split(/\.?\*+/).filter((piece) => piece !== "");
  const [first] = pieces;
  if (first === undefined) return false;
  if (pieces.length === 1) return text.includes(first);
  return text.split("\n").some((line) => {
    let at = 0;
    return pieces.every((piece) => {
      const found = line.indexOf(piece, at);
      at = found + piece.length;
      return found >= 0;
    });
  });
}

/** "exit:137" as its two parts. */
function cut(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}
