/** [P] What was typed, key by key: names for the keys that do something, the character itself for the others. */

const SEQUENCES: readonly (readonly [sequence: string, key: string])[] = [
  ["\u001b[A", "up"],
  ["\u001b[B", "down"],
  ["\u001b[C", "right"],
  ["\u001b[D", "left"],
  ["\u001bOA", "up"],
  ["\u001bOB", "down"],
  ["\u001b[H", "home"],
  ["\u001b[F", "end"],
  ["\u001b[1~", "home"],
  ["\u001b[4~", "end"],
  ["\u001b[5~", "page-up"],
  ["\u001b[6~", "page-down"],
  ["\u001b[Z", "back-tab"],
  ["\r", "enter"],
  ["\n", "enter"],
  ["\t", "tab"],
  ["\u007f", "backspace"],
  ["\b", "backspace"],
  ["\u0003", "interrupt"],
  ["\u0004", "interrupt"],
  ["\u0015", "clear"],
];
/** Sequences that mean nothing here: other function keys, mouse and focus reports. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters.
const UNKNOWN_SEQUENCE = /^\u001b(?:\[[0-9;?<]*[ -/]*[@-~]|O.)/;

export function keysOf(text: string): string[] {
  const keys: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const known = SEQUENCES.find(([sequence]) => rest.startsWith(sequence));
    const unknown = UNKNOWN_SEQUENCE.exec(rest)?.[0];
    if (known) {
      keys.push(known[1]);
      rest = rest.slice(known[0].length);
    } else if (unknown !== undefined) {
      rest = rest.slice(unknown.length);
    } else {
      const [char = ""] = rest;
      if (char === "\u001b") keys.push("escape");
      else if (char >= " ") keys.push(char);
      rest = rest.slice(char.length);
    }
  }
  return keys;
}
