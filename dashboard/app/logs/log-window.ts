/**
 * [P] The part of an output that is held: whole lines between two bytes, as the bytes they came in. It grows at either end and
 * is cut at the other, so that an output of any size takes the same memory. Lines are made into text when they are drawn.
 */

/** What is held at most; whichever is reached first. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
export const WINDOW_LINES_MAX = 150_000;
/** A longer line is shown as several. */
const LINE_BYTES_MAX = 256 * 1024;
const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Some whole lines, one after another. */
export interface Block {
  /** Byte of the output at which it begins. */
  readonly from: number;
  readonly bytes: Uint8Array;
  /** Where each line begins within `bytes`, and at the end its length. */
  readonly starts: Uint32Array;
}

export class LogWindow {
  /** First byte that is held, and the first after what was read. */
  start: number;
  end: number;
  #blocks: Block[] = [];
  /** A last line whose end has not come. */
  #rest: Uint8Array<ArrayBufferLike> = new Uint8Array();
  #lines = 0;
  #bytes = 0;

  constructor(offset: number) {
    this.start = offset;
    this.end = offset;
  }

  /** A line without an end counts, as a terminal shows it too. */
  get lines(): number {
    return this.#lines + (this.#rest.length > 0 ? 1 : 0);
  }

  get isOver(): boolean {
    return this.#blocks.length > 1 && (this.#bytes > WINDOW_BYTES_MAX || this.#lines > WINDOW_LINES_MAX);
  }

  /** What comes after the end. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const at = this.end - this.#rest.length;
    this.end += bytes.length;
    const all = joined(this.#rest, bytes);
    const whole = all.length > LINE_BYTES_MAX + all.lastIndexOf(NEWLINE) ? all.length : all.lastIndexOf(NEWLINE) + 1;
    this.#add(blocksOf(all.subarray(0, whole), at), "end");
    this.#rest = all.slice(whole);
  }

  /** What comes before the start, from byte `from` on. Returns by how many lines the others went down. */
  prepend(bytes: Uint8Array, from: number): number {
    // The first line began earlier, unless this is the beginning; without any line end all of it is one long line.
    const skipped = from === 0 ? 0 : bytes.indexOf(NEWLINE, 0) + 1;
    const isLong = skipped === bytes.length;
    const added = this.#add(blocksOf(isLong ? bytes : bytes.subarray(skipped), from + (isLong ? 0 : skipped)), "start");
    this.start = from + (isLong ? 0 : skipped);
    return added;
  }

  /** Lets the first lines go, as long as there is too much. Returns how many. */
  cutStart(): number {
    let cut = 0;
    while (this.isOver) {
      const block = this.#blocks.shift();
      cut += this.#drop(block);
      this.start = this.#blocks[0]?.from ?? this.end;
    }
    return cut;
  }

  /** Lets the last lines go. */
  cutEnd(): void {
    while (this.isOver) {
      const block = this.#blocks.pop();
      this.#drop(block);
      this.#rest = new Uint8Array();
      this.end = block?.from ?? this.start;
    }
  }

  /** Text of a line, with everything that a terminal would obey. */
  text(index: number): string {
    const [block, line] = this.#find(index);
    if (!block) return index === this.#lines ? decode(this.#rest) : "";
    return lineOf(block, line);
  }

  /** Byte at which a line begins. */
  offsetOf(index: number): number {
    const [block, line] = this.#find(index);
    return block ? block.from + (block.starts[line] ?? 0) : this.end - this.#rest.length;
  }

  /** The line with this byte; undefined where it is not held. */
  lineAt(offset: number): number | undefined {
    if (offset < this.start || offset >= this.end) return undefined;
    let before = 0;
    for (const block of this.#blocks) {
      if (offset < block.from + block.bytes.length) {
        const within = offset - block.from;
        let line = 0;
        while ((block.starts[line + 1] ?? 0) <= within) line += 1;
        return before + line;
      }
      before += block.starts.length - 1;
    }
    return this.#lines;
  }

  #find(index: number): [Block | undefined, number] {
    let left = index;
    for (const block of this.#blocks) {
      const count = block.starts.length - 1;
      if (left < count) return [block, left];
      left -= count;
    }
    return [undefined, 0];
  }

  #add(blocks: readonly Block[], side: "start" | "end"): number {
    let added = 0;
    for (const block of blocks) {
      added += block.starts.length - 1;
      this.#bytes += block.bytes.length;
    }
    this.#lines += added;
    this.#blocks = side === "end" ? [...this.#blocks, ...blocks] : [...blocks, ...this.#blocks];
    return added;
  }

  #drop(block: Block | undefined): number {
    const count = block ? block.starts.length - 1 : 0;
    this.#lines -= count;
    this.#bytes -= block?.bytes.length ?? 0;
    return count;
  }
}

/** Whole lines as blocks of some size; what comes after the last newline is a line too. `at`: byte of the first. */
export function blocksOf(bytes: Uint8Array, at: number): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  let starts: number[] = [];
  const close = (to: number) => {
    const cut = from;
    blocks.push({
      from: at + cut,
      bytes: bytes.subarray(cut, to),
      starts: Uint32Array.from([...starts, to], (start) => start - cut),
    });
    from = to;
    starts = [];
  };
  for (let start = 0; start < bytes.length; ) {
    starts.push(start);
    const found = bytes.indexOf(NEWLINE, start);
    start = found < 0 ? bytes.length : found + 1;
    if (start - from >= BLOCK_BYTES || start === bytes.length) close(start);
  }
  return blocks;
}

/** Text of a line of a block, without its newline. */
export function lineOf(block: Block, line: number): string {
  const from = block.starts[line] ?? 0;
  const to = block.starts[line + 1] ?? from;
  return decode(block.bytes.subarray(from, block.bytes[to - 1] === NEWLINE ? to - 1 : to));
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
