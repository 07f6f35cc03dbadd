/** [P] `[stop]`: what ends runs, or the whole sweep, before their time. */
import { namesAreKnown, readExpression } from "./checked-expression.ts";
import { childOf, itemsOf, type SpecNode } from "./node.ts";
import { addFinding, type Report, valueSpan } from "./report.ts";
import { SECTION_KEYS } from "./sweep-keys.ts";
import { readTable } from "./table-reader.ts";
import type { Objective, StopLadder, StopSettings } from "./types.ts";

/** What `sweep_when` may ask for. */
const SWEEP_NAMES: ReadonlySet<string> = new Set([
  "objective.best",
  "sweep.total",
  "sweep.ended",
  "sweep.succeeded",
  "sweep.failed",
]);
const DIVISOR = 4;
/** Of "median", whose rungs do not thin out; those of "asha" end where steps do. */
const RUNGS = 100;

/** Undefined where nothing ends anything. `objective`: what runs are compared by. */
export function readStop(
  report: Report,
  node: SpecNode | undefined,
  objective: Objective | undefined,
): StopSettings | undefined {
  const table = readTable(report, node, "stop", SECTION_KEYS.stop);
  if (!node) return undefined;
  const when = childOf(node, "when");
  for (const [i, item] of (when ? itemsOf(when) : []).entries()) readExpression(report, item, `stop.when[${i}]`);
  const sweepWhen = childOf(node, "sweep_when");
  const condition = sweepWhen && readExpression(report, sweepWhen, "stop.sweep_when");
  if (condition) namesAreKnown(report, condition, SWEEP_NAMES);
  const policy = table.policy === "none" ? undefined : table.policy;
  if (policy && !objective) {
    const at = childOf(node, "policy") ?? node;
    const hint = 'add [objective] with metric = "..." and goal = "maximize" or "minimize"';
    addFinding(report, {
      id: "spec.missing",
      message: `policy = "${policy}" compares by nothing`,
      span: valueSpan(at),
      hint,
    });
  }
  const ladder: StopLadder | undefined = policy && {
    policy,
    minSteps: table.min_steps ?? 1,
    divisor: table.divisor ?? DIVISOR,
    rungs: table.rungs ?? RUNGS,
  };
  const conditions = table.when ?? [];
  if (conditions.length === 0 && !ladder && !table.sweep_when) return undefined;
  return {
    when: conditions,
    ...(ladder && { ladder }),
    ...(sweepWhen && typeof sweepWhen.raw === "string" && { sweepWhen: sweepWhen.raw }),
  };
}
