/** [P] What was made of a stretch of lines, kept while the stretch moves: only lines that come into it are made. */
export class Kept<Made> {
  #about: readonly unknown[] = [];
  #made = new Map<number, Made>();

  /** Of the lines from `first` up to `last`. `about`: what the lines are made of; where a part of it is another, all are made anew. */
  stretch(about: readonly unknown[], first: number, last: number, make: (line: number) => Made): Made[] {
    const isSame = about.length === this.#about.length && about.every((part, i) => Object.is(part, this.#about[i]));
    const before = isSame ? this.#made : new Map<number, Made>();
    this.#about = about;
    this.#made = new Map();
    for (let line = first; line < last; line++) this.#made.set(line, before.get(line) ?? make(line));
    return [...this.#made.values()];
  }
}
