/** [P] Reads CSV as Python's csv module writes it: the rows of a table of metrics that may still be being written. */

export interface CsvPart {
  /** Complete rows, each a list of cells. */
  readonly rows: readonly (readonly string[])[];
  /** Characters up to the end of the last complete row. */
  readonly length: number;
}

/** Complete rows of `text`: the last one counts only with its line end. Empty lines are no rows. */
export function parseCsv(text: string): CsvPart {
  const rows: string[][] = [];
  let row: string[] = [];
  let length = 0;
  let at = 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at);
    if (!cell) break;
    row.push(cell.value);
    at = cell.end;
    if (text[at] === ",") {
      at += 1;
      continue;
    }
    if (text[at] === "\r" && at + 1 === text.length) break;
    at += text.startsWith("\r\n", at) ? 2 : 1;
    if (row.length > 1 || row[0] !== "" || cell.quoted) rows.push(row);
    row = [];
    length = at;
  }
  return { rows, length };
}

interface Cell {
  readonly value: string;
  /** Place of what ended it. */
  readonly end: number;
  readonly quoted: boolean;
}

const CELL_END = /[,\r\n]/g;

function plainCell(text: string, start: number): Cell | undefined {
  CELL_END.lastIndex = start;
  const end = CELL_END.exec(text)?.index;
  return end === undefined ? undefined : { value: text.slice(start, end), end, quoted: false };
}

function quotedCell(text: string, start: number): Cell | undefined {
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    // Behind the closing quote there must be the end of the cell, or it may be the first of two.
    if (quote === -1 || quote + 1 === text.length) return undefined;
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1, quoted: true };
    value += '"';
    from = quote + 2;
  }
}
