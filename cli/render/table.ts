/** [P] Tables for people: columns as wide as their cells, cut to the terminal where there is one. */
import { type Colour, paint } from "./colour.ts";
import { escapeControl } from "./text.ts";
import { displayWidth, padEnd, padStart, truncate } from "./width.ts";

export interface Column<T> {
  readonly title: string;
  /** Text of the cell, not yet escaped; "" shows as "-". */
  readonly cell: (row: T) => string;
  readonly align?: "right";
  /** Shown by `-o wide` and in files only. */
  readonly wide?: boolean;
  readonly colour?: (row: T) => Colour | undefined;
}

export interface TableOptions {
  /** Columns of the terminal; undefined: nothing is cut. */
  readonly width: number | undefined;
  readonly color: boolean;
}

const GAP = "  ";
const CELL_WIDTH_MIN = 4;

/** Ends with a newline. The last column may be long: it is cut only when it is too much for the line. */
export function tableText<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions): string {
  const cells = rows.map((row) => columns.map((column) => escapeControl(column.cell(row)) || "-"));
  const wanted = columns.map((column, at) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(row[at] ?? "")), displayWidth(column.title)),
  );
  const widths = options.width === undefined ? wanted : fitWidths(wanted, options.width);
  const line = (texts: readonly string[], colourOf: (at: number) => Colour | undefined): string =>
    columns
      .map((column, at) => {
        const width = widths[at] ?? 0;
        const text = truncate(texts[at] ?? "", width);
        const padded =
          column.align === "right" ? padStart(text, width) : at === columns.length - 1 ? text : padEnd(text, width);
        return paint(padded, colourOf(at), options.color);
      })
      .join(GAP)
      .trimEnd();
  const title = line(
    columns.map((column) => column.title),
    () => "strong",
  );
  const lines = cells.map((texts, n) => {
    const row = rows[n];
    return line(texts, (at) => (row === undefined ? undefined : columns[at]?.colour?.(row)));
  });
  return `${[title, ...lines].join("\n")}\n`;
}

/** Takes from the widest column until all fit, but leaves each a few characters. */
function fitWidths(wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1)) - width;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= CELL_WIDTH_MIN) break;
    const second = Math.max(CELL_WIDTH_MIN, ...widths.filter((each) => each < widest));
    const at = widths.lastIndexOf(widest);
    const cut = Math.min(excess, Math.max(1, widest - second));
    widths[at] = widest - cut;
    excess -= cut;
  }
  return widths;
}
