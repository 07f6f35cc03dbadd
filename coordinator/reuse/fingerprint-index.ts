/**
 * Which run a configuration belongs to, for millions of them: an open-addressing table over typed arrays, 64 bytes a
 * configuration and 4 to 8 for its slot. The slot comes from the leading bits of the hash and is confirmed by all of them,
 * so an answer is exact. Held in memory as it is in the store; no garbage to collect.
 */
import { hash } from "node:crypto";
import { assert } from "../../shared/kernel/assert.ts";
import { type RunId, runId } from "../../shared/kernel/ids.ts";

/** A record: eight words of hash, the version of the fingerprint, the length of the run's id, and the id. */
const RECORD_BYTES = 64;
const RECORD_WORDS = RECORD_BYTES / 4;
const HASH_WORDS = 8;
const VERSION_AT = 32;
const LENGTH_AT = 33;
const ID_AT = 34;
const ID_BYTES_MAX = RECORD_BYTES - ID_AT;
const RECORDS_MIN = 64;

/** Value of each hex digit by its character code; 255 for what is none. */
const DIGITS = new Uint8Array(128).fill(255);
for (let i = 0; i < 16; i++) DIGITS[i.toString(16).charCodeAt(0)] = i;

export class FingerprintIndex {
  #bytes = Buffer.alloc(RECORDS_MIN * RECORD_BYTES);
  #words = wordsOf(this.#bytes);
  /** Number of a record, from 1; 0 is an empty slot. A power of two, at most half full. */
  #slots = new Uint32Array(RECORDS_MIN * 2);
  /** Records, also of configurations that were removed. */
  #records = 0;
  #size = 0;
  /** The fingerprint that is looked for. */
  readonly #wanted = new Uint32Array(HASH_WORDS);
  #version = 0;

  /** Configurations in it. */
  get size(): number {
    return this.#size;
  }

  /** Makes room for that many in one step. */
  reserve(count: number): void {
    if (count * RECORD_BYTES > this.#bytes.length) this.#grow(count);
  }

  get(fingerprint: string): RunId | undefined {
    if (this.#size === 0) return undefined;
    this.#read(fingerprint);
    const record = this.#slots[this.#slotOf()] ?? 0;
    return record === 0 ? undefined : this.#idOf(record);
  }

  /** A fingerprint that is there already belongs to this run from now on. */
  set(fingerprint: string, id: RunId): void {
    assert(id.length <= ID_BYTES_MAX, `${id} has at most ${ID_BYTES_MAX} characters`);
    this.#read(fingerprint);
    let slot = this.#slotOf();
    let record = this.#slots[slot] ?? 0;
    if (record === 0) {
      if ((this.#records + 1) * RECORD_BYTES > this.#bytes.length) {
        this.#grow(this.#records * 2);
        slot = this.#slotOf();
      }
      record = ++this.#records;
      this.#slots[slot] = record;
      this.#words.set(this.#wanted, (record - 1) * RECORD_WORDS);
      this.#bytes[(record - 1) * RECORD_BYTES + VERSION_AT] = this.#version;
    }
    const start = (record - 1) * RECORD_BYTES;
    if (this.#bytes[start + LENGTH_AT] === 0) this.#size += 1;
    this.#bytes[start + LENGTH_AT] = this.#bytes.write(id, start + ID_AT, "latin1");
  }

  /** Does nothing where it is not there. */
  delete(fingerprint: string): void {
    this.#read(fingerprint);
    const record = this.#slots[this.#slotOf()] ?? 0;
    const at = (record - 1) * RECORD_BYTES + LENGTH_AT;
    if (record === 0 || this.#bytes[at] === 0) return;
    // The record stays for the slots behind it, without a run.
    this.#bytes[at] = 0;
    this.#size -= 1;
  }

  /** Everything that is in it, as sorted lines: to compare two of them. */
  lines(): string[] {
    const lines: string[] = [];
    for (let record = 1; record <= this.#records; record++) {
      const id = this.#idOf(record);
      const start = (record - 1) * RECORD_BYTES;
      const version = this.#bytes[start + VERSION_AT];
      if (id !== undefined) lines.push(`v${version} ${this.#bytes.toString("hex", start, start + VERSION_AT)} ${id}`);
    }
    return lines.sort();
  }

  /** `v<version>:<64 hex digits>`; any other text goes by its hash. */
  #read(fingerprint: string): void {
    const colon = fingerprint.length - 65;
    const version = colon === 2 ? fingerprint.charCodeAt(1) - 48 : Number(fingerprint.slice(1, colon));
    if (colon >= 2 && fingerprint.charCodeAt(0) === 118 && version > 0 && version < 256) {
      this.#version = version;
      if (readHex(fingerprint, colon + 1, this.#wanted)) return;
    }
    this.#version = 0;
    readHex(hash("sha256", fingerprint, "hex"), 0, this.#wanted);
  }

  /** The slot that holds the wanted fingerprint, or the empty one where it belongs. */
  #slotOf(): number {
    const mask = this.#slots.length - 1;
    const wanted = this.#wanted;
    const words = this.#words;
    for (let slot = (wanted[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const record = this.#slots[slot] as number;
      if (record === 0) return slot;
      const at = (record - 1) * RECORD_WORDS;
      let same = this.#bytes[at * 4 + VERSION_AT] === this.#version;
      for (let i = 0; same && i < HASH_WORDS; i++) same = words[at + i] === wanted[i];
      if (same) return slot;
    }
  }

  #idOf(record: number): RunId | undefined {
    const start = (record - 1) * RECORD_BYTES;
    const length = this.#bytes[start + LENGTH_AT] as number;
    return length === 0 ? undefined : runId(this.#bytes.toString("latin1", start + ID_AT, start + ID_AT + length));
  }

  #grow(records: number): void {
    let slots = this.#slots.length;
    while (slots < records * 2) slots *= 2;
    const bytes = Buffer.alloc(Math.max(records, RECORDS_MIN) * RECORD_BYTES);
    this.#bytes.copy(bytes, 0, 0, this.#records * RECORD_BYTES);
    this.#bytes = bytes;
    this.#words = wordsOf(bytes);
    if (slots === this.#slots.length) return;
    this.#slots = new Uint32Array(slots);
    for (let record = 1; record <= this.#records; record++) {
      let slot = (this.#words[(record - 1) * RECORD_WORDS] as number) & (slots - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (slots - 1);
      this.#slots[slot] = record;
    }
  }
}

function wordsOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Eight words from 64 hex digits; false where one of them is none. Bytes in the order of the text on every machine. */
function readHex(text: string, start: number, words: Uint32Array): boolean {
  let wrong = 0;
  for (let word = 0; word < HASH_WORDS; word++) {
    let value = 0;
    // Pairs from the last to the first: the first byte of a word is its lowest.
    for (let i = 6; i >= 0; i -= 2) {
      const at = start + word * 8 + i;
      const high = DIGITS[text.charCodeAt(at)] ?? 255;
      const low = DIGITS[text.charCodeAt(at + 1)] ?? 255;
      wrong |= high | low;
      value = (value << 8) | (high << 4) | low;
    }
    words[word] = value;
  }
  return wrong < 16;
}
