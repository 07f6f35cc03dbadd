/** The one door from the text of a sweep file, or of one of EXP's own files, to its runs. */
import { readExpSweep } from "../compat/exp-toml.ts";
import type { SpecSource } from "./document.ts";
import { expand } from "./expand.ts";
import { parseSpec } from "./parse.ts";
import type { Digests } from "./point-maker.ts";
import type { SpecProblem } from "./problems.ts";
import type { ExpandedSweep } from "./types.ts";

/** The expanded sweep, or at least one problem in the order of the file. Never throws for a bad file. */
export function readSweep(
  source: SpecSource,
  digests: Digests = {},
): { sweep: ExpandedSweep } | { problems: SpecProblem[] } {
  const exp = readExpSweep(source);
  if (exp) return exp;
  const parsed = parseSpec(source);
  return "problems" in parsed ? parsed : expand(parsed.spec, digests);
}
