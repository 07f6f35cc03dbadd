/**
 * Where each key and value of a TOML text is written. The text must have passed the TOML parser before: this walk only
 * finds the ends of things and refuses nothing but too deep a nesting.
 */
import { parse } from "smol-toml";
import { DEPTH_MAX, LIST_PLACES_MAX, type Written, writtenAt } from "./node.ts";

interface Walk {
  readonly text: string;
  at: number;
  /** Offset of the first thing that is nested too deep. */
  tooDeepAt: number | undefined;
}

interface KeyPart {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The places of all values under a root that spans the file, or the offset of what is nested deeper than `DEPTH_MAX`. */
export function tomlPlaces(text: string): Written | { readonly tooDeepAt: number } {
  const walk: Walk = { text, at: text.startsWith("\uFEFF") ? 1 : 0, tooDeepAt: undefined };
  const root = writtenAt(0, 0, 0, text.length);
  let table = root;
  let depth = 0;
  for (skipBlank(walk); walk.at < text.length && walk.tooDeepAt === undefined; skipBlank(walk)) {
    if (text[walk.at] === "[") {
      const isArray = text[walk.at + 1] === "[";
      walk.at += isArray ? 2 : 1;
      const parts = readKey(walk, "]");
      walk.at += isArray ? 2 : 1;
      depth = parts.length;
      table = openTable(walk, root, parts, isArray);
    } else {
      readPair(walk, table, depth);
    }
  }
  return walk.tooDeepAt === undefined ? root : { tooDeepAt: walk.tooDeepAt };
}

/** Follows a header from the root; the last part becomes a new element where the header is `[[…]]`. */
function openTable(walk: Walk, root: Written, parts: readonly KeyPart[], isArray: boolean): Written {
  const [last] = parts.slice(-1);
  if (!last || tooDeep(walk, parts.length, last.start)) return root;
  const parent = descend(root, parts.slice(0, -1));
  let table = parent.children.get(last.name);
  if (!table) {
    table = writtenAt(last.start, last.end, last.start, last.end);
    parent.children.set(last.name, table);
  } else if (!isArray) {
    // Made before by a header of one of its sub-tables: its own header is the better place.
    Object.assign(table, { keyStart: last.start, keyEnd: last.end, start: last.start, end: last.end });
  }
  if (!isArray) return table;
  const element = writtenAt(last.start, last.end, last.start, last.end);
  table.items.push(element);
  return element;
}

/** Walks down by key, making tables that are not there yet; an array of tables stands for its last element. */
function descend(from: Written, parts: readonly KeyPart[]): Written {
  let table = from;
  for (const part of parts) {
    let next = table.children.get(part.name);
    if (!next) {
      next = writtenAt(part.start, part.end, part.start, part.end);
      table.children.set(part.name, next);
    }
    table = next.items.at(-1) ?? next;
  }
  return table;
}

function readPair(walk: Walk, table: Written, depth: number): void {
  const parts = readKey(walk, "=");
  walk.at += 1;
  skipSpace(walk);
  const [last] = parts.slice(-1);
  if (!last || tooDeep(walk, depth + parts.length, last.start)) return;
  const parent = descend(table, parts.slice(0, -1));
  const value = writtenAt(last.start, last.end, walk.at, walk.at);
  parent.children.set(last.name, value);
  readValue(walk, value, depth + parts.length);
}

/** Reads a value at the walk's place into `value`, and stops behind it. */
function readValue(walk: Walk, value: Written, depth: number): void {
  const char = walk.text[walk.at];
  value.start = walk.at;
  if (char === '"' || char === "'") skipString(walk);
  else if (char === "[") readList(walk, value, depth);
  else if (char === "{") readInlineTable(walk, value, depth);
  else skipScalar(walk);
  value.end = walk.at;
}

function readList(walk: Walk, list: Written, depth: number): void {
  walk.at += 1;
  for (skipBlank(walk); walk.at < walk.text.length && walk.text[walk.at] !== "]"; skipBlank(walk)) {
    if (tooDeep(walk, depth + 1, walk.at)) return;
    const item = writtenAt(walk.at, walk.at, walk.at, walk.at);
    readValue(walk, item, depth + 1);
    if (list.items.length < LIST_PLACES_MAX) list.items.push(item);
    skipBlank(walk);
    if (walk.text[walk.at] === ",") walk.at += 1;
  }
  walk.at += 1;
}

function readInlineTable(walk: Walk, table: Written, depth: number): void {
  walk.at += 1;
  for (skipBlank(walk); walk.at < walk.text.length && walk.text[walk.at] !== "}"; skipBlank(walk)) {
    readPair(walk, table, depth);
    if (walk.tooDeepAt !== undefined) return;
    skipBlank(walk);
    if (walk.text[walk.at] === ",") walk.at += 1;
  }
  walk.at += 1;
}

/** Parts of a dotted key, up to `end`, which is not consumed. */
function readKey(walk: Walk, end: string): KeyPart[] {
  const parts: KeyPart[] = [];
  for (skipSpace(walk); walk.at < walk.text.length && walk.text[walk.at] !== end; skipSpace(walk)) {
    const start = walk.at;
    const char = walk.text[start];
    if (char === ".") {
      walk.at += 1;
      continue;
    }
    if (char === '"' || char === "'") {
      skipString(walk);
      parts.push({ name: unquote(walk.text.slice(start, walk.at)), start, end: walk.at });
    } else {
      while (/[A-Za-z0-9_-]/.test(walk.text[walk.at] ?? "")) walk.at += 1;
      if (walk.at === start) throw new Error("assertion failed: no key where the TOML parser saw one");
      parts.push({ name: walk.text.slice(start, walk.at), start, end: walk.at });
    }
  }
  return parts;
}

function unquote(raw: string): string {
  if (!raw.includes("\\") || raw.startsWith("'")) return raw.slice(1, -1);
  return String(parse(`key = ${raw}`).key);
}

function skipString(walk: Walk): void {
  const { text } = walk;
  const quote = text[walk.at] ?? "";
  const isLong = text.startsWith(quote.repeat(3), walk.at);
  const close = isLong ? quote.repeat(3) : quote;
  walk.at += close.length;
  while (walk.at < text.length && !text.startsWith(close, walk.at))
    walk.at += text[walk.at] === "\\" && quote === '"' ? 2 : 1;
  walk.at += close.length;
  // A long string may end in one or two quotes of its own.
  for (let i = 0; isLong && i < 2 && text[walk.at] === quote; i++) walk.at += 1;
}

/** Numbers, booleans and dates; a date may hold one space. */
function skipScalar(walk: Walk): void {
  const match = /[^\s,\]}#]+(?: (?=\d\d:\d\d)[^\s,\]}#]+)?/y;
  match.lastIndex = walk.at;
  if (!match.test(walk.text)) throw new Error("assertion failed: no value where the TOML parser saw one");
  walk.at = match.lastIndex;
}

function skipSpace(walk: Walk): void {
  while (walk.text[walk.at] === " " || walk.text[walk.at] === "\t") walk.at += 1;
}

/** White space, newlines and comments. */
function skipBlank(walk: Walk): void {
  for (;;) {
    const char = walk.text[walk.at];
    if (char === " " || char === "\t" || char === "\n" || char === "\r") {
      walk.at += 1;
    } else if (char === "#") {
      const end = walk.text.indexOf("\n", walk.at);
      walk.at = end < 0 ? walk.text.length : end;
    } else {
      return;
    }
  }
}

function tooDeep(walk: Walk, depth: number, at: number): boolean {
  if (depth > DEPTH_MAX) walk.tooDeepAt ??= at;
  return walk.tooDeepAt !== undefined;
}
