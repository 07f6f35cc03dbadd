/** Reading a stored stream of an attempt: never beyond what is vouched for as safely stored. */
import { type FileHandle, open } from "node:fs/promises";
import { systemCode } from "../../../shared/kernel/errors.ts";

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Opens the file to read; undefined where it is not there (yet). */
export async function openStored(path: string | undefined): Promise<FileHandle | undefined> {
  if (path === undefined) return undefined;
  try {
    return await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The bytes from `start` to `end` in portions. Ends early where the file does. */
export async function* readRange(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  let offset = start;
  while (offset < end) {
    // A fresh buffer each time: the portion before may still be on its way to a slow reader.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    offset += bytesRead;
  }
}

/** Where the last `lines` lines before `end` begin. A text after the last newline counts as a line. */
export async function tailOffset(file: FileHandle, end: number, lines: number): Promise<number> {
  let wanted = lines;
  let stop = end;
  while (stop > 0) {
    const start = Math.max(0, stop - CHUNK_BYTES);
    const buffer = Buffer.allocUnsafe(stop - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end closes the last line and does not begin another.
      if (buffer[i] !== NEWLINE || start + i === end - 1) continue;
      wanted -= 1;
      if (wanted === 0) return start + i + 1;
    }
    stop = start;
  }
  return 0;
}

/** Whole lines without their newlines; those longer than `lineBytesMax` are left out. */
export async function* readLines(file: FileHandle, end: number, lineBytesMax: number): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let tooLong = false;
  for await (const chunk of readRange(file, 0, end)) {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, at);
      if (!tooLong && restBytes + piece.length <= lineBytesMax) yield Buffer.concat([...rest, piece]).toString("utf8");
      rest = [];
      restBytes = 0;
      tooLong = false;
      start = at + 1;
    }
    const piece = chunk.subarray(start);
    restBytes += piece.length;
    tooLong ||= restBytes > lineBytesMax;
    rest = tooLong ? [] : [...rest, piece];
  }
}
