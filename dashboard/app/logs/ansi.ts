/** The colours of a terminal in a line of output, as spans of text. Everything else that a terminal would obey is dropped. */

export interface Span {
  readonly text: string;
  /** Names of style classes; empty for plain text. */
  readonly style: string;
}

interface Look {
  colour: number | undefined;
  bold: boolean;
  faint: boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what this is about (ECMA-48)
const SEQUENCE = /\u001b(?:\[([0-9;:?]*)([ -/]*[@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above, and marks that show text in another order than it has
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g;
/** A line may be one megabyte of colour changes. */
const SPANS_MAX = 500;

/** What a terminal shows of a line: a bar that redraws itself with carriage returns is its last state. */
export function collapse(line: string): string {
  const shown = line.endsWith("\r") ? line.slice(0, -1) : line;
  const at = shown.lastIndexOf("\r");
  return at < 0 ? shown : shown.slice(at + 1);
}

/** A line as people read it. */
export function plainText(line: string): string {
  return clean(line.includes("\u001b") ? line.replace(SEQUENCE, "") : line);
}

export function spansOf(line: string): Span[] {
  if (!line.includes("\u001b")) return [{ text: clean(line), style: "" }];
  const spans: Span[] = [];
  const look: Look = { colour: undefined, bold: false, faint: false };
  let from = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    push(spans, line.slice(from, match.index), look);
    from = match.index + match[0].length;
    if (match[2] === "m") obey(look, match[1] ?? "");
    if (spans.length >= SPANS_MAX) break;
  }
  push(spans, line.slice(from), look);
  return spans;
}

function push(spans: Span[], text: string, look: Look): void {
  const shown = clean(text.replace(SEQUENCE, ""));
  if (shown === "") return;
  const style = [
    look.colour === undefined ? "" : `ansi-${look.colour}`,
    look.bold ? "ansi-bold" : "",
    look.faint ? "ansi-faint" : "",
  ];
  spans.push({ text: shown, style: style.filter((name) => name !== "").join(" ") });
}

function clean(text: string): string {
  return text.replace(CONTROL, "");
}

/** Select Graphic Rendition: the sixteen colours, bold, faint; other colours fall back to the text's own. */
function obey(look: Look, codes: string): void {
  const numbers = codes === "" ? [0] : codes.split(/[;:]/).map(Number);
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0;
    if (code === 0) Object.assign(look, { colour: undefined, bold: false, faint: false });
    else if (code === 1) look.bold = true;
    else if (code === 2) look.faint = true;
    else if (code === 22) Object.assign(look, { bold: false, faint: false });
    else if (code >= 30 && code <= 37) look.colour = code - 30;
    else if (code >= 90 && code <= 97) look.colour = code - 90 + 8;
    else if (code === 39) look.colour = undefined;
    else if (code === 38 || code === 48) {
      // 5;N of the first sixteen is known here; the rest is passed over with what belongs to it.
      const indexed = numbers[i + 1] === 5;
      const value = numbers[i + 2] ?? 0;
      if (code === 38) look.colour = indexed && value < 16 ? value : undefined;
      i += indexed ? 2 : 4;
    }
  }
}
