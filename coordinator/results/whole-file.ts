/**
 * Files that appear whole or not at all: written beside their place and renamed into it. Not synced: a projection can be
 * made again from the store and the streams, which are.
 */
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";

const PORTION_CHARS = 256 * 1024;

/** Puts a small file in its place. What is there already is not written again: to make a file and remove one costs more. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = temporaryOf(path);
  if (holds(path, content)) return removeStale(temporary);
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/** Makes `path` a symbolic link to `target`. */
export function linkWhole(target: string, path: string): void {
  try {
    symlinkSync(target, path);
    return;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
  if (linkTarget(path) === target) return;
  const temporary = temporaryOf(path);
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

/** Removes a file that no longer belongs there. */
export function removeStale(path: string): void {
  if (existsSync(path)) rmSync(path, { force: true });
}

/** A file written in portions. Must end in `commit` or `discard`. Nothing is created before the first text. */
export class WholeFile {
  readonly #path: string;
  #file: number | undefined;
  #waiting = "";

  constructor(path: string) {
    this.#path = path;
  }

  write(text: string): void {
    this.#waiting += text;
    if (this.#waiting.length >= PORTION_CHARS) this.#flush();
  }

  /** Puts the file in its place; without any text, removes what was there. */
  commit(): void {
    if (this.#waiting !== "") this.#flush();
    if (this.#file === undefined) {
      removeStale(this.#path);
      return;
    }
    closeSync(this.#file);
    this.#file = undefined;
    renameSync(temporaryOf(this.#path), this.#path);
  }

  /** Leaves what was there; does nothing after a commit. */
  discard(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(temporaryOf(this.#path), { force: true });
  }

  #flush(): void {
    this.#file ??= openSync(temporaryOf(this.#path), "w");
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = "";
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
  }
}

function holds(path: string, content: string | Uint8Array): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size !== Buffer.byteLength(content)) return false;
  return readFileSync(path).equals(Buffer.from(content));
}

/** The same name each time, so that what a killed process left is used up by the next. */
function temporaryOf(path: string): string {
  return `${path}.new`;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (systemCode(error) === "EINVAL") return undefined; // Not a link: replaced.
    throw error;
  }
}
