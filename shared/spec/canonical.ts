/**
 * The fingerprint that decides "completed before": SHA-256 over canonical JSON of the command template and the
 * parameters. Canonical is: keys sorted by UTF-16 code unit, no white space, numbers in ECMAScript's shortest text, so
 * that 1 and 1.0 count as the same work, and -0 is 0; strings escaped as `JSON.stringify` does (RFC 8785). A parameter
 * that is absent differs from one that is null or empty. Changing any of this needs a new prefix.
 */
import { hash } from "node:crypto";
import { FloatParam, type Params, type ParamValue, type RunTemplate } from "./types.ts";
import { isList } from "./value-text.ts";

const PREFIX = "v1:";

/** `v1:` and 64 hex digits. Independent of the order of parameters and of table keys. */
export function fingerprintOf(command: RunTemplate["command"], params: Params): string {
  const fingerprint = createFingerprinter(command, [...params.keys()]);
  return fingerprint(Array.from(params.values(), canonicalJson));
}

/**
 * `fingerprintOf` for many points with the same parameter names: the returned function takes the canonical text of each
 * value, in the order of `names`.
 */
export function createFingerprinter(
  command: RunTemplate["command"],
  names: readonly string[],
): (values: readonly string[]) => string {
  const order = names.map((name, i) => ({ name, i })).sort((a, b) => compare(a.name, b.name));
  const keys = order.map(({ name }, rank) => `${rank === 0 ? "" : ","}${JSON.stringify(name)}:`);
  const positions = order.map(({ i }) => i);
  const head = `{"command":${canonicalJson(command)},"params":{`;
  return (values) => {
    let text = head;
    for (let rank = 0; rank < keys.length; rank++) text += `${keys[rank]}${values[positions[rank] ?? 0]}`;
    return PREFIX + hash("sha256", `${text}}}`, "hex");
  };
}

/** Canonical JSON of one value. */
export function canonicalJson(value: ParamValue | null): string {
  if (value === null) return "null";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (value instanceof FloatParam) return numberText(value.float);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => compare(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`assertion failed: ${value} has no canonical text`);
  return String(value === 0 ? 0 : value);
}

/** By UTF-16 code unit, as `<` does. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
