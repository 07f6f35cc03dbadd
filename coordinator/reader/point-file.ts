/**
 * Columns of a long curve as a file beside its stream, so that a million points are read like a picture and not parsed again.
 * The stream stays what counts: a file that is damaged, or was made from other bytes, is passed over.
 *
 * Bytes: magic, length of the header, header as JSON, zeros up to a multiple of 8, then of each column the steps, the times
 * and the values as doubles of this machine.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { systemCode } from "../../shared/kernel/errors.ts";
import { METRIC_KEYS_MAX } from "../../shared/run/limits.ts";

export interface PointColumn {
  readonly key: string;
  readonly steps: Float64Array;
  /** Unix ms. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** What was read of a stream, and from where it goes on. */
export interface ReadSoFar {
  /** Start of the first line that is not read. */
  readonly offset: number;
  /** Whether that is in the middle of a line which is too long. */
  readonly passing: boolean;
  /** Unix ms of the last line that had a time; 0: none had. */
  readonly lastTime: number;
  readonly columns: readonly PointColumn[];
}

interface Header extends Pick<ReadSoFar, "offset" | "passing" | "lastTime"> {
  /** Of the last bytes before the offset: another stream of the same name has others. */
  readonly tailCrc: number;
  readonly bodyCrc: number;
  readonly keys: readonly string[];
  /** Points of each key. */
  readonly counts: readonly number[];
}

/** Doubles and byte order of a machine like this one. */
const MAGIC = "exp-pts1";
const PREFIX_BYTES = 16;
const HEADER_BYTES_MAX = 64 * 1024 * 1024;
const FILE_BYTES_MAX = 512 * 1024 * 1024;
const TAIL_BYTES = 4096;
const DOUBLE_BYTES = 8;

/** Name of the file beside the stream's. */
export function pointFileOf(streamPath: string): string {
  return streamPath.replace(/\.jsonl$/, ".points");
}

/** Throws as the file system does. Half a file is never seen. */
export async function writePoints(streamPath: string, read: ReadSoFar): Promise<void> {
  const parts = read.columns.flatMap(({ steps, times, values }) => [bytesOf(steps), bytesOf(times), bytesOf(values)]);
  const tailCrc = await tailOf(streamPath, read.offset);
  if (tailCrc === undefined) return;
  const header: Header = {
    offset: read.offset,
    passing: read.passing,
    lastTime: read.lastTime,
    tailCrc,
    bodyCrc: parts.reduce((crc, part) => crc32(part, crc), 0),
    keys: read.columns.map(({ key }) => key),
    counts: read.columns.map(({ values }) => values.length),
  };
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES + Math.ceil(text.length / DOUBLE_BYTES) * DOUBLE_BYTES);
  prefix.write(MAGIC, "latin1");
  prefix.writeUInt32LE(text.length, MAGIC.length);
  text.copy(prefix, PREFIX_BYTES);
  const path = pointFileOf(streamPath);
  const fresh = `${path}.new`;
  // One that a killed process left; whatever else stands there goes as well, and a link is not followed.
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx");
  try {
    for (const part of [prefix, ...parts]) await file.writeFile(part);
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

/** Undefined where there is none that holds. `end`: bytes of the stream that are vouched for. */
export async function readPoints(streamPath: string, end: number): Promise<ReadSoFar | undefined> {
  const bytes = await readWhole(pointFileOf(streamPath));
  const header = bytes && headerOf(bytes);
  if (!bytes || !header || header.offset > end) return undefined;
  const body = PREFIX_BYTES + Math.ceil(bytes.readUInt32LE(MAGIC.length) / DOUBLE_BYTES) * DOUBLE_BYTES;
  const doubles = 3 * header.counts.reduce((sum, count) => sum + count, 0);
  if (bytes.length !== body + doubles * DOUBLE_BYTES) return undefined;
  if (crc32(bytes.subarray(body)) !== header.bodyCrc) return undefined;
  if ((await tailOf(streamPath, header.offset)) !== header.tailCrc) return undefined;
  let at = bytes.byteOffset + body;
  const next = (count: number) => {
    const values = new Float64Array(bytes.buffer, at, count);
    at += count * DOUBLE_BYTES;
    return values;
  };
  const columns = header.keys.map((key, i) => {
    const count = header.counts[i] ?? 0;
    return { key, steps: next(count), times: next(count), values: next(count) };
  });
  const { offset, passing, lastTime } = header;
  return { offset, passing, lastTime, columns };
}

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Whole, at an address that doubles can stand at. */
async function readWhole(path: string): Promise<Buffer<ArrayBuffer> | undefined> {
  const file = await openPlain(path);
  if (!file) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size < PREFIX_BYTES || stat.size > FILE_BYTES_MAX) return undefined;
    const bytes = Buffer.from(new ArrayBuffer(stat.size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytesRead === bytes.length ? bytes : undefined;
  } finally {
    await file.close();
  }
}

function headerOf(bytes: Buffer): Header | undefined {
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const length = bytes.readUInt32LE(MAGIC.length);
  if (length > HEADER_BYTES_MAX || PREFIX_BYTES + length > bytes.length) return undefined;
  try {
    const header = JSON.parse(bytes.toString("utf8", PREFIX_BYTES, PREFIX_BYTES + length)) as Header;
    return isHeader(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

function isHeader({ offset, passing, lastTime, tailCrc, bodyCrc, keys, counts }: Header): boolean {
  return (
    [offset, tailCrc, bodyCrc].every((value) => Number.isSafeInteger(value) && value >= 0) &&
    typeof passing === "boolean" &&
    Number.isFinite(lastTime) &&
    Array.isArray(keys) &&
    keys.length <= METRIC_KEYS_MAX &&
    keys.every((key) => typeof key === "string") &&
    Array.isArray(counts) &&
    counts.length === keys.length &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0)
  );
}

/** Checksum of the stream's last bytes before an offset; undefined where it has fewer. */
async function tailOf(streamPath: string, offset: number): Promise<number | undefined> {
  const file = await openPlain(streamPath);
  if (!file) return undefined;
  try {
    const length = Math.min(TAIL_BYTES, offset);
    const tail = Buffer.alloc(length);
    const { bytesRead } = await file.read(tail, 0, length, offset - length);
    return bytesRead === length ? crc32(tail) : undefined;
  } finally {
    await file.close();
  }
}

/** Programs may write into the directory as well: no link is followed, no pipe waited for. */
async function openPlain(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return undefined;
    throw error;
  }
}
