/** Finds the point with a given number among all blocks, and makes its texts. */
import type { Block } from "./block.ts";
import { BlockCursor } from "./block-cursor.ts";
import { commandIdentity, fingerprintHead, fingerprintOfText, type WorkIdentity } from "./canonical.ts";
import type { SweepSpec } from "./parse.ts";

/** Digests of what a fingerprint may hold besides parameters and command; from outside, as they need files. */
export type Digests = Pick<WorkIdentity, "code" | "env" | "data">;

export class PointMaker {
  /** Points of all blocks. */
  readonly count: number;
  readonly #spec: SweepSpec;
  readonly #digests: Digests;
  /** Number of the first point of each block. */
  readonly #starts: readonly number[];
  #current = -1;
  #cursor: BlockCursor | undefined;
  #head = "";

  constructor(spec: SweepSpec, digests: Digests) {
    this.#spec = spec;
    this.#digests = digests;
    const starts: number[] = [];
    let count = 0;
    for (const block of spec.blocks) {
      starts.push(count);
      count += block.count;
    }
    this.#starts = starts;
    this.count = count;
  }

  /** The cursor of the point's block, at the point. It is the same one for all points of a block. */
  move(point: number): BlockCursor {
    const number = this.blockNumberOf(point);
    if (number !== this.#current || !this.#cursor) {
      const block = this.#spec.blocks[number] as Block;
      const { settings } = this.#spec;
      this.#cursor = new BlockCursor(block, settings.name, settings.identity.ignore);
      this.#head = fingerprintHead(this.#workOf(block));
      this.#current = number;
    }
    this.#cursor.move(point - (this.#starts[number] ?? 0));
    return this.#cursor;
  }

  /** Of the point that the cursor is at. */
  fingerprint(cursor: BlockCursor): string {
    return fingerprintOfText(this.#head, cursor.canonicalBody());
  }

  blockOf(point: number): Block {
    return this.#spec.blocks[this.blockNumberOf(point)] as Block;
  }

  blockNumberOf(point: number): number {
    const starts = this.#starts;
    const current = starts[this.#current] ?? 0;
    const next = starts[this.#current + 1] ?? this.count;
    if (this.#current >= 0 && point >= current && point < next) return this.#current;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] ?? 0) <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #workOf({ shape }: Block): WorkIdentity {
    const { include } = this.#spec.settings.identity;
    const { code, env, data } = this.#digests;
    return {
      ...(include.includes("command") && commandIdentity(shape.shape.template)),
      ...(include.includes("code") && code !== undefined && { code }),
      ...(include.includes("env") && env !== undefined && { env }),
      ...(include.includes("data") && data !== undefined && { data }),
    };
  }
}
