/** Points of a stream: read in parts, kept beside it, and never believed where they do not fit. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PointCache, type PointColumns } from "../../../coordinator/reader/point-cache.ts";
import { pointFileOf } from "../../../coordinator/reader/point-file.ts";
import { fence } from "../../../shared/kernel/ids.ts";

const FENCE = fence(1);
let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-points-"));
  path = join(dir, "attempt-1.client.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const LINES = [
  '{"e":"m","t":100,"s":1,"v":{"loss":1}}',
  '{"e":"m","s":2,"v":{"loss":0.5,"acc":0.1}}',
  "not a line of ours",
  '{"e":"r","v":{"epoch":"3","acc":"0.7","name":"x"}}',
  '{"e":"m","t":101,"v":{"acc":"NaN"}}',
  '{"e":"m","t":102,"s":4,"v":{"loss":0.25}}',
  `{"e":"m","s":5,"v":{"${"x".repeat(70_000)}":1}}`,
  '{"e":"s","t":103,"v":{"sys/cpu":0.5}}',
  '{"e":"m","s":6,"v":{"loss":0.125,"sys/cpu":7}}',
];

const plain = (columns: PointColumns) =>
  [...columns].map(([key, { steps, times, values }]) => [
    key,
    [...steps.values],
    [...times.values],
    [...values.values],
  ]);
const size = () => statSync(path).size;
const readAnew = async () => plain(await new PointCache().read(FENCE, path, size()));

const ALL = [
  ["loss", [1, 2, 4, 6], [100_000, 100_000, 102_000, 103_000], [1, 0.5, 0.25, 0.125]],
  ["acc", [2, 3, 2], [100_000, 100_000, 101_000], [0.1, 0.7, Number.NaN]],
  ["epoch", [3], [100_000], [3]],
  ["sys/cpu", [0, 6], [103_000, 103_000], [0.5, 7]],
];

test("all at once, or as it grows byte by byte", async () => {
  writeFileSync(path, `${LINES.join("\n")}\n`);
  expect(await readAnew()).toEqual(ALL);
  const cache = new PointCache();
  for (let end = 1; end <= size(); end += 997) await cache.read(FENCE, path, end);
  expect(plain(await cache.read(FENCE, path, size()))).toEqual(ALL);
});

describe("kept beside the stream", () => {
  test.each([0, 1, 2, 5, 7])("after %i lines, and read on from there", async (count) => {
    const before = LINES.slice(0, count)
      .map((line) => `${line}\n`)
      .join("");
    // Half of the next line is there already.
    writeFileSync(path, before + (LINES[count] ?? "").slice(0, 10));
    await new PointCache().prepare(FENCE, path, size());
    expect(existsSync(pointFileOf(path))).toBe(count > 0);
    appendFileSync(path, `${(LINES[count] ?? "").slice(10)}\n${LINES.slice(count + 1).join("\n")}\n`);
    expect(await readAnew()).toEqual(ALL);
    // Of what was read before no byte is read again but the last few, by which the file is known.
    if (count === 0) return;
    writeFileSync(path, readFileSync(path, "utf8").replace('"loss":1}', '"loss":9}'));
    if (Buffer.byteLength(before) > 4096) expect(await readAnew()).toEqual(ALL);
  });

  test("again, where it grew; not where it did not", async () => {
    const cache = new PointCache();
    writeFileSync(path, `${LINES[0]}\n`);
    await cache.prepare(FENCE, path, size());
    const first = statSync(pointFileOf(path)).ino;
    await cache.prepare(FENCE, path, size());
    expect(statSync(pointFileOf(path)).ino).toBe(first);
    appendFileSync(path, `${LINES.slice(1).join("\n")}\n`);
    await cache.prepare(FENCE, path, size());
    expect(statSync(pointFileOf(path)).ino).not.toBe(first);
    expect(await readAnew()).toEqual(ALL);
  });

  test.each<[string, (file: string) => void]>([
    ["cut short", (file) => writeFileSync(file, readFileSync(file).subarray(0, -8))],
    ["with another value", (file) => flip(file, -1)],
    ["with another header", (file) => flip(file, 20)],
    ["of another program", (file) => writeFileSync(file, "x".repeat(1_000))],
    ["empty", (file) => writeFileSync(file, "")],
    [
      "a link",
      (file) => {
        writeFileSync(`${file}.real`, readFileSync(file));
        rmSync(file);
        symlinkSync(`${file}.real`, file);
      },
    ],
  ])("%s: it is passed over", async (_, spoil) => {
    writeFileSync(path, `${LINES.join("\n")}\n`);
    await new PointCache().prepare(FENCE, path, size());
    spoil(pointFileOf(path));
    expect(await readAnew()).toEqual(ALL);
  });

  test("of another stream, or of more than is vouched for: it is passed over", async () => {
    writeFileSync(path, `${LINES.join("\n")}\n`);
    await new PointCache().prepare(FENCE, path, size());
    const short = `${LINES[0]}\n`.length;
    expect(plain(await new PointCache().read(FENCE, path, short))).toEqual([["loss", [1], [100_000], [1]]]);
    writeFileSync(path, `${LINES.join("\n")}\n`.replace("0.125", "0.625"));
    expect((await readAnew())[0]).toEqual([
      "loss",
      [1, 2, 4, 6],
      [100_000, 100_000, 102_000, 103_000],
      [1, 0.5, 0.25, 0.625],
    ]);
  });

  test("a half-written one of a killed process is in nobody's way", async () => {
    writeFileSync(path, `${LINES.join("\n")}\n`);
    writeFileSync(`${pointFileOf(path)}.new`, "half");
    await new PointCache().prepare(FENCE, path, size());
    expect(existsSync(`${pointFileOf(path)}.new`)).toBe(false);
    expect(await readAnew()).toEqual(ALL);
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
