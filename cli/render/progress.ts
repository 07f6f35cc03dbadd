/** [P] How far a sweep is, in one line. */
import { formatDuration } from "../../shared/kernel/duration.ts";
import { TERMINAL_STATES } from "../../shared/run/states.ts";
import { paint } from "./colour.ts";
import { countsText } from "./runs.ts";
import { escapeControl, plural, shortNumber } from "./text.ts";
import { truncate } from "./width.ts";

export interface Progress {
  readonly title: string;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
  /** Ended runs whose output is not stored whole yet. */
  readonly catchingUp: number;
  readonly bestRef: string;
  readonly bestValue: number;
  readonly bestMetric: string;
  readonly elapsedMs: number;
}

const BAR_WIDTH = 24;
const FULL = "█";

export function endedCount(counts: Progress["counts"]): number {
  return TERMINAL_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/** "████░░░░": full only when all have ended. */
export function progressBar(ended: number, total: number, width: number): string {
  const filled = ended >= total ? width : Math.max(0, Math.min(width - 1, Math.round((ended / total) * width)));
  return FULL.repeat(filled) + "░".repeat(width - filled);
}

/** For a file or a pipe: words only. */
export function progressLine(progress: Progress): string {
  const parts = [
    `${progress.title}: ${endedCount(progress.counts)} of ${plural(progress.total, "run")} ended`,
    countsText(progress.counts),
    ...restParts(progress),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

/** For a terminal: a bar on the first line, the rest on the second; from 40 columns on neither wraps at `width`. */
export function progressBlock(progress: Progress, width: number, color: boolean): string[] {
  const { title, total, counts, elapsedMs } = progress;
  const ended = endedCount(counts);
  const numbers = `  ${ended}/${total}  ${formatDuration(elapsedMs)}`;
  const left = remaining(progress, ended);
  const tail = numbers.length + left.length + BAR_WIDTH <= width ? numbers + left : numbers;
  const bar = Math.min(BAR_WIDTH, Math.max(0, width - tail.length));
  const name = truncate(`${escapeControl(title)}  `, width - tail.length - bar);
  const cells = progressBar(ended, total, bar);
  const filled = cells.lastIndexOf(FULL) + 1;
  const drawn = paint(cells.slice(0, filled), counts.failed ? "bad" : "good", color) + cells.slice(filled);
  const rest = [countsText(counts), ...restParts(progress)].filter((part) => part !== "").join(" · ");
  return [`${name}${drawn}${tail}`, `  ${truncate(rest, width - 2)}`];
}

function restParts({ catchingUp, bestRef, bestMetric, bestValue }: Progress): string[] {
  return [
    catchingUp > 0 ? `output of ${plural(catchingUp, "run")} still coming` : "",
    bestRef === "" ? "" : `best ${escapeControl(bestMetric)} ${shortNumber(bestValue)} (${escapeControl(bestRef)})`,
  ];
}

/** By the pace so far; nothing until a few runs have ended. */
function remaining({ total, elapsedMs }: Progress, ended: number): string {
  if (ended < 3 || ended >= total) return "";
  return `, about ${formatDuration((elapsedMs / ended) * (total - ended))} left`;
}
