/** [P] What is different between two texts, line by line, as `diff -u` writes it. */

/** Lines around a change that are shown with it. */
const CONTEXT = 3;
/** Texts that differ in more lines than this are shown as wholly different: finding the shortest way takes too long. */
const EDITS_MAX = 2_000;

type Edit = { readonly kind: " " | "-" | "+"; readonly text: string };

/** Lines of a difference with its heading; none for equal texts. */
export function unifiedDiff(before: string, after: string, names: readonly [before: string, after: string]): string[] {
  if (before === after) return [];
  const edits = editsBetween(linesOf(before), linesOf(after));
  return [`--- ${names[0]}`, `+++ ${names[1]}`, ...hunks(edits)];
}

/** A last line without its end is another line than one with it. */
function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return last === "" ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}

function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const same = (text: string): Edit => ({ kind: " ", text });
  return [
    ...before.slice(0, start).map(same),
    ...shortestWay(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

/** Myers' greedy way: the furthest point on each diagonal for a growing number of edits. */
function shortestWay(before: readonly string[], after: readonly string[]): Edit[] {
  const limit = Math.min(before.length + after.length, EDITS_MAX);
  const furthest = new Map<number, number>([[1, 0]]);
  const steps: Map<number, number>[] = [];
  for (let edits = 0; edits <= limit; edits++) {
    steps.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const [left, right] = [furthest.get(diagonal - 1) ?? -1, furthest.get(diagonal + 1) ?? -1];
      let x = diagonal === -edits || (diagonal !== edits && left < right) ? right : left + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return wayBack(before, after, steps);
    }
  }
  return [...before.map((text): Edit => ({ kind: "-", text })), ...after.map((text): Edit => ({ kind: "+", text }))];
}

function wayBack(before: readonly string[], after: readonly string[], steps: readonly Map<number, number>[]): Edit[] {
  const way: Edit[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    const furthest = steps[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const [left, right] = [furthest.get(diagonal - 1) ?? -1, furthest.get(diagonal + 1) ?? -1];
    const down = diagonal === -edits || (diagonal !== edits && left < right);
    const fromX = down ? right : left;
    const fromY = fromX - (diagonal + (down ? 1 : -1));
    while (x > fromX && y > fromY) {
      way.push({ kind: " ", text: before[x - 1] ?? "" });
      x -= 1;
      y -= 1;
    }
    if (edits === 0) break;
    if (down) way.push({ kind: "+", text: after[--y] ?? "" });
    else way.push({ kind: "-", text: before[--x] ?? "" });
  }
  return way.reverse();
}

function hunks(edits: readonly Edit[]): string[] {
  const lines: string[] = [];
  let [beforeLine, afterLine] = [1, 1];
  for (let at = 0; at < edits.length; ) {
    const next = edits.findIndex((edit, i) => i >= at && edit.kind !== " ");
    if (next < 0) break;
    const start = Math.max(at, next - CONTEXT);
    beforeLine += start - at;
    afterLine += start - at;
    const end = endOfHunk(edits, next);
    const hunk = edits.slice(start, end);
    const [olds, news] = [
      hunk.filter(({ kind }) => kind !== "+").length,
      hunk.filter(({ kind }) => kind !== "-").length,
    ];
    lines.push(`@@ -${rangeOf(beforeLine, olds)} +${rangeOf(afterLine, news)} @@`);
    for (const { kind, text } of hunk) lines.push(...`${kind}${text}`.split("\n"));
    beforeLine += olds;
    afterLine += news;
    at = end;
  }
  return lines;
}

/** Changes that are close to each other are shown together. */
function endOfHunk(edits: readonly Edit[], first: number): number {
  let last = first;
  for (let i = first; i < edits.length && i - last <= 2 * CONTEXT; i++) if (edits[i]?.kind !== " ") last = i;
  return Math.min(edits.length, last + CONTEXT + 1);
}

function rangeOf(line: number, count: number): string {
  return `${count === 0 ? line - 1 : line}${count === 1 ? "" : `,${count}`}`;
}
