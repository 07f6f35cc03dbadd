/** [P] What `exp plan` says. */
import { escapeControl, plural, shellWord } from "./text.ts";

export interface PlanView {
  readonly name: string;
  readonly total: number;
  readonly new: number;
  readonly reused: number;
  /** False where no coordinator was asked, so that nothing is known of earlier work. */
  readonly reuseChecked: boolean;
  readonly axes: readonly { readonly key: string; readonly size: number }[];
  /** What the file says and has no effect, each with its place. */
  readonly warnings: readonly string[];
  /** The first few. */
  readonly points: readonly PlanPointView[];
}

export interface PlanPointView {
  readonly index: number;
  readonly params: unknown;
  readonly argv: readonly string[];
  /** Handle of the run that completed this before; null when it is new. */
  readonly reusedFrom: string | null;
}

export function planLines(plan: PlanView): string[] {
  const product = plan.axes.map(({ key, size }) => `${size} ${key}`).join(" x ");
  const lines = [
    `${escapeControl(plan.name)}  ${plural(plan.total, "run")}${product === "" ? "" : ` = ${escapeControl(product)}`}`,
  ];
  if (!plan.reuseChecked) lines.push("  reuse    not checked: no coordinator was asked");
  else if (plan.reused > 0) lines.push(`  reuse    ${plan.reused} completed before; --force runs them again`);
  if (plan.reuseChecked) lines.push(`  new      ${plan.new}`);
  for (const point of plan.points) {
    const words = point.argv.map(shellWord).join(" ");
    lines.push(
      `  run ${String(point.index).padEnd(4)} ${words}${point.reusedFrom === null ? "" : `  (as ${point.reusedFrom})`}`,
    );
  }
  if (plan.points.length < plan.total && plan.points.length > 0) {
    lines.push(`  ... ${plan.total - plan.points.length} more; --show N shows more of them`);
  }
  return lines;
}
