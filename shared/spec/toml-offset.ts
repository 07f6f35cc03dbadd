/** Where a character of a string's value is written: strings in TOML and JSON have quotes and escapes around it. */

/** The offset within `raw`, the string as it is written with its quotes, of the value's unit number `index`. */
export function offsetInString(raw: string, index: number): number {
  const quote = raw[0] ?? "";
  const isLong = raw.length >= 6 && raw.startsWith(quote.repeat(3));
  let at = isLong ? 3 : 1;
  if (isLong && raw.startsWith("\r\n", at)) at += 2;
  else if (isLong && raw[at] === "\n") at += 1;
  if (quote === "'") return Math.min(at + index, raw.length);
  for (let unit = 0; at < raw.length; ) {
    const written = escapeAt(raw, at, isLong);
    if (unit >= index && written.units > 0) break;
    at += written.length;
    unit += written.units;
  }
  return Math.min(at, raw.length);
}

/** How long what stands at `at` is, and how many units of the value it makes. */
function escapeAt(raw: string, at: number, isLong: boolean): { length: number; units: number } {
  if (raw[at] !== "\\") return { length: 1, units: 1 };
  const digits = { u: 4, U: 8, x: 2 }[raw[at + 1] ?? ""];
  if (digits !== undefined) {
    const code = Number.parseInt(raw.slice(at + 2, at + 2 + digits), 16);
    return { length: 2 + digits, units: code > 0xffff ? 2 : 1 };
  }
  // A backslash at the end of a line of a long string takes all white space after it away.
  const blank = isLong ? /^\\[ \t]*\r?\n\s*/.exec(raw.slice(at)) : null;
  return blank ? { length: blank[0].length, units: 0 } : { length: 2, units: 1 };
}
