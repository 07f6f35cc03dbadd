/**
 * [P] Reads the lines that make up long curves, `{"e":"m","t":…,"s":…,"v":{"loss":0.1}}`, straight from their bytes: ten
 * times faster than JSON.parse and what comes after it. It knows numbers under keys that were seen before and nothing else;
 * of any other line it says so, and that is parsed in full.
 */
const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const [T, S, E, V, C, M] = [..."tsevcm"].map((letter) => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
/** A whole number of so many digits, times or divided by a power of ten up to this one, is rounded only once. */
const HIGH_DIGITS = 15;
const POWER_MAX = 22;
/** Further digits; doubles are written with 17 at most. */
const LOW_DIGITS = 4;
const POWERS = Array.from({ length: POWER_MAX + 1 }, (_, i) => Number(`1e${i}`));
const SPLIT = 2 ** 27 + 1;
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

interface Known<Column> {
  readonly bytes: Uint8Array;
  readonly column: Column;
  /** Number of the last line that had it. */
  line: number;
}

export class MetricLines<Column> {
  /** Unix seconds; NaN where the line does not say. */
  at = Number.NaN;
  /** NaN where the line does not say. */
  step = Number.NaN;
  /** Values of the line that was read last, in its order; `count` of them are its own. */
  readonly columns: Column[] = [];
  readonly values: number[] = [];
  count = 0;

  readonly #byHash = new Map<number, Known<Column>[]>();
  #line = 0;
  #data: Buffer = Buffer.alloc(0);
  #pos = 0;
  #end = 0;
  #isSystem = false;

  /** From now on lines with this key are read. */
  know(key: string, column: Column): void {
    const bytes = Buffer.from(key);
    const hash = hashOf(bytes, 0, bytes.length);
    const others = this.#byHash.get(hash) ?? [];
    others.push({ bytes, column, line: 0 });
    this.#byHash.set(hash, others);
  }

  /** True where the line, without its newline, was read; false: it is not for this reader. */
  read(data: Buffer, start: number, end: number): boolean {
    this.#data = data;
    this.#pos = start;
    this.#end = end;
    this.#line += 1;
    this.at = Number.NaN;
    this.step = Number.NaN;
    this.count = 0;
    if (data[start] !== OPEN || !this.#take(OPEN)) return false;
    let seen = 0;
    do {
      const field = this.#field();
      const bit = field === E ? 1 : field === T ? 2 : field === S ? 4 : field === V ? 8 : field === C ? 16 : 0;
      if (bit === 0 || (seen & bit) !== 0) return false;
      seen |= bit;
      if (!this.#value(field)) return false;
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE) || this.#pos !== end || (seen & 9) !== 9) return false;
    // A system line has no step of its own.
    if (this.#isSystem) this.step = Number.NaN;
    return true;
  }

  #value(field: number): boolean {
    switch (field) {
      case E:
        return this.#kind();
      case V:
        return this.#numbers();
      case C:
        return this.#texts();
      default: {
        const value = this.#number();
        if (Number.isNaN(value)) return false;
        const said = Number.isFinite(value) ? value : Number.NaN;
        if (field === T) this.at = said;
        else this.step = said;
        return true;
      }
    }
  }

  /** Of a name of one letter; 0 for any other. */
  #field(): number {
    if (!this.#take(QUOTE)) return 0;
    const letter = this.#data[this.#pos] ?? 0;
    this.#pos += 1;
    if (this.#data[this.#pos] !== QUOTE) return 0;
    this.#pos += 1;
    return this.#take(COLON) ? letter : 0;
  }

  #kind(): boolean {
    if (!this.#take(QUOTE)) return false;
    const letter = this.#data[this.#pos];
    this.#isSystem = letter === S;
    if ((letter !== M && letter !== S) || this.#data[this.#pos + 1] !== QUOTE) return false;
    this.#pos += 2;
    return true;
  }

  #numbers(): boolean {
    if (!this.#take(OPEN)) return false;
    if (this.#take(CLOSE)) return true;
    do {
      const known = this.#key();
      // A key twice: the last one counts, which is for the full parser to sort out.
      if (!known || known.line === this.#line || !this.#take(COLON)) return false;
      known.line = this.#line;
      const value = this.#number();
      if (Number.isNaN(value)) return false;
      this.columns[this.count] = known.column;
      this.values[this.count] = value;
      this.count += 1;
    } while (this.#take(COMMA));
    return this.#take(CLOSE);
  }

  /** Context is passed over. */
  #texts(): boolean {
    if (!this.#take(OPEN)) return false;
    if (this.#take(CLOSE)) return true;
    do {
      if (this.#text() < 0 || !this.#take(COLON) || this.#text() < 0) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE);
  }

  #key(): Known<Column> | undefined {
    const start = this.#text();
    if (start < 0) return undefined;
    const end = this.#pos - 1;
    for (const known of this.#byHash.get(hashOf(this.#data, start, end)) ?? []) {
      if (hasBytes(this.#data, start, end, known.bytes)) return known;
    }
    return undefined;
  }

  /** Passes a text without escapes; where it starts, or -1. */
  #text(): number {
    if (!this.#take(QUOTE)) return -1;
    const start = this.#pos;
    for (; this.#pos < this.#end; this.#pos++) {
      const byte = this.#data[this.#pos] as number;
      if (byte === QUOTE) {
        this.#pos += 1;
        return start;
      }
      if (byte < SPACE || byte === BACKSLASH) return -1;
    }
    return -1;
  }

  /** As JSON has it; NaN for what is no number. */
  #number(): number {
    this.#spaces();
    const data = this.#data;
    const start = this.#pos;
    let pos = start;
    const negative = data[pos] === MINUS;
    if (negative) pos += 1;
    const whole = pos;
    // The first fifteen digits that count, and the next four.
    let high = 0;
    let low = 0;
    let digits = 0;
    let point = -1;
    let byte = data[pos] as number;
    for (; ; byte = data[++pos] as number) {
      if (byte >= ZERO && byte <= NINE) {
        if (digits > 0 || byte > ZERO) digits += 1;
        if (digits <= HIGH_DIGITS) high = high * 10 + byte - ZERO;
        else low = low * 10 + byte - ZERO;
      } else if (byte === DOT && point < 0) point = pos;
      else break;
    }
    const before = (point < 0 ? pos : point) - whole;
    if (before === 0 || (data[whole] === ZERO && before > 1) || point === pos - 1) return Number.NaN;
    let power = point < 0 ? 0 : point + 1 - pos;
    if ((byte | 0x20) === E) {
      const sign = data[++pos];
      if (sign === MINUS || sign === PLUS) pos += 1;
      const first = pos;
      let exponent = 0;
      byte = data[pos] as number;
      for (; byte >= ZERO && byte <= NINE; byte = data[++pos] as number) exponent = exponent * 10 + byte - ZERO;
      if (pos === first) return Number.NaN;
      power += sign === MINUS ? -exponent : exponent;
    }
    if (pos > this.#end) return Number.NaN;
    this.#pos = pos;
    const isShort = digits <= HIGH_DIGITS;
    if (power < -POWER_MAX || power > (isShort ? POWER_MAX : 0) || digits > HIGH_DIGITS + LOW_DIGITS) {
      return Number(data.toString("latin1", start, pos));
    }
    const value = !isShort
      ? quotient(high, POWERS[digits - HIGH_DIGITS] as number, low, POWERS[-power] as number)
      : power < 0
        ? high / (POWERS[-power] as number)
        : high * (POWERS[power] as number);
    return negative ? -value : value;
  }

  #take(byte: number): boolean {
    if (this.#data[this.#pos] === SPACE) this.#spaces();
    if (this.#pos >= this.#end || this.#data[this.#pos] !== byte) return false;
    this.#pos += 1;
    return true;
  }

  #spaces(): void {
    while (this.#pos < this.#end && this.#data[this.#pos] === SPACE) this.#pos += 1;
  }
}

function hasBytes(data: Uint8Array, start: number, end: number, bytes: Uint8Array): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== data[start + i]) return false;
  return true;
}

/**
 * (high * scale + low) / divisor, rounded as one division of whole numbers would be: what a product or a quotient loses is
 * computed beside it (Dekker), which leaves about 100 good bits before the last rounding.
 */
function quotient(high: number, scale: number, low: number, divisor: number): number {
  const product = high * scale;
  const sum = product + low;
  const lost = lostOf(high, scale, product) + (product - sum + low);
  const first = sum / divisor;
  const back = first * divisor;
  return first + (sum - back - lostOf(first, divisor, back) + lost) / divisor;
}

/** What the product of two numbers lost when it was rounded. */
function lostOf(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** Its upper 26 bits (Veltkamp). */
function upperHalf(value: number): number {
  const wide = value * SPLIT;
  return wide - (wide - value);
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_START;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), HASH_PRIME);
  return hash;
}
