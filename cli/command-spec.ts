/** [P] The sweep of one run that `exp submit -- CMD...` means, as the JSON form of a sweep file. */
import { NAME_CHARS_MAX } from "../shared/run/limits.ts";
import { escapeTemplate } from "../shared/spec/placeholders.ts";
import { usage } from "./args.ts";

export interface CommandSpec {
  readonly words: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** Undefined: from the command. */
  readonly name: string | undefined;
  readonly gpus: number | undefined;
  readonly cpus: number | undefined;
  /** As the user wrote it: "4h". */
  readonly time: string | undefined;
  /** "K=V" */
  readonly env: readonly string[];
  /** "k=v" */
  readonly params: readonly string[];
  /** Undefined: the code is used where it lies. */
  readonly code?: string | undefined;
}

/** Words reach the program as typed: nothing in them is a placeholder. Throws AppError (invalid) for a pair without "=". */
export function commandSpecText(spec: CommandSpec): string {
  const run: { [key: string]: unknown } = { command: spec.words.map(escapeTemplate), cwd: escapeTemplate(spec.cwd) };
  if (spec.code !== undefined) run.code = spec.code;
  const env = spec.env.map((pair) => splitPair(pair, "--env"));
  if (env.length > 0) run.env = Object.fromEntries(env.map(([key, value]) => [key, escapeTemplate(value)]));
  const members = [`"name":${JSON.stringify(spec.name ?? nameOfCommand(spec.words))}`, `"run":${JSON.stringify(run)}`];
  const params = spec.params.map((pair) => splitPair(pair, "--param"));
  // By hand, as JSON.stringify would make 1 of 1.0, and the two are different parameters.
  if (params.length > 0)
    members.push(`"base":{${params.map(([key, value]) => `${JSON.stringify(key)}:${jsonOf(value)}`)}}`);
  const { gpus, cpus, time } = spec;
  if (gpus !== undefined || cpus !== undefined) members.push(`"resources":${JSON.stringify({ gpus, cpus })}`);
  if (time !== undefined) members.push(`"limits":${JSON.stringify({ time })}`);
  return `{${members.join(",")}}`;
}

/** "train" of `python -u train.py`, "pkg.train" of `python -m pkg.train`, "nvidia-smi" of itself. */
export function nameOfCommand(words: readonly string[]): string {
  const module = words.indexOf("-m");
  const script = words.find((word) => /\.(?:py|sh|r|jl|m?[jt]s|pl|rb)$/i.test(word));
  const isPython = /(?:^|\/)python[\d.]*$/.test(words[0] ?? "");
  const best = isPython && module > 0 ? words[module + 1] : (script ?? words[0]);
  const base = (best ?? "").split("/").at(-1) ?? "";
  const stem = isPython && module > 0 ? base : base.replace(/(?<=.)\.[a-zA-Z]{1,3}$/, "");
  const name = stem.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, NAME_CHARS_MAX) || "run";
}

function splitPair(pair: string, flag: string): [key: string, value: string] {
  const at = pair.indexOf("=");
  if (at < 1) throw usage(`${flag} ${JSON.stringify(pair)} is not KEY=VALUE`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** A number or a boolean where the text is one in JSON, else the text. */
function jsonOf(value: string): string {
  const isLiteral = /^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(value);
  return isLiteral ? value : JSON.stringify(value);
}
