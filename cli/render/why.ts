/** [P] Why a run is where it is, and what each node says to it. */
import type { RunView } from "../../shared/run/views.ts";
import { escapeControl, plural } from "./text.ts";
import { ageText } from "./time.ts";

export interface WhyAnswer {
  readonly reason: string;
  /** What it asks for, in words. */
  readonly needs: string;
  readonly nodes: readonly { readonly node: string; readonly reason: string }[];
  /** Runs that go first. */
  readonly ahead: number;
}

export function whyLines(run: RunView, answer: WhyAnswer, nowMs: number): string[] {
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
