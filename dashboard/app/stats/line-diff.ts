/** [P] The difference of two texts, line by line. */

export interface DiffLine {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
}

/** Texts with more lines in what differs are not compared: the table below grows with the product. */
const LINES_MAX = 3_000;

/** The shortest way from one to the other by whole lines; undefined where they are too long to compare. */
export function lineDiff(before: string, after: string): DiffLine[] | undefined {
  const old = before.split("\n");
  const now = after.split("\n");
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const middleOld = old.slice(start, old.length - end);
  const middleNow = now.slice(start, now.length - end);
  if (Math.max(middleOld.length, middleNow.length) > LINES_MAX) return undefined;
  return [
    ...old.slice(0, start).map(same),
    ...middleDiff(middleOld, middleNow),
    ...old.slice(old.length - end).map(same),
  ];
}

/** Only lines within `around` lines of a change; undefined stands for what is left out. */
export function nearChanges(lines: readonly DiffLine[], around: number): (DiffLine | undefined)[] {
  const near = new Set<number>();
  for (const [i, { kind }] of lines.entries()) {
    if (kind === "same") continue;
    for (let j = i - around; j <= i + around; j++) near.add(j);
  }
  const kept: (DiffLine | undefined)[] = [];
  for (const [i, line] of lines.entries()) {
    if (near.has(i)) kept.push(line);
    else if (kept.length === 0 || kept.at(-1) !== undefined) kept.push(undefined);
  }
  return kept;
}

function same(text: string): DiffLine {
  return { kind: "same", text };
}

/** By the longest common subsequence. */
function middleDiff(old: readonly string[], now: readonly string[]): DiffLine[] {
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    const [left, right] = [old[i], now[j]];
    if (left !== undefined && left === right) {
      lines.push(same(left));
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: left });
      i += 1;
    } else if (right !== undefined) {
      lines.push({ kind: "added", text: right });
      j += 1;
    }
  }
  return lines;
}
