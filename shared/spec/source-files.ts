/**
 * The files that make up one sweep file, laid one after the other: an offset says at once which file it lies in, so that
 * what is merged from several files still knows where each part is written.
 */
import type { SourcePlace } from "../kernel/errors.ts";

export interface SourceFile {
  /** For messages; empty for a spec made from a command line. */
  readonly path: string;
  readonly text: string;
  /** Absolute; relative paths in this file start here. */
  readonly directory: string;
  /** Offset of its first character among all files. */
  readonly origin: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A longer line is not shown under a message. */
const LINE_SHOWN_MAX = 400;

/** The file that holds an offset. There must be one file at least. */
export function fileAt(files: readonly SourceFile[], offset: number): SourceFile {
  const file = files.findLast(({ origin }) => origin <= offset) ?? files[0];
  if (!file) throw new Error("assertion failed: a sweep file has a text");
  return file;
}

/** The text of a span, which lies within one file. */
export function textAt(files: readonly SourceFile[], { start, end }: Span): string {
  const { text, origin } = fileAt(files, start);
  return text.slice(start - origin, end - origin);
}

/** The place of a span, with its line unless the span is empty; undefined for a spec that is in no file. */
export function placeOf(files: readonly SourceFile[], span: Span): SourcePlace | undefined {
  const { path, text, origin } = fileAt(files, span.start);
  if (path === "") return undefined;
  const start = span.start - origin;
  const end = span.end - origin;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", start);
  const lineEnd = newline < 0 ? text.length : newline;
  const line = text.slice(lineStart, lineEnd).replace(/\r$/, "");
  // Only the first line of a span is underlined, and at least one character of it.
  const length = Math.max(1, Math.min(end, lineStart + line.length) - start);
  return {
    file: path,
    line: countLines(text, lineStart),
    column: start - lineStart + 1,
    ...(end > start && line.length <= LINE_SHOWN_MAX && { text: line, length }),
  };
}

function countLines(text: string, end: number): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
