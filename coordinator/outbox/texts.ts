/** [P] Every text that people get as a message. */
import { formatDuration } from "../../shared/kernel/duration.ts";
import type { BestRun, FinishedSweep } from "../store/sweep-standing.ts";
import type { SweepFacts } from "./facts.ts";

const REASON_MAX = 200;

/** The first line says what it is about; the others say more. */
export function noticeLines(facts: SweepFacts): string[] {
  const { sweep, project, started, failed, best, target, finished } = facts;
  if (sweep === "") return ["A test of this channel: messages of ExpFleet arrive here."];
  const lines: string[] = [];
  if (finished) lines.push(...finishedLines(sweep, finished));
  else if (started) lines.push(`${sweep} started: ${counted(started.runs, "run")}`);
  if (failed) {
    lines.push(`${sweep}: ${counted(failed.count, "run")} failed`);
    for (const { run, reason } of failed.examples) lines.push(`  ${run}: ${oneLine(reason)}`);
    const more = failed.count - failed.examples.length;
    if (more > 0) lines.push(`  and ${more} more: exp ls ${sweep} --state failed`);
  }
  // The end says why the sweep was stopped.
  if (target && !finished) {
    lines.push(`${sweep} has reached its target of ${Number(target.target.toPrecision(6))}: ${bestText(target)}`);
  }
  if (best && !finished) lines.push(`${sweep}: new best ${bestText(best)}`);
  if (project !== "" && lines.length > 0) lines[0] = `[${project}] ${lines[0]}`;
  return lines;
}

function finishedLines(sweep: string, end: FinishedSweep): string[] {
  const parts = [
    [end.succeeded, end.reused > 0 ? `succeeded (${end.reused} reused)` : "succeeded"],
    [end.failed, "failed"],
    [end.cancelled, "cancelled"],
    [end.skipped, "skipped"],
  ] as const;
  const counts = parts.flatMap(([count, word]) => (count > 0 ? `${count} ${word}` : []));
  const lines = [`${sweep} finished after ${formatDuration(end.tookMs)}: ${counts.join(", ") || "no runs"}`];
  if (end.stopped !== "") lines.push(`  stopped: ${oneLine(end.stopped)}`);
  if (end.best) lines.push(`  best: ${bestText(end.best)}`);
  return lines;
}

function bestText({ run, metric, value }: BestRun): string {
  return `${metric} = ${Number(value.toPrecision(6))} (${run})`;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Reasons may hold what a program printed. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length > REASON_MAX ? `${line.slice(0, REASON_MAX)}…` : line;
}
