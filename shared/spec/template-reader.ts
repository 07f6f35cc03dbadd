/** Texts of a file that may hold `${…}`, read and checked at their own place. */
import type { SpecNode } from "./node.ts";
import { addFinding, type Report, readText, valueSpan, wrongValue } from "./report.ts";
import { textAt } from "./source-files.ts";
import { type TextRole, templateIssues } from "./template-check.ts";
import { offsetInString } from "./toml-offset.ts";
import type { ArgsStyle } from "./types.ts";

/** A text that may hold `${…}`. Undefined where there is none, and where it is empty, which is reported. */
export function readTemplate(
  report: Report,
  node: SpecNode | undefined,
  label: string,
  role: TextRole,
  names: ReadonlySet<string>,
): string | undefined {
  const text = node && readText(report, node, label);
  if (!node || text === undefined) return undefined;
  if (text.trim() === "") return wrongValue(report, node, `${label} is empty`, "leave it out");
  if (role === "plain") refuseTilde(report, node, label, text);
  checkTemplate(report, node, text, role, names);
  return text;
}

/** The shell's short word for a home directory is no path. */
export function refuseTilde(report: Report, node: SpecNode, label: string, text: string): void {
  if (!text.startsWith("~")) return;
  wrongValue(report, node, `${label} starts with "~", which is not expanded`, "write it out, or use ${env.HOME}");
}

/** Reports placeholders that will not render, each at its own place where the file has it as written. */
export function checkTemplate(
  report: Report,
  node: SpecNode,
  text: string,
  role: TextRole,
  names: ReadonlySet<string>,
  args?: ArgsStyle,
): void {
  const seen = new Set<string>();
  for (const { raw, start, end, message, hint } of templateIssues(text, role, names, args)) {
    if (seen.has(raw)) continue;
    seen.add(raw);
    const whole = valueSpan(node);
    const written = textAt(report.files, whole);
    const place = (index: number) => whole.start + offsetInString(written, index);
    const span = { start: place(start), end: place(Math.max(end, start + 1)) };
    addFinding(report, { id: "spec.template", message, span, hint });
  }
}
