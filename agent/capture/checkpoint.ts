/**
 * What capture of one attempt has come to, as a small file in its directory, so that an agent which starts again need not read
 * everything anew. It may be older than what was captured: the marks in the client stream tell the rest.
 */
import { join } from "node:path";
import { readIfPresent, replaceFile } from "../process/attempt-dir.ts";

export interface FileEntry {
  readonly path: string;
  readonly kind: "tensorboard" | "csv";
  /** Before each of its names. */
  readonly prefix: string;
  readonly place: number;
}

export interface Checkpoint {
  /** Bytes of the output that are read. */
  readonly output: number;
  /** In the middle of a line there. */
  readonly passing: boolean;
  /** Bytes of the client stream up to which all marks are in here. */
  readonly scanned: number;
  /** Metrics that the program logs itself. */
  readonly names: readonly string[];
  readonly files: readonly FileEntry[];
  /** CSV files that were there before, with their size then. */
  readonly earlier: { readonly [path: string]: number };
  /** Files that may be of several runs. */
  readonly unclear: readonly string[];
}

export const NO_CHECKPOINT: Checkpoint = {
  output: 0,
  passing: false,
  scanned: 0,
  names: [],
  files: [],
  earlier: {},
  unclear: [],
};

const pathOf = (dir: string): string => join(dir, "capture.json");

/** Throws the system's error. */
export function writeCheckpoint(dir: string, checkpoint: Checkpoint): void {
  replaceFile(pathOf(dir), JSON.stringify(checkpoint));
}

/** Undefined where there is none. One that was tampered with counts as none. */
export function readCheckpoint(dir: string): Checkpoint | undefined {
  const text = readIfPresent(pathOf(dir));
  if (text === undefined) return undefined;
  try {
    const body = { ...NO_CHECKPOINT, ...(JSON.parse(text) as Partial<Checkpoint>) };
    const isSound =
      [body.output, body.scanned].every(isPlace) &&
      Array.isArray(body.names) &&
      Array.isArray(body.unclear) &&
      Array.isArray(body.files) &&
      body.files.every((file: FileEntry) => typeof file.path === "string" && isPlace(file.place));
    return isSound ? body : undefined;
  } catch {
    return undefined;
  }
}

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
