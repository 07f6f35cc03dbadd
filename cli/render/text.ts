/** [P] User text made fit to print: nothing in a name or a message may move the cursor or change how the rest reads. */

// Control characters, and the invisible ones that turn the direction of text.
const UNSAFE = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Control characters as "\x1b", "\n", "\u{202e}". */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const known = KNOWN.get(char);
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

const KNOWN = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** "1 run", "2 runs" */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Numbers as people compare them: 5 significant digits, no noise. */
export function shortNumber(value: number | string): string {
  if (typeof value === "string") return escapeControl(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const text = value.toPrecision(5);
  return String(Number(text));
}

/** A word as a shell takes it, for commands that people paste. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${escapeControl(word).replaceAll("'", "'\\''")}'`;
}
