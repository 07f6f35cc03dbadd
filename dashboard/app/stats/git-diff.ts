/** [P] A difference as `git diff` writes it, line by line, with what each line is. */

export type GitDiffKind = "file" | "hunk" | "added" | "removed" | "same";

export interface GitDiffLine {
  readonly kind: GitDiffKind;
  readonly text: string;
}

/** What begins with + or - is a change only within a hunk: the heads of files have such lines too. */
export function gitDiffLines(diff: string): GitDiffLine[] {
  let inHunk = false;
  return diff
    .replace(/\n$/, "")
    .split("\n")
    .map((text) => {
      if (text.startsWith("@@")) {
        inHunk = true;
        return { kind: "hunk", text };
      }
      if (text.startsWith("diff --git ")) inHunk = false;
      if (!inHunk) return { kind: "file", text };
      return { kind: text.startsWith("+") ? "added" : text.startsWith("-") ? "removed" : "same", text };
    });
}

/** Files that it is about, and lines that came and went. */
export function sizeOfDiff(lines: readonly GitDiffLine[]): { files: number; added: number; removed: number } {
  const count = (kind: GitDiffKind) => lines.filter((line) => line.kind === kind).length;
  const files = lines.filter(({ kind, text }) => kind === "file" && text.startsWith("diff --git ")).length;
  return { files, added: count("added"), removed: count("removed") };
}
