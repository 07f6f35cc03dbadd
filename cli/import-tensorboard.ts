/** Reading TensorBoard's event files on this machine: each directory with some is a run, each scalar a metric point. */
import { open, readdir, stat } from "node:fs/promises";
import { basename, join, posix, sep } from "node:path";
import { readFrames, type Scalar } from "../shared/capture/tfevents.ts";
import { damaged } from "../shared/compat/imported-run.ts";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import type { FoundDirectory } from "./import-source.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
/** Of one frame: an event with pictures is larger than any with numbers. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;

/** Every directory with event files, by name; without its points. Throws AppError where the root cannot be read. */
export async function* findEventRuns(root: string): AsyncGenerator<FoundDirectory> {
  for (const directory of await directoriesWithEvents(root)) {
    let [first, last, points] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    const problems: string[] = [];
    for await (const { at } of scalarsIn(join(root, directory), problems)) {
      [first, last, points] = [Math.min(first, at), Math.max(last, at), points + 1];
    }
    const [problem] = problems;
    if (problem !== undefined) yield { directory, found: damaged(problem) };
    else if (points === 0) yield { directory, found: { kind: "not-completed", status: "without scalars" } };
    else {
      const run = directory === "." ? basename(root) : directory;
      const times = { startedAt: Math.round(first * 1000), finishedAt: Math.round(last * 1000) };
      const configJson = JSON.stringify({ run });
      yield {
        directory,
        found: { kind: "completed", run: { directory, configJson, command: "", ...times, tags: [] } },
      };
    }
  }
}

/** The points of one directory as lines of a client stream. */
export async function* scalarLines(path: string): AsyncGenerator<string> {
  for await (const { tag, value, step, at } of scalarsIn(path, [])) {
    const shown = Number.isFinite(value) ? value : String(value);
    yield JSON.stringify({ e: "m", t: at, s: step, v: { [tag]: shown } });
  }
}

async function directoriesWithEvents(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true, recursive: true });
    const found = entries.filter(isEventFile).map(({ parentPath }) => parentPath.slice(root.length + 1) || ".");
    return [...new Set(found.map((path) => path.split(sep).join(posix.sep)))].sort();
  } catch (error) {
    const code = systemCode(error);
    const why = code === "ENOENT" ? "there is no such directory" : code === "ENOTDIR" ? "it is no directory" : code;
    throw new AppError("invalid", `${root} cannot be read: ${why}`, { id: "import.read", cause: error });
  }
}

function isEventFile(entry: { name: string; isFile(): boolean }): boolean {
  return entry.isFile() && entry.name.includes("tfevents");
}

/** Of one directory, file by file: their names begin with the time. What cannot be read is said in `problems`. */
async function* scalarsIn(path: string, problems: string[]): AsyncGenerator<Scalar> {
  const names = (await readdir(path, { withFileTypes: true })).filter(isEventFile).map(({ name }) => name);
  for (const name of names.sort()) yield* scalarsOfFile(join(path, name), problems);
}

async function* scalarsOfFile(path: string, problems: string[]): AsyncGenerator<Scalar> {
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    let offset = 0;
    let room = CHUNK_BYTES;
    while (offset < size) {
      const buffer = Buffer.allocUnsafe(Math.min(room, size - offset));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      const { scalars, consumed, needed, broken, damaged } = readFrames(buffer.subarray(0, bytesRead));
      yield* scalars;
      offset += consumed;
      if (broken) problems.push(`${basename(path)} is damaged at byte ${offset}`);
      else if (damaged > 0) problems.push(`${basename(path)} has ${damaged} damaged events`);
      // The rest is the beginning of an event that was never finished.
      const isEnd = consumed === 0 && offset + bytesRead >= size;
      if (broken || isEnd || needed > FRAME_BYTES_MAX || bytesRead === 0) return;
      room = Math.max(CHUNK_BYTES, needed);
    }
  } finally {
    await file.close();
  }
}
