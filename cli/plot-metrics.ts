/** `exp metrics --plot`: curves of one run or of several, in one picture. */
import { AppError } from "../shared/kernel/errors.ts";
import { usage } from "./args.ts";
import type { Client } from "./client.ts";
import { CURVES_MAX, type Curve, plotLines } from "./render/plot.ts";
import { plural } from "./render/text.ts";
import type { Session } from "./session.ts";

const WIDTH_DEFAULT = 80;
const HEIGHT = 20;

/** Without keys: every metric of the run. Throws AppError for more curves than can be told apart. */
export async function plotMetrics(
  session: Session,
  client: Client,
  ref: string,
  keys: readonly string[],
  log: boolean,
): Promise<void> {
  const { format, terminal, color } = session.config;
  if (format !== "table" && format !== "wide")
    throw usage(`--plot is a picture, not ${format}`, "--series gives points");
  const runs = await client.listRuns({ refs: [ref], limit: CURVES_MAX + 1 });
  if (runs.length > CURVES_MAX) throw tooMany(`${ref} names more than ${CURVES_MAX} runs`);
  const curves: Curve[] = [];
  for (const run of runs) {
    const byKey = new Map<string, [number, number][]>(keys.map((key) => [key, []]));
    for await (const { points } of client.metrics({ ref: run.ref, keys: [...keys] })) {
      for (const { key, step, value } of points) {
        const known = byKey.get(key) ?? [];
        known.push([step, value]);
        byKey.set(key, known);
      }
    }
    for (const [key, points] of byKey) {
      const label = runs.length === 1 ? key : byKey.size === 1 ? run.ref : `${run.ref} ${key}`;
      if (points.length > 0) curves.push({ label, points });
    }
  }
  if (curves.length === 0) {
    const what = keys.length === 0 ? "no metrics" : `no metric ${keys.map((key) => `"${key}"`).join(", ")}`;
    throw new AppError("not_found", `${ref} has ${what}`, {
      id: "metric.unknown",
      hint: `exp metrics ${ref} lists them`,
    });
  }
  if (curves.length > CURVES_MAX) throw tooMany(`${ref} has ${plural(curves.length, "curve")}`);
  const lines = plotLines(curves, {
    width: (terminal.stdoutIsTty ? terminal.columns : undefined) ?? WIDTH_DEFAULT,
    height: HEIGHT + curves.length,
    log,
    color: color.out,
    xLabel: "step",
  });
  await session.out.data(lines.map((line) => `${line}\n`).join(""));
}

function tooMany(what: string): AppError {
  return usage(`${what}, and ${CURVES_MAX} can be told apart`, "name keys, or fewer runs");
}
