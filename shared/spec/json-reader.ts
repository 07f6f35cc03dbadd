/**
 * JSON (RFC 8259) with what `JSON.parse` loses: `1` and `1.0` stay apart (bigint and number), keys keep their order, each
 * value has its place, and a key written twice is refused.
 */
import { DEPTH_MAX, LIST_PLACES_MAX, type SpecNode, type Written, writtenAt } from "./node.ts";

export interface JsonProblem {
  readonly message: string;
  readonly offset: number;
}

/** The value of a whole JSON text, or the first thing that is wrong with it. `words`: further bare words and their values. */
export function readJson(text: string, words: readonly JsonWord[] = []): SpecNode | JsonProblem {
  const reader: Reader = { text, words: [...WORDS, ...words], at: text.startsWith("\uFEFF") ? 1 : 0 };
  try {
    const at = writtenAt(0, 0, 0, 0);
    skipSpace(reader);
    const raw = readValue(reader, at, 0);
    skipSpace(reader);
    if (reader.at < text.length) fail(reader, "unexpected text after the end");
    return { raw, at };
  } catch (error) {
    if (error instanceof Refusal) return { message: error.message, offset: error.offset };
    throw error;
  }
}

export type JsonWord = readonly [word: string, value: unknown];

interface Reader {
  readonly text: string;
  readonly words: readonly JsonWord[];
  at: number;
}

/** Leaves the recursion; never leaves this file. */
class Refusal extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

function fail(reader: Reader, message: string, offset = reader.at): never {
  throw new Refusal(message, offset);
}

const WORDS: readonly JsonWord[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

function readValue(reader: Reader, at: Written, depth: number): unknown {
  if (depth > DEPTH_MAX) fail(reader, `nested deeper than ${DEPTH_MAX} levels`);
  at.start = reader.at;
  const raw = readRaw(reader, at, depth);
  at.end = reader.at;
  return raw;
}

function readRaw(reader: Reader, at: Written, depth: number): unknown {
  const char = reader.text[reader.at];
  if (char === "{") return readTable(reader, at, depth);
  if (char === "[") return readList(reader, at, depth);
  if (char === '"') return readString(reader);
  const word = reader.words.find(([text]) => reader.text.startsWith(text, reader.at));
  if (!word) return readNumber(reader);
  reader.at += word[0].length;
  return word[1];
}

function readTable(reader: Reader, at: Written, depth: number): unknown {
  const table: { [key: string]: unknown } = Object.create(null);
  reader.at += 1;
  skipSpace(reader);
  while (!take(reader, "}")) {
    if (at.children.size > 0) expectNext(reader, "}");
    const keyStart = reader.at;
    if (reader.text[keyStart] !== '"') fail(reader, "a key in double quotes is expected");
    const key = readString(reader);
    if (at.children.has(key)) fail(reader, `the key ${JSON.stringify(key)} is written twice`, keyStart);
    const child = writtenAt(keyStart, reader.at, 0, 0);
    skipSpace(reader);
    if (!take(reader, ":")) fail(reader, '":" is expected after a key');
    skipSpace(reader);
    at.children.set(key, child);
    table[key] = readValue(reader, child, depth + 1);
    skipSpace(reader);
  }
  return table;
}

function readList(reader: Reader, at: Written, depth: number): unknown[] {
  const list: unknown[] = [];
  reader.at += 1;
  skipSpace(reader);
  while (!take(reader, "]")) {
    if (list.length > 0) expectNext(reader, "]");
    const item = writtenAt(reader.at, reader.at, 0, 0);
    list.push(readValue(reader, item, depth + 1));
    if (at.items.length < LIST_PLACES_MAX) at.items.push(item);
    skipSpace(reader);
  }
  return list;
}

/** A comma, and after it something other than the closing bracket. */
function expectNext(reader: Reader, close: string): void {
  if (!take(reader, ",")) fail(reader, `"," or "${close}" is expected`);
  skipSpace(reader);
  if (reader.text[reader.at] === close) fail(reader, `a value is expected before "${close}"`);
}

function readString(reader: Reader): string {
  const start = reader.at;
  let at = start + 1;
  while (at < reader.text.length && reader.text[at] !== '"') at += reader.text[at] === "\\" ? 2 : 1;
  if (at >= reader.text.length) fail(reader, "the text ends within a string");
  reader.at = at + 1;
  try {
    return JSON.parse(reader.text.slice(start, reader.at)) as string;
  } catch {
    return fail(reader, "the string holds a control character or an escape that JSON does not have", start);
  }
}

function readNumber(reader: Reader): bigint | number {
  const match = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?![\w.+-])/y;
  match.lastIndex = reader.at;
  const found = match.exec(reader.text);
  if (!found) return fail(reader, reader.at < reader.text.length ? "a value is expected" : "the text ends too early");
  reader.at = match.lastIndex;
  const isInteger = found[1] === undefined && found[2] === undefined;
  return isInteger ? BigInt(found[0]) : Number(found[0]);
}

function skipSpace(reader: Reader): void {
  for (let char = reader.text[reader.at]; char === " " || char === "\n" || char === "\r" || char === "\t"; ) {
    reader.at += 1;
    char = reader.text[reader.at];
  }
}

function take(reader: Reader, char: string): boolean {
  if (reader.text[reader.at] !== char) return false;
  reader.at += 1;
  return true;
}
