/**
 * [P] Which paths the lines of a `.gitignore` or `.expignore` leave out, for trees that are in no git repository: `#`
 * comments, `!`, a leading or inner `/` that anchors, a trailing `/` for directories, `*`, `?`, `[…]`, `**` and `\`.
 * The last line that matches decides. As in git, a file below an ignored directory cannot be taken back.
 */

export interface IgnoreRule {
  /** Of the path relative to the directory of the file that holds the line, with "/". */
  readonly pattern: RegExp;
  readonly directoriesOnly: boolean;
  /** The line begins with "!": what it names is kept. */
  readonly keeps: boolean;
}

export function parseIgnoreRules(text: string): IgnoreRule[] {
  return text.split(/\r?\n/).flatMap((line) => ruleOf(line) ?? []);
}

/** True where the rules leave the path out; undefined where they do not speak of it. */
export function isIgnored(rules: readonly IgnoreRule[], path: string, isDirectory: boolean): boolean | undefined {
  const rule = rules.findLast((each) => (isDirectory || !each.directoriesOnly) && each.pattern.test(path));
  return rule && !rule.keeps;
}

function ruleOf(line: string): IgnoreRule | undefined {
  // Blanks at the end do not count unless they are escaped.
  let text = line.replace(/(?<!\\)[ \t]+$/, "");
  if (text === "" || text.startsWith("#")) return undefined;
  const keeps = text.startsWith("!");
  if (keeps) text = text.slice(1);
  const directoriesOnly = text.endsWith("/");
  if (directoriesOnly) text = text.slice(0, -1);
  const anchored = text.includes("/");
  if (text.startsWith("/")) text = text.slice(1);
  if (text === "") return undefined;
  const source = globSource(text);
  // A pattern that is no valid class of characters matches nothing, as in git.
  if (source === undefined) return undefined;
  return { pattern: new RegExp(`^${anchored ? "" : "(?:.*/)?"}${source}$`, "su"), directoriesOnly, keeps };
}

function globSource(glob: string): string | undefined {
  let source = "";
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at);
    const [stars] = /^\*+/.exec(rest) ?? [""];
    const isWhole = (at === 0 || glob[at - 1] === "/") && (rest.length === stars.length || rest[stars.length] === "/");
    if (stars === "**" && isWhole) {
      if (rest === "**") return `${source}.+`;
      source += "(?:.*/)?";
      at += 3;
    } else if (stars !== "") {
      source += "[^/]*";
      at += stars.length;
    } else if (rest[0] === "?") {
      source += "[^/]";
      at += 1;
    } else if (rest[0] === "[") {
      const found = /^\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]/su.exec(rest);
      if (!found) return undefined;
      source += `(?!/)[${found[1] ? "^" : ""}${(found[2] ?? "").replace(/\\(.)/gsu, "$1").replace(/[\\\][^&~|]/g, "\\$&")}]`;
      at += found[0].length;
    } else {
      const escaped = rest[0] === "\\" && rest.length > 1;
      const char = String.fromCodePoint(rest.codePointAt(escaped ? 1 : 0) ?? 0);
      source += char.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
      at += char.length + (escaped ? 1 : 0);
    }
  }
  return source;
}
