/**
 * A map that takes in another large one whole. Adding a million entries one by one takes seconds, during which nobody is
 * answered; who makes a map of its own bit by bit, and hands it over, is spared that. There are few layers: each holds
 * many entries, and goes into the first one when it has few left.
 *
 * A layer moves only when something is removed or handed over, so walking through it while removing is not allowed.
 */

/** Entries of a layer of its own; fewer are copied, which takes 20 ms at most. */
export const LAYER_ENTRIES_MIN = 50_000;

export class LayeredMap<Key, Value> {
  readonly #base = new Map<Key, Value>();
  readonly #layers: Map<Key, Value>[] = [this.#base];
  readonly #layerMin: number;

  constructor(layerMin = LAYER_ENTRIES_MIN) {
    this.#layerMin = layerMin;
  }

  get size(): number {
    let size = 0;
    for (const layer of this.#layers) size += layer.size;
    return size;
  }

  get(key: Key): Value | undefined {
    return this.#layerOf(key)?.get(key);
  }

  has(key: Key): boolean {
    return this.#layerOf(key) !== undefined;
  }

  set(key: Key, value: Value): void {
    (this.#layerOf(key) ?? this.#base).set(key, value);
  }

  /** False where it was not there. */
  delete(key: Key): boolean {
    const layer = this.#layerOf(key);
    if (!layer) return false;
    layer.delete(key);
    if (layer !== this.#base && layer.size < this.#layerMin / 2) this.#dissolve(layer);
    return true;
  }

  /** Takes `entries` in, which becomes its own. None of the keys may be there. */
  adopt(entries: Map<Key, Value>): void {
    this.#layers.push(entries);
    if (entries.size < this.#layerMin) this.#dissolve(entries);
  }

  *entries(): Generator<[Key, Value]> {
    for (const layer of this.#layers) yield* layer;
  }

  *keys(): Generator<Key> {
    for (const layer of this.#layers) yield* layer.keys();
  }

  *values(): Generator<Value> {
    for (const layer of this.#layers) yield* layer.values();
  }

  [Symbol.iterator](): Generator<[Key, Value]> {
    return this.entries();
  }

  #layerOf(key: Key): Map<Key, Value> | undefined {
    for (const layer of this.#layers) if (layer.has(key)) return layer;
    return undefined;
  }

  #dissolve(layer: Map<Key, Value>): void {
    this.#layers.splice(this.#layers.indexOf(layer), 1);
    for (const [key, value] of layer) this.#base.set(key, value);
  }
}
