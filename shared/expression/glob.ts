/** Shell patterns as Python's fnmatchcase: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`, over the whole text, case kept. */

type Part =
  | "any"
  | "one"
  | { readonly negated: boolean; readonly ranges: readonly (readonly [from: number, to: number])[] };

/**
 * Whether the text matches; undefined where `steps` were not enough. Only the last `*` is ever tried again, so the work
 * is at most the product of both lengths, and never exponential.
 */
export function matchesGlob(text: string, pattern: string, steps: number): boolean | undefined {
  const characters = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const parts = readPattern(pattern);
  let left = steps - characters.length - parts.length;
  let at = 0;
  let part = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    left -= 1;
    if (left < 0) return undefined;
    const wanted = parts[part];
    if (wanted === "any") {
      star = part;
      starAt = at;
      part += 1;
    } else if (wanted !== undefined && fits(wanted, characters[at] ?? 0)) {
      at += 1;
      part += 1;
    } else if (star >= 0) {
      starAt += 1;
      at = starAt;
      part = star + 1;
    } else {
      return false;
    }
  }
  while (parts[part] === "any") part += 1;
  return part === parts.length;
}

function fits(part: "one" | Exclude<Part, string>, character: number): boolean {
  if (part === "one") return true;
  return part.ranges.some(([from, to]) => character >= from && character <= to) !== part.negated;
}

function readPattern(pattern: string): Part[] {
  const characters = Array.from(pattern);
  const parts: Part[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    const close = character === "[" ? closingBracket(characters, i) : -1;
    if (character === "*") {
      if (parts.at(-1) !== "any") parts.push("any");
    } else if (character === "?") {
      parts.push("one");
    } else if (close > 0) {
      parts.push(readSet(characters.slice(i + 1, close)));
      i = close;
    } else {
      const code = character.codePointAt(0) ?? 0;
      parts.push({ negated: false, ranges: [[code, code]] });
    }
  }
  return parts;
}

/** A `]` right after `[` or `[!` is a member of the set. -1: there is none, and `[` stands for itself. */
function closingBracket(characters: readonly string[], open: number): number {
  const first = characters[open + 1] === "!" ? open + 2 : open + 1;
  return characters.indexOf("]", first + 1);
}

function readSet(inside: readonly string[]): Part {
  const negated = inside[0] === "!";
  const members = (negated ? inside.slice(1) : inside).map((character) => character.codePointAt(0) ?? 0);
  const dash = 0x2d;
  const ranges: [number, number][] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i] ?? 0;
    const to = members[i + 2];
    if (members[i + 1] === dash && to !== undefined) {
      if (from <= to) ranges.push([from, to]);
      i += 2;
    } else {
      ranges.push([from, from]);
    }
  }
  return { negated, ranges };
}
