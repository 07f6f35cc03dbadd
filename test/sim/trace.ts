/** What happened, as one number to compare runs by, and as lines to read where they are asked for. */

export class Trace {
  #hash = 0x811c9dc5;
  readonly #lines: string[] | undefined;
  readonly #clock: () => number;

  constructor(clock: () => number, readable: boolean) {
    this.#clock = clock;
    this.#lines = readable ? [] : undefined;
  }

  /** `who` and `what` are words; `detail` is only made when the trace is read, so it must not decide anything. */
  note(who: string, what: string, number: number, detail?: () => string): void {
    this.#mix(this.#clock());
    this.#mix(number);
    this.#text(who);
    this.#text(what);
    if (!this.#lines) return;
    const time = (this.#clock() / 1000).toFixed(3).padStart(9);
    this.#lines.push(`${time}  ${who.padEnd(12)} ${what} ${number}${detail ? `  ${detail()}` : ""}`);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(i), 0x01000193);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193);
  }
}
