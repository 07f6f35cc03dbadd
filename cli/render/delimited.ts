/** [P] Lists as CSV (RFC 4180) and as Markdown. */
import type { Column } from "./table.ts";
import { escapeControl } from "./text.ts";

/** With a line of titles where they are wanted. A cell that a spreadsheet would take for a formula starts with an apostrophe. */
export function csvText<T>(columns: readonly Column<T>[], rows: readonly T[], titles = true): string {
  const lines = titles ? [columns.map((column) => csvCell(column.title.toLowerCase()))] : [];
  for (const row of rows) lines.push(columns.map((column) => csvCell(column.cell(row))));
  return lines.map((cells) => `${cells.join(",")}\n`).join("");
}

export function csvCell(text: string): string {
  const isNumber = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text);
  const guarded = /^[=+\-@\t\r]/.test(text) && !isNumber;
  const safe = guarded ? `'${text}` : text;
  return guarded || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function markdownText<T>(columns: readonly Column<T>[], rows: readonly T[], titles = true): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const cell = (text: string) => escapeControl(text).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
  const head =
    line(columns.map((column) => cell(column.title))) +
    line(columns.map((column) => (column.align === "right" ? "---:" : "---")));
  return (titles ? head : "") + rows.map((row) => line(columns.map((column) => cell(column.cell(row))))).join("");
}
