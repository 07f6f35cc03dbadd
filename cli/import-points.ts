/**
 * The metric points of one directory that is imported, as lines of a client stream in portions. The same files give the same
 * bytes, so that an import that was interrupted goes on where it was. Files are read as streams, however large they are.
 */
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { metricsFilesOf } from "../shared/compat/exp-run.ts";
import { csvCells, finalsLine, pointLine, rowLine } from "../shared/compat/import-lines.ts";
import type { ImportTool } from "../shared/compat/imported-run.ts";
import { ZTXEXP_FILES, ZTXEXP_METRICS } from "../shared/compat/ztxexp-run.ts";
import { systemCode } from "../shared/kernel/errors.ts";
import { CLIENT_LINE_BYTES_MAX } from "../shared/run/limits.ts";
import { FILE_BYTES_MAX } from "./import-source.ts";
import { scalarLines } from "./import-tensorboard.ts";
import { plural } from "./render/text.ts";

const PORTION_CHARS = 1024 * 1024;
/** Of one line that is read; what is longer ends its file. */
const LINE_CHARS_MAX = 16 * 1024 * 1024;

/** Takes a sentence about a file that is not taken as a whole. */
export type Say = (problem: string) => void;

/** Whole lines. What cannot be read is left out and said. */
export async function* pointsOf(tool: ImportTool, root: string, directory: string, say: Say): AsyncGenerator<Buffer> {
  const path = join(root, directory);
  const tell: Say = (problem) => say(`${directory}: ${problem}`);
  const lines =
    tool === "tensorboard" ? scalarLines(path) : tool === "exp" ? expLines(path, tell) : ztxexpLines(path, tell);
  let text = "";
  let tooLong = 0;
  for await (const line of readable(lines, tell)) {
    if (Buffer.byteLength(line) >= CLIENT_LINE_BYTES_MAX) {
      tooLong += 1;
      continue;
    }
    text += `${line}\n`;
    if (text.length < PORTION_CHARS) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (tooLong > 0) tell(`${plural(tooLong, "row")} of more than ${CLIENT_LINE_BYTES_MAX / 1024} KiB left out`);
  if (text !== "") yield Buffer.from(text);
}

/** What the system refuses ends the points, and is said. */
async function* readable(lines: AsyncIterable<string>, tell: Say): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    tell(`its metrics cannot be read: ${code}`);
  }
}

async function* expLines(path: string, tell: Say): AsyncGenerator<string> {
  const names = await namesIn(join(path, "metrics"));
  const text = await readFile(join(path, "metadata.json"), "utf8");
  for (const name of metricsFilesOf(text, names)) {
    let columns: string[] | undefined;
    for await (const record of csvTexts(join(path, "metrics", name), (why) => tell(`metrics/${name}: ${why}`))) {
      const cells = csvCells(record);
      if (!cells) {
        if (record.trim() === "") continue;
        tell(`metrics/${name}: what comes after a line that is no CSV is left out`);
        break;
      }
      if (columns) yield rowLine(columns, cells);
      else columns = cells;
    }
  }
}

async function* ztxexpLines(path: string, tell: Say): AsyncGenerator<string> {
  let unread = 0;
  for await (const line of linesOf(join(path, ZTXEXP_METRICS), (why) => tell(`${ZTXEXP_METRICS}: ${why}`))) {
    if (line.trim() === "") continue;
    const point = pointLine(line);
    if (point === undefined) unread += 1;
    else yield point;
  }
  if (unread > 0) tell(`${ZTXEXP_METRICS}: ${plural(unread, "line")} without metrics left out`);
  const finals = await readFinals(join(path, ZTXEXP_FILES.metricsJson), tell);
  if (finals !== undefined) yield finals;
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function readFinals(path: string, tell: Say): Promise<string | undefined> {
  try {
    const name = ZTXEXP_FILES.metricsJson;
    if ((await stat(path)).size > FILE_BYTES_MAX) {
      tell(`${name} is left out: it has more than ${FILE_BYTES_MAX / 1024 ** 2} MiB`);
      return undefined;
    }
    const finals = finalsLine(await readFile(path, "utf8"));
    if ("line" in finals) return finals.line;
    tell(`${name} is left out: it ${finals.problem}`);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  return undefined;
}

/** Records with what stands between quotes, line breaks included. */
async function* csvTexts(path: string, tell: Say): AsyncGenerator<string> {
  let record = "";
  for await (const line of linesOf(path, tell)) {
    record += `${line}\n`;
    if ((record.split('"').length - 1) % 2 === 1 && record.length <= LINE_CHARS_MAX) continue;
    yield record;
    record = "";
  }
  if (record !== "") yield record;
}

/** Without their line feeds; none where there is no file. */
async function* linesOf(path: string, tell: Say): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: PORTION_CHARS })) {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (rest.length <= LINE_CHARS_MAX) continue;
      tell(`what comes after a line of more than ${LINE_CHARS_MAX / 1024 ** 2} Mi characters is left out`);
      return;
    }
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  if (rest !== "") yield rest;
}
