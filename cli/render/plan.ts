/** [P] What `exp plan` says. */
import { formatDuration } from "../../shared/kernel/duration.ts";
import { type ProductAxis, productText } from "./plan-product.ts";
import { escapeControl, plural, shellWord } from "./text.ts";

/** Keys are only ever added. */
export interface PlanView {
  readonly name: string;
  readonly total: number;
  /** Not completed before: run, or waited for. */
  readonly new: number;
  readonly reused: number;
  /** False where no coordinator was asked, so that nothing is known of earlier work. */
  readonly reuseChecked: boolean;
  readonly rerun: string;
  readonly axes: readonly ProductAxis[];
  /** Points before any is dropped. */
  readonly product: number;
  readonly where: readonly { readonly condition: string; readonly dropped: number }[];
  readonly duplicates: number;
  /** Beyond the limit of runs. */
  readonly cut: number;
  /** With rerun = "failed": never failed before. */
  readonly leftOut: number;
  /** Steps of the expansion that the file takes, in their order. */
  readonly steps: readonly string[];
  /** Of the queue: "listed", "shuffled" or "exp"; empty where the coordinator does not say. */
  readonly order: string;
  /** Which of the shuffled orders; 0 where nothing is shuffled. */
  readonly shuffleSeed: number;
  /** New, and done by another run right now. */
  readonly waiting: { readonly points: number; readonly example: string | null };
  readonly failedBefore: { readonly points: number; readonly example: string | null };
  readonly reasons: readonly { readonly reason: string; readonly points: number; readonly example: string }[];
  readonly needs: readonly PlanNeedView[];
  readonly estimate: PlanEstimateView | null;
  /** What the file says and has no effect, each with its place. */
  readonly warnings: readonly string[];
  /** The first few. */
  readonly points: readonly PlanPointView[];
}

export interface PlanNeedView {
  readonly request: string;
  readonly runs: number;
  readonly timeSeconds: number | null;
  /** How many fit beside what runs, and on an idle fleet; null where no coordinator was asked. */
  readonly fitNow: number | null;
  readonly fitEver: number | null;
  readonly nodes: readonly string[];
}

export interface PlanEstimateView {
  readonly medianSeconds: number;
  readonly likeRuns: number;
  readonly totalSeconds: number;
  readonly ahead: number;
}

export interface PlanPointView {
  readonly index: number;
  readonly params: unknown;
  readonly argv: readonly string[];
  /** Container image that it runs in. */
  readonly image: string | null;
  /** Handle of the run that completed this before; null when it is new. */
  readonly reusedFrom: string | null;
  /** Handle of the run that does this right now. */
  readonly waitsFor: string | null;
}

/** Where the texts of a line begin. */
const COLUMN = 11;

export function planLines(plan: PlanView): string[] {
  const lines = [headLine(plan), ...orderLines(plan), ...reuseLines(plan), ...newLines(plan)];
  if (plan.reuseChecked) lines.push(...fitLines(plan), ...whenLines(plan));
  for (const point of plan.points) {
    const words = point.argv.map(shellWord).join(" ");
    const inside = point.image === null ? "" : `in ${shellWord(point.image)}: `;
    lines.push(line(`run ${point.index}`, `${inside}${words}${fate(point)}`));
  }
  if (plan.points.length < plan.total && plan.points.length > 0) {
    lines.push(`  ... ${plan.total - plan.points.length} more; --show N shows more of them`);
  }
  return lines;
}

