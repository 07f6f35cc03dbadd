/**
 * The fingerprint that decides "completed before": SHA-256 over canonical JSON of the parameters, the command template and
 * whatever else counts. Canonical is: keys sorted by UTF-16 code unit, no white space, numbers in ECMAScript's shortest
 * text, so that 1 and 1.0 count as the same work, and -0 is 0; strings escaped as `JSON.stringify` does (RFC 8785). What is
 * absent differs from what is null or empty. Changing any of this needs a new prefix.
 */
import { hash } from "node:crypto";
import { matchesGlob } from "../expression/glob.ts";
import { FloatParam, type Params, type ParamValue, type RunTemplate } from "./types.ts";
import { isList } from "./value-text.ts";

const PREFIX = "v2:";
/** Names and patterns are at most 128 characters long. */
const GLOB_STEPS_MAX = 100_000;

/** What counts besides parameters; what is absent does not. Digests are texts of the caller's own. */
export interface WorkIdentity {
  readonly command?: RunTemplate["command"];
  /** As written; absent without a container. */
  readonly image?: string;
  readonly code?: string;
  readonly env?: string;
  readonly data?: string;
}

/** What counts where the command does: it is another one in another image. */
export function commandIdentity({ command, image }: RunTemplate): Pick<WorkIdentity, "command" | "image"> {
  return { command, ...(image !== undefined && { image }) };
}

/** `v2:` and 64 hex digits. Independent of the order of parameters and of table keys. */
export function fingerprintOf(work: WorkIdentity, params: Params): string {
  const entries = [...params].sort(([a], [b]) => compareUnits(a, b));
  const body = entries.map(([name, value]) => `${JSON.stringify(name)}:${canonicalJson(value)}`).join(",");
  return fingerprintOfText(fingerprintHead(work), body);
}

/** The part in front of the parameters, the same for all points of a command. */
export function fingerprintHead({ code, command, data, env, image }: WorkIdentity): string {
  let head = "{";
  if (code !== undefined) head += `"code":${canonicalJson(code)},`;
  if (command !== undefined) head += `"command":${canonicalJson(command)},`;
  if (data !== undefined) head += `"data":${canonicalJson(data)},`;
  if (env !== undefined) head += `"env":${canonicalJson(env)},`;
  if (image !== undefined) head += `"image":${canonicalJson(image)},`;
  return `${head}"params":{`;
}

/** `body`: the parameters that count, sorted by name, `"a":1,"b":2`. */
export function fingerprintOfText(head: string, body: string): string {
  return PREFIX + hash("sha256", `${head}${body}}}`, "hex");
}

/** True for a parameter that does not count: named in `ignore`, as itself or as a table that it is in; `*` is any text. */
export function isIgnored(name: string, ignore: readonly string[]): boolean {
  if (ignore.length === 0) return false;
  const paths = Array.from(name, (char, i) => (char === "." ? name.slice(0, i) : "")).filter((path) => path !== "");
  return [...paths, name].some((path) => ignore.some((pattern) => matchesGlob(path, pattern, GLOB_STEPS_MAX) === true));
}

/** Whether a parameter does not count for what is the same work: `isIgnored`, or only the number of a run. Answers are kept. */
export function createLeftOut(ignore: readonly string[], numbered: readonly string[]): (name: string) => boolean {
  const known = new Map(numbered.map((name) => [name, true]));
  return (name) => {
    const answer = known.get(name) ?? isIgnored(name, ignore);
    known.set(name, answer);
    return answer;
  };
}

/** Canonical JSON of one value. */
export function canonicalJson(value: ParamValue | null): string {
  if (value === null) return "null";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (value instanceof FloatParam) return numberText(value.float);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => compareUnits(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

/** By UTF-16 code unit, as `<` does. */
export function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`assertion failed: ${value} has no canonical text`);
  return String(value === 0 ? 0 : value);
}
