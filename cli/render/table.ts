/**
 * [P] Tables for people: columns as wide as their cells. On a terminal they fit it: the widest cells are cut first, then
 * columns of lower rank are left out, those of the highest `rank` and the rightmost first.
 */
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
  /** Left out of a table where every cell is empty. */
  readonly optional?: boolean;
  /** How soon it goes where there is no room; 0 (where it is not said): at last. */
  readonly rank?: number;
  /** In characters, for lists that grow. */
  readonly minWidth?: number;
}

export interface TableOptions {
  /** Columns of the terminal; undefined: nothing is cut. */
  readonly width: number | undefined;
  readonly color: boolean;
  /** False: rows alone, for more of a list that has begun. */
  readonly titles?: boolean;
}

const GAP = "  ";
/** No cell is cut to less while there is a column to leave out. */
const CELL_WIDTH_GOOD = 10;
const CELL_WIDTH_MIN = 4;

/** Ends with a newline. The last column may be long: it is cut only when it is too much for the line. */
export function tableText<T>(all: readonly Column<T>[], rows: readonly T[], options: TableOptions): string {
  const texts = new Map(all.map((column) => [column, rows.map((row) => escapeControl(column.cell(row)) || "-")]));
  const filled = all.filter((column) => !column.optional || texts.get(column)?.some((text) => text !== "-"));
  const wanted = (column: Column<T>) =>
    (texts.get(column) ?? []).reduce(
      (most, text) => Math.max(most, displayWidth(text)),
      Math.max(displayWidth(escapeControl(column.title)), column.minWidth ?? 0),
    );
  const sized = filled.map((column): Sized<T> => ({ column, width: wanted(column) }));
  const fitting = options.width === undefined ? sized : fitted(sized, options.width);
  const line = (textOf: (column: Column<T>) => string, colourOf: (column: Column<T>) => Colour | undefined): string =>
    fitting
      .map(({ column, width }, at) => {
        const text = truncate(textOf(column), width);
        const isLast = at === fitting.length - 1;
        const padded = column.align === "right" ? padStart(text, width) : isLast ? text : padEnd(text, width);
        return paint(padded, colourOf(column), options.color);
      })
      .join(GAP)
      .trimEnd();
  const lines = rows.map((row, n) =>
    line(
      (column) => texts.get(column)?.[n] ?? "",
      (column) => column.colour?.(row),
    ),
  );
  if (options.titles !== false) {
    lines.unshift(
      line(
        ({ title }) => escapeControl(title),
        () => "strong",
      ),
    );
  }
  return lines.map((each) => `${each}\n`).join("");
}

interface Sized<T> {
  readonly column: Column<T>;
  readonly width: number;
}

/** Cuts cells, then leaves columns out, then cuts what is left as far as it goes. The first column always stays. */
function fitted<T>(sized: readonly Sized<T>[], width: number): Sized<T>[] {
  let kept = [...sized];
  for (;;) {
    const good = cutTo(kept, width, CELL_WIDTH_GOOD);
    if (total(good) <= width) return good;
    const highest = Math.max(...kept.slice(1).map(({ column }) => column.rank ?? 0));
    const at = highest > 0 ? kept.findLastIndex(({ column }, n) => n > 0 && column.rank === highest) : -1;
    if (at < 0) break;
    kept = kept.toSpliced(at, 1);
  }
  for (;;) {
    const least = cutTo(kept, width, CELL_WIDTH_MIN);
    if (total(least) <= width) return least;
    if (kept.length === 1) return kept.map((each) => ({ ...each, width }));
    kept = kept.slice(0, -1);
  }
}

/** Takes from the widest column until all fit, but leaves each `least` characters. */
function cutTo<T>(sized: readonly Sized<T>[], width: number, least: number): Sized<T>[] {
  const widths = sized.map((each) => each.width);
  let excess = total(sized) - width;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= least) break;
    const second = Math.max(least, ...widths.filter((each) => each < widest));
    const at = widths.lastIndexOf(widest);
    const cut = Math.min(excess, Math.max(1, widest - second));
    widths[at] = widest - cut;
    excess -= cut;
  }
  return sized.map(({ column }, at) => ({ column, width: widths[at] ?? 0 }));
}

function total(sized: readonly { readonly width: number }[]): number {
  return sized.reduce((sum, { width }) => sum + width, GAP.length * (sized.length - 1));
}