/** "resnet-lr  48 points = 4 lr x 3 wd x 4 seeds;  6 dropped by where[0] "wd < lr"  ->  42 runs" */
function headLine(plan: PlanView): string {
  const { name, total, product, where, duplicates, cut, leftOut } = plan;
  const steps = [
    ...where.flatMap(({ condition, dropped }, i) =>
      dropped > 0 ? [`${dropped} dropped by where[${i}] "${escapeControl(condition)}"`] : [],
    ),
    ...(duplicates > 0 ? [`${plural(duplicates, "duplicate")} dropped`] : []),
    ...(cut > 0 ? [`${cut} beyond the limit of runs`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out, as they never failed (rerun = "failed")`] : []),
  ];
  const arithmetic = productText(plan.axes);
  const made = arithmetic === "" ? "" : ` = ${arithmetic}`;
  if (steps.length === 0) return `${escapeControl(name)}  ${plural(total, "run")}${made}`;
  return `${escapeControl(name)}  ${plural(product, "point")}${made};  ${steps.join("; ")}  ->  ${plural(total, "run")}`;
}

/** "variants, grid, seeds, where; as listed" */
function orderLines({ product, steps, order, shuffleSeed }: PlanView): string[] {
  if (product < 2 || order === "") return [];
  const queue =
    order === "shuffled"
      ? `shuffled (shuffle_seed ${shuffleSeed})`
      : order === "exp"
        ? "by priority, name and command, as EXP does"
        : order === "cheap-first"
          ? "cheap-first: by GPUs, then by time limit"
          : "as listed";
  return [line("order", `${steps.join(", ")}; ${queue}`)];
}

function reuseLines(plan: PlanView): string[] {
  if (!plan.reuseChecked) return [line("reuse", "not checked: no coordinator was asked")];
  const { reused, waiting, rerun } = plan;
  if (rerun === "all") return [line("reuse", "nothing: everything is run again")];
  const parts = [
    ...(reused > 0 ? [`${reused} succeeded before`] : []),
    ...(waiting.points > 0 ? [`${waiting.points} running now (${waiting.example})`] : []),
  ];
  return parts.length === 0 ? [] : [line("reuse", `${parts.join(", ")}; --force runs them again`)];
}

function newLines(plan: PlanView): string[] {
  const [need, ...others] = plan.needs;
  if (!plan.reuseChecked) {
    const needs = plan.needs.map(
      (each) => (others.length > 0 ? `${plural(each.runs, "run")}: ` : "each ") + needText(each),
    );
    return needs.map((text, i) => line(i === 0 ? "needs" : "", text));
  }
  const fresh = plan.new - plan.waiting.points;
  const head = need && others.length === 0 ? `${fresh}, each ${needText(need)}` : `${fresh}`;
  const lines = [line("new", head)];
  if (others.length > 0) lines.push(...plan.needs.map((each) => line("", `${each.runs} with ${needText(each)}`)));
  const { failedBefore } = plan;
  if (failedBefore.points > 0) lines.push(line("", `${failedBefore.points} failed before (${failedBefore.example})`));
  for (const { reason, points, example } of plan.reasons) {
    lines.push(line("", `${points} ${escapeControl(reason)} (${example})`));
  }
  return lines;
}

function needText({ request, timeSeconds }: PlanNeedView): string {
  return `${escapeControl(request)}${timeSeconds === null ? "" : `, <= ${formatDuration(timeSeconds * 1000)}`}`;
}

function fitLines(plan: PlanView): string[] {
  return plan.needs.flatMap(({ request, fitNow, fitEver, nodes }) => {
    if (fitEver === null) return [];
    const label = plan.needs.length > 1 ? `${escapeControl(request)}: ` : "";
    if (fitEver === 0) return line("fits", `${label}nowhere: no node that takes work has this`);
    return line("fits", `${label}${fitEver} at once (${nodeList(nodes)}); ${fitNow} now`);
  });
}

/** "gpu-01, gpu-02, gpu-03 and 4 more" */
function nodeList(nodes: readonly string[]): string {
  const more = nodes.length - 3;
  return `${nodes.slice(0, 3).map(escapeControl).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function whenLines({ estimate, needs }: PlanView): string[] {
  if (!estimate) return [];
  const { medianSeconds, likeRuns, totalSeconds, ahead } = estimate;
  const isNow = ahead === 0 && needs.some(({ fitNow }) => (fitNow ?? 0) > 0);
  const first = isNow
    ? "first now"
    : ahead > 0
      ? `first after ${plural(ahead, "queued run")}`
      : "first when devices are free";
  const like = `median of ${plural(likeRuns, "like run")}: ${formatDuration(medianSeconds * 1000)}`;
  const all = totalSeconds > 0 ? `, all in about ${formatDuration(totalSeconds * 1000)}` : "";
  return [line("when", `${first}${all} (${like})`)];
}

function fate({ reusedFrom, waitsFor }: PlanPointView): string {
  if (reusedFrom !== null) return `  (as ${reusedFrom})`;
  return waitsFor === null ? "" : `  (waits for ${waitsFor})`;
}

function line(label: string, text: string): string {
  return `  ${label}`.padEnd(COLUMN) + text;
}
