/** Options by which several commands choose runs. */
import { parseExpression } from "../shared/expression/parse.ts";
import { expressionError } from "../shared/expression/problem.ts";
import { RUN_STATES, type RunState } from "../shared/run/states.ts";
import { type Args, usage } from "./args.ts";

/** `--state a,b --state c`. Throws AppError (invalid) for a word that is no state. */
export function statesOf(args: Args): RunState[] {
  return args.texts("state").flatMap((text) =>
    text.split(",").map((word) => {
      const state = RUN_STATES.find((each) => each === word);
      if (!state) throw usage(`"${word}" is no state of a run`, `there are: ${RUN_STATES.join(", ")}`);
      return state;
    }),
  );
}

/** `--where`, or empty. What cannot be read is said before anybody is asked. */
export function whereOf(args: Args): string {
  const where = args.text("where");
  if (where === undefined) return "";
  const { problem } = parseExpression(where);
  if (problem) throw expressionError(problem, where, "where");
  return where;
}
