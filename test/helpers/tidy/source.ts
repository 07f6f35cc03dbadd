/** [P] Files as the house rules look at them, and what a rule reports. */

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  /** Counts from 1; absent where the rule is about the file as a whole. */
  readonly line?: number;
  /** What is wrong and how to mend it. */
  readonly message: string;
}

export function describeViolation({ path, line, message }: Violation): string {
  return `${path}${line === undefined ? "" : `:${line}`}: ${message}`;
}

/** Code that people write and that the programs are made of, in TypeScript. */
export function isOwnTypeScript(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.startsWith("proto/gen/");
}

/** Whether `path` is the entry itself or lies in it. Entries that end in `/` are folders. */
export function isIn(path: string, entries: readonly string[]): boolean {
  return entries.some((entry) => (entry.endsWith("/") ? path.startsWith(entry) : path === entry));
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** One violation for each match of the pattern in the text. */
export function violationsOf(
  file: SourceFile,
  text: string,
  pattern: RegExp,
  message: (match: string) => string,
): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineOf(text, match.index),
    message: message(match[1] ?? match[0]),
  }));
}

/**
 * The text with comments and the contents of strings, templates and regular expressions blanked out, at the same offsets.
 * Good enough for looking for words in code; code inside `${}` is blanked with its template.
 */
export function blankOut(text: string): string {
  const literal =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*|return\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return text.replace(literal, (found) => found.replace(/[^\n]/g, " "));
}
