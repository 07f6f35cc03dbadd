/** [P] What `--gpus` says: "auto", "none", "0,1" (indices), UUIDs, or "fake:8x80GB" for demos and tests. */
import { parseBytes } from "../../shared/kernel/bytes.ts";
import { AppError } from "../../shared/kernel/errors.ts";

export type GpusOption =
  | { readonly kind: "auto" }
  | { readonly kind: "none" }
  | { readonly kind: "indices"; readonly indices: readonly number[] }
  | { readonly kind: "uuids"; readonly uuids: readonly string[] }
  | { readonly kind: "fake"; readonly count: number; readonly memoryBytes: number };

const FAKE_GPUS_MAX = 1024;
const HINT = "auto, none, indices as in 0,1, UUIDs as nvidia-smi -L shows them, or fake:8x80GB";

/** The option's meaning. Throws `invalid` with what is wrong in it. */
export function parseGpusOption(text: string): GpusOption {
  if (text === "auto" || text === "none") return { kind: text };
  if (text.startsWith("fake:")) return parseFake(text);
  const parts = text.split(",");
  const twice = parts.find((part, i) => parts.indexOf(part) !== i);
  if (twice !== undefined) throw bad(text, `names ${JSON.stringify(twice)} twice`);
  if (parts.every((part) => /^\d{1,4}$/.test(part))) return { kind: "indices", indices: parts.map(Number) };
  if (parts.every((part) => /^(GPU|MIG)-[0-9A-Za-z/-]{1,100}$/.test(part))) return { kind: "uuids", uuids: parts };
  throw bad(text, "is not understood");
}

function parseFake(text: string): GpusOption {
  const match = /^fake:(\d{1,4})x(.+)$/.exec(text);
  const count = Number(match?.[1]);
  const memoryBytes = parseBytes(match?.[2] ?? "");
  if (!match || !memoryBytes)
    throw bad(text, "is not understood; a fake host is a number and a size, as in fake:8x80GB");
  if (count < 1 || count > FAKE_GPUS_MAX) throw bad(text, `asks for ${count} GPUs; 1 to ${FAKE_GPUS_MAX} are possible`);
  return { kind: "fake", count, memoryBytes };
}

function bad(text: string, problem: string): AppError {
  return new AppError("invalid", `--gpus ${JSON.stringify(text)} ${problem}`, { id: "agent.gpus", hint: HINT });
}
