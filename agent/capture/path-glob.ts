/** [P] Globs of paths: `*`, `?` and `[…]` within a name, `**` for any folders. */
import { matchesGlob } from "../../shared/expression/glob.ts";

const STEPS = 10_000;

/** The folders that a glob begins with and that are named in full, and the rest of it. */
export function splitGlob(glob: string): { readonly folder: string; readonly rest: readonly string[] } {
  const parts = glob.split("/").filter((part) => part !== "" && part !== ".");
  const first = parts.findIndex((part) => /[*?[]/.test(part));
  const named = first < 0 ? parts.length - 1 : first;
  return { folder: parts.slice(0, named).join("/"), rest: parts.slice(named) };
}

/** `path` and `glob` as their parts. */
export function matchesPath(path: readonly string[], glob: readonly string[]): boolean {
  const [part, ...rest] = glob;
  if (part === undefined) return path.length === 0;
  if (part === "**") {
    for (let skipped = 0; skipped <= path.length; skipped++) {
      if (
        matchesPath(
          path.slice(skipped),
          rest.filter((each, i) => i > 0 || each !== "**"),
        )
      )
        return true;
    }
    return false;
  }
  const [name, ...below] = path;
  return name !== undefined && matchesGlob(name, part, STEPS) === true && matchesPath(below, rest);
}
