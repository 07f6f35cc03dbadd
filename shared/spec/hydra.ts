/**
 * Parameters as overrides in Hydra's grammar: `lr=0.1`, `+optim.name=adam`, `++note='a, b'`. What needs quotes gets them,
 * so that Hydra and OmegaConf read back the very value: no sweep over commas, no interpolation of `${…}`.
 */
import type { Value } from "../expression/value.ts";
import { FloatParam } from "./types.ts";
import { floatText, isList, valueText } from "./value-text.ts";

/** `prefix`: nothing to change a key of the config, `+` to add one, `++` for either. */
export function hydraOverride(prefix: "" | "+" | "++", name: string, value: Value): string | { problem: string } {
  if (!KEY.test(name))
    return { problem: `${JSON.stringify(name)} is no key for Hydra, whose keys are of ASCII letters` };
  const text = hydraValue(value);
  return typeof text === "string" ? `${prefix}${name}=${text}` : text;
}

const KEY = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$/;
/** Of tables; cannot be quoted. */
const TABLE_KEY = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** Reads as a text without quotes. */
const PLAIN = /^(?:\/|[A-Za-z_])[A-Za-z0-9_./-]*$/;
/** Words that Hydra reads as something else than a text, in any case. */
const WORDS = /^(?:null|true|false|nan|inf)$/i;
/** What OmegaConf calls a value that has still to be given. */
const MISSING = "???";

function hydraValue(value: Value): string | { problem: string } {
  if (typeof value === "string") {
    if (value === MISSING) return { problem: "Hydra reads the text ??? as a value that is missing" };
    return PLAIN.test(value) && !WORDS.test(value) ? value : quoted(value);
  }
  if (value === null || typeof value !== "object") return valueText(value);
  if (value instanceof FloatParam) return floatText(value.float);
  return isList(value) ? hydraList(value) : hydraTable(value);
}

function hydraList(items: readonly Value[]): string | { problem: string } {
  const texts: string[] = [];
  for (const item of items) {
    const text = hydraValue(item);
    if (typeof text !== "string") return text;
    texts.push(text);
  }
  return `[${texts.join(",")}]`;
}

function hydraTable(table: { readonly [key: string]: Value }): string | { problem: string } {
  const texts: string[] = [];
  for (const [key, item] of Object.entries(table)) {
    if (!TABLE_KEY.test(key) || WORDS.test(key)) {
      return { problem: `Hydra cannot read ${JSON.stringify(key)} as a key within a value` };
    }
    const text = hydraValue(item);
    if (typeof text !== "string") return text;
    texts.push(`${key}:${text}`);
  }
  return `{${texts.join(",")}}`;
}

/**
 * In single quotes. Backslashes count only before a quote, before the end, and before `${`, where they are doubled; `\${`
 * is OmegaConf's way to write a `${` that is no interpolation.
 */
function quoted(text: string): string {
  const escaped = text.replace(/(\\+)('|\$\{|)|'|\$\{/g, (match, run: string | undefined, next: string, at: number) => {
    if (run === undefined) return `\\${match}`;
    if (next !== "") return `${run}${run}\\${next}`;
    return at + run.length === text.length ? run + run : run;
  });
  return `'${escaped}'`;
}
