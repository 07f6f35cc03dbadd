/**
 * [P] The order in which EXP runs the entries of a file: larger priority first, then by name, then by command. What is
 * still equal is ordered by what EXP compares next (tags, GPUs, directories, the time to resume from), where EXP can compare
 * it for all of them; it ends with an error where it cannot, and here the order of the file holds.
 */

export interface Ordered {
  readonly priority: bigint;
  readonly name: string;
  readonly command: string;
  /** What EXP compares after the command, in its order. */
  readonly further: readonly OrderKey[];
}

/** Undefined: not set, which EXP cannot compare with a text. "equal": comparable only with one of the same text. */
export type OrderKey = string | undefined | readonly (string | bigint)[] | { readonly equal: string };

/** Sorted copies of the same entries. */
export function inExpOrder<Entry extends Ordered>(entries: readonly Entry[]): Entry[] {
  const sorted = entries.toSorted(
    (a, b) => compare(b.priority, a.priority) || compareText(a.name, b.name) || compareText(a.command, b.command),
  );
  const result: Entry[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && isSameWork(sorted[from], sorted[to])) to += 1;
    result.push(...inFurtherOrder(sorted.slice(from, to)));
    from = to;
  }
  return result;
}

/** By code point, as Python compares texts; `<` goes by UTF-16 units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  // Both halves of a pair count as one: step back onto its first.
  if (at > 0 && isTrail(a.charCodeAt(at)) && isTrail(b.charCodeAt(at))) at -= 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function isSameWork(a: Ordered | undefined, b: Ordered | undefined): boolean {
  return a?.priority === b?.priority && a?.name === b?.name && a?.command === b?.command;
}

function inFurtherOrder<Entry extends Ordered>(entries: readonly Entry[]): readonly Entry[] {
  if (entries.length === 1) return entries;
  let comparable = true;
  const sorted = entries.toSorted((a, b) => {
    const order = compareFurther(a.further, b.further);
    if (order === undefined) comparable = false;
    return order ?? 0;
  });
  return comparable ? sorted : entries;
}

/** Undefined where Python raises. */
function compareFurther(a: readonly OrderKey[], b: readonly OrderKey[]): number | undefined {
  for (const [i, left] of a.entries()) {
    const order = compareKeys(left, b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareKeys(a: OrderKey, b: OrderKey): number | undefined {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (isList(a) && isList(b)) return compareLists(a, b);
  if (isOpaque(a) && isOpaque(b)) return a.equal === b.equal ? 0 : undefined;
  return a === b ? 0 : undefined;
}

function compareLists(a: readonly (string | bigint)[], b: readonly (string | bigint)[]): number | undefined {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    if (right === undefined) return 1;
    if (left === right) continue;
    if (typeof left === "string" && typeof right === "string") return compareText(left, right);
    return typeof left === "bigint" && typeof right === "bigint" ? compare(left, right) : undefined;
  }
  return a.length - b.length;
}

function isList(key: OrderKey): key is readonly (string | bigint)[] {
  return Array.isArray(key);
}

function isOpaque(key: OrderKey): key is { readonly equal: string } {
  return typeof key === "object" && "equal" in key;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
