/** All parameters as words of a command line: what `${args}` stands for. */
import type { Params, ParamValue } from "./types.ts";
import { isList, valueText } from "./value-text.ts";

/**
 * `--key value` for each parameter, in order, as Python's argparse reads it. True is `--key` alone and false is left out
 * (`action="store_true"`); a list is `--key a b c` (`nargs="*"`); a table is one word of JSON. A value that starts with
 * "-" is attached, `--key=-1e-05`, as it would read as an option otherwise; keys stay as they are.
 */
export function flagWords(params: Params): string[] {
  return Array.from(params).flatMap(([name, value]) => words(`--${name}`, value));
}

function words(flag: string, value: ParamValue): string[] {
  if (value === true) return [flag];
  if (value === false) return [];
  if (isList(value)) return [flag, ...value.map(valueText)];
  const text = valueText(value);
  return text.startsWith("-") ? [`${flag}=${text}`] : [flag, text];
}
