/** [P] Why a run is where it is, and what each node says to it. */
import type { WhyResponse } from "../../proto/gen/runner/v1/control.ts";
import type { RunView } from "../../shared/run/views.ts";
import { escapeControl, plural } from "./text.ts";
import { ageText } from "./time.ts";

export function whyLines(run: RunView, answer: WhyResponse, nowMs: number): string[] {
  const { reason, needs, nodes, ahead } = answer;
  const width = Math.max(0, ...nodes.map(({ node }) => node.length));
  const lines = [
    `${run.ref}  ${run.state}, submitted ${ageText(run.createdAt, nowMs)} ago: ${escapeControl(reason)}`,
    `  needs    ${escapeControl(needs)}`,
    ...nodes.map((node) => `  ${escapeControl(node.node.padEnd(width))}  ${escapeControl(node.reason)}`),
  ];
  if (ahead > 0) lines.push(`  ahead    ${plural(ahead, "run")}`);
  return lines;
}
