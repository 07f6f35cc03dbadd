/** Which CUDA the driver offers. No query has it: it is said in the heading of nvidia-smi's table only. */
import type { Smi } from "./nvidia-smi.ts";

/** After a question without an answer. */
const AGAIN_MS = 60_000;

/** Asks when it is first wanted, and once. Empty where nvidia-smi does not say; asked again later where it did not answer. */
export function createCudaQuestion(smi: Smi): () => Promise<string> {
  let asked: Promise<string> | undefined;
  let againAtMs = Number.POSITIVE_INFINITY;

  async function ask(): Promise<string> {
    const answer = await smi.ask([]);
    if (!answer.ok) againAtMs = performance.now() + AGAIN_MS;
    return answer.ok ? parseCudaVersion(answer.text) : "";
  }

  return () => {
    if (performance.now() >= againAtMs) asked = undefined;
    againAtMs = asked ? againAtMs : Number.POSITIVE_INFINITY;
    asked ??= ask();
    return asked;
  };
}

/** "12.4" of "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |"; empty for "N/A". */
export function parseCudaVersion(table: string): string {
  return /\bCUDA(?: UMD)? Version\s*:\s*(\d+(?:\.\d+){0,2})/.exec(table)?.[1] ?? "";
}
