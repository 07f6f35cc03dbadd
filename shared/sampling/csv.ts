/**
 * [P] CSV (RFC 4180): fields in quotes may hold commas, quotes written twice, and line breaks. Every field has its place.
 * Lines end in LF or CR LF; empty lines are passed over.
 */

export interface CsvField {
  readonly text: string;
  /** Offsets into the file, quotes included. */
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

export interface CsvProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** Records one after the other; a problem ends them. */
export function* csvRecords(text: string): Generator<CsvField[] | CsvProblem> {
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const blank = /[ \t]*(?:\r?\n|$)/y;
    blank.lastIndex = at;
    if (blank.test(text)) {
      at = blank.lastIndex;
      continue;
    }
    const fields: CsvField[] = [];
    for (;;) {
      const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
      if ("message" in field) return yield field;
      fields.push(field);
      at = field.end;
      if (text[at] !== ",") break;
      at += 1;
    }
    yield fields;
    if (text[at] === "\r") at += 1;
    at += 1;
  }
}

function plainField(text: string, start: number): CsvField | CsvProblem {
  const pattern = /[^,\n]*/y;
  pattern.lastIndex = start;
  const found = (pattern.exec(text)?.[0] ?? "").replace(/\r$/, "");
  const quote = found.indexOf('"');
  if (quote < 0) return { text: found.trim(), start, end: start + found.length, isQuoted: false };
  const message = "a quote within a field; a field that holds quotes is put in quotes, and they are written twice";
  return { message, start: start + quote, end: start + quote + 1 };
}

function quotedField(text: string, start: number): CsvField | CsvProblem {
  let end = start + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) return { message: "the quotes of this field do not end", start, end: start + 1 };
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const inner = text.slice(start + 1, end).replaceAll('""', '"');
  end += 1;
  const rest = text.slice(end, end + 2);
  const isEnd = rest === "" || rest[0] === "," || rest[0] === "\n" || rest === "\r\n" || rest === "\r";
  if (!isEnd)
    return { message: "a comma or the end of the line is expected after the quotes", start: end, end: end + 1 };
  return { text: inner, start, end, isQuoted: true };
}
