/** [P] `--set k=v` for one run: values as a sweep file would read them, for parameters that the run has. */
import { suggest } from "../kernel/suggest.ts";
import { readSweep } from "./read-sweep.ts";
import type { Params, ParamValue } from "./types.ts";

/** The parameters with some of them set, and which, or why one of them cannot be. */
export function setValues(
  params: Params,
  set: readonly string[],
):
  | { readonly params: Params; readonly names: ReadonlySet<string> }
  | { readonly problem: string; readonly hint?: string } {
  const result = new Map(params);
  const names = new Set<string>();
  for (const pair of set) {
    const read = readPair(pair);
    if ("problem" in read) return read;
    const [name, value] = read.entry;
    if (!params.has(name)) {
      const near = suggest(name, [...params.keys()]);
      const hint = near === undefined ? `it has ${[...params.keys()].join(", ") || "none"}` : `did you mean ${near}?`;
      return { problem: `--set ${JSON.stringify(pair)}: the run has no parameter ${name}`, hint };
    }
    result.set(name, value);
    names.add(name);
  }
  return { params: result, names };
}

function readPair(pair: string): { readonly entry: readonly [string, ParamValue] } | { readonly problem: string } {
  const text = '{"name":"one","run":{"command":["true"],"args":"none"}}';
  const overrides = { set: [pair], where: [], limit: undefined, name: undefined, hold: false };
  const read = readSweep({ path: "", text, format: "json", directory: "/", overrides });
  if ("problems" in read) return { problem: read.problems[0]?.message ?? `--set ${pair} cannot be read` };
  if (read.sweep.total !== 1)
    return { problem: `--set ${JSON.stringify(pair)} gives several values, and this is one run` };
  for (const { params } of read.sweep.points) {
    const [entry] = params;
    if (entry) return { entry };
  }
  return { problem: `--set ${JSON.stringify(pair)} is not NAME=VALUE` };
}
