/** The one door from the text of a sweep file, or of one of EXP's own files, to its runs. */
import { readExpSweep } from "../compat/exp-toml.ts";
import type { SpecSource } from "./document.ts";
import { expand } from "./expand.ts";
import { areEmpty } from "./overrides.ts";
import { parseSpec } from "./parse.ts";
import type { Digests } from "./point-maker.ts";
import type { SpecProblem } from "./problems.ts";
import type { ExpandedSweep, RunNumbers } from "./types.ts";

const NOT_FOR_EXP: SpecProblem = {
  id: "spec.set",
  message: "--set, --where, --limit, --name and --hold are for sweep files, and this is one of EXP's",
  hint: "exp convert FILE makes a sweep file of it",
};

/** The expanded sweep, or at least one problem in the order of the file. Never throws for a bad file. */
export function readSweep(
  source: SpecSource,
  digests: Digests = {},
  numbers?: RunNumbers,
): { sweep: ExpandedSweep } | { problems: SpecProblem[] } {
  const exp = readExpSweep(source);
  if (exp) return source.overrides && !areEmpty(source.overrides) ? { problems: [NOT_FOR_EXP] } : exp;
  const parsed = parseSpec(source);
  return "problems" in parsed ? parsed : expand(parsed.spec, digests, numbers);
}
