/**
 * The lines of a client stream that name files: `a` artifact and `k` checkpoint. Most lines are metrics; those are passed over
 * without being read.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { artifactBaseName, artifactKind, artifactName, CHECKPOINT_KIND } from "../../shared/run/artifacts.ts";
import { parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";

const PORTION_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** How our own writers begin the lines that are most. */
const PASSED = [Buffer.from('{"e":"m"'), Buffer.from('{"src":"cap/'), Buffer.from('{"e":"p"')];

export interface NamedFile {
  /** End of its line in the stream. */
  readonly end: number;
  readonly path: string;
  readonly name: string;
  /** What the program called it, where that is no name for a file. */
  readonly called?: string;
  readonly kind: string;
  readonly step?: number;
  /** Unix ms; undefined where the line does not say. */
  readonly at: number | undefined;
}

export class ClientLines {
  readonly #path: string;
  /** Everything before is read. */
  #offset: number;
  /** In the middle of a line that is too long to be one of ours. */
  #passing = false;

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  /** What whole lines are new, of at most about `bytesMax`; `more` where there is more. Throws the system's error. */
  read(bytesMax: number): { readonly named: NamedFile[]; readonly more: boolean } {
    const named: NamedFile[] = [];
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= this.#offset) return { named, more: false };
    const file = openSync(this.#path, "r");
    const buffer = Buffer.allocUnsafe(PORTION_BYTES);
    const until = this.#offset + bytesMax;
    try {
      while (this.#offset < size && this.#offset < until) {
        const count = readSync(file, buffer, 0, PORTION_BYTES, this.#offset);
        if (count === 0) break;
        const used = this.#take(buffer.subarray(0, count), named);
        if (used === 0) break;
        this.#offset += used;
      }
    } finally {
      closeSync(file);
    }
    return { named, more: this.#offset >= until && this.#offset < size };
  }

  /** Bytes that are done with: whole lines, and what cannot be a line. */
  #take(data: Buffer, named: NamedFile[]): number {
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      const line = data.subarray(start, end);
      start = end + 1;
      if (this.#passing) this.#passing = false;
      else if (line.length <= CLIENT_LINE_BYTES_MAX && !PASSED.some((head) => beginsWith(line, head))) {
        const found = namedFile(line.toString("utf8"), this.#offset + start);
        if (found) named.push(found);
      }
    }
    if (start === 0 && data.length === PORTION_BYTES) {
      this.#passing = true;
      return data.length;
    }
    return start;
  }
}

/** The file that a line names; undefined for every other line. `end`: where it ends in the stream. */
export function namedFile(line: string, end: number): NamedFile | undefined {
  const event = parseClientLine(line);
  if (event?.kind !== "other" || (event.letter !== "a" && event.letter !== "k")) return undefined;
  const { path, name, kind, s } = event.body;
  if (typeof path !== "string" || !path.startsWith("/") || path.includes("\0")) return undefined;
  const called = typeof name === "string" && name !== "" ? name : artifactBaseName(path.replace(/\/+$/, ""));
  const plain = artifactName(called);
  const step = typeof s === "number" && Number.isFinite(s) ? s : undefined;
  return {
    end,
    path,
    name: plain,
    ...(plain !== called && { called }),
    kind: event.letter === "k" ? CHECKPOINT_KIND : artifactKind(typeof kind === "string" ? kind : ""),
    ...(step !== undefined && { step }),
    at: event.at === undefined ? undefined : event.at * 1000,
  };
}

function beginsWith(line: Buffer, head: Buffer): boolean {
  return line.length >= head.length && line.compare(head, 0, head.length, 0, head.length) === 0;
}
