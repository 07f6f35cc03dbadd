/** The one door from the text of a sweep file, or of one of EXP's own files, to its runs. */
import { withExpOverrides } from "../compat/exp-overrides.ts";
import { readExpSweep } from "../compat/exp-toml.ts";
import type { SpecSource } from "./document.ts";
import { expand } from "./expand.ts";
import { NO_OVERRIDES } from "./overrides.ts";
import { parseSpec } from "./parse.ts";
import type { Digests } from "./point-maker.ts";
import type { SpecProblem } from "./problems.ts";
import type { ExpandedSweep, RunNumbers } from "./types.ts";

/** The expanded sweep, or at least one problem in the order of the file. Never throws for a bad file. */
export function readSweep(
  source: SpecSource,
  digests: Digests = {},
  numbers?: RunNumbers,
): { sweep: ExpandedSweep } | { problems: SpecProblem[] } {
  const exp = readExpSweep(source);
  if (exp) return "problems" in exp ? exp : withExpOverrides(exp.sweep, source.overrides ?? NO_OVERRIDES);
  const parsed = parseSpec(source);
  return "problems" in parsed ? parsed : expand(parsed.spec, digests, numbers);
}
