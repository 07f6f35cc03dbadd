/**
 * [P] TensorBoard's event files: frames of a length, its checksum, the bytes and theirs, which hold Event messages of
 * protobuf. Read by hand, because of these messages only scalars count: a `simple_value` (TF1, torch, tensorboardX) or a
 * tensor with one number (TF2, Keras). A frame that is not whole yet is waited for.
 */

export interface Scalar {
  readonly tag: string;
  readonly value: number;
  readonly step: number;
  /** Unix seconds. */
  readonly at: number;
}

/** With where its frame ends. */
export interface FramedScalar extends Scalar {
  readonly end: number;
}

export interface Frames {
  readonly scalars: readonly FramedScalar[];
  /** Bytes of whole frames. What follows is the beginning of the next. */
  readonly consumed: number;
  /** Bytes of the frame at `consumed`, where its length is known: an image may need more room than was given. */
  readonly needed: number;
  /** Frames whose bytes do not match their checksum. */
  readonly damaged: number;
  /** True where a length does not match its checksum: what follows cannot be read. */
  readonly broken: boolean;
}

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;
const TAG_CHARS_MAX = 200;

/** The whole frames at the start of `bytes`. Never throws. */
export function readFrames(bytes: Uint8Array): Frames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scalars: FramedScalar[] = [];
  let consumed = 0;
  let damaged = 0;
  while (consumed + HEADER_BYTES <= bytes.length) {
    const length = Number(view.getBigUint64(consumed, true));
    if (maskedCrc32c(bytes.subarray(consumed, consumed + 8)) !== view.getUint32(consumed + 8, true))
      return { scalars, consumed, needed: 0, damaged, broken: true };
    const start = consumed + HEADER_BYTES;
    const needed = HEADER_BYTES + length + FOOTER_BYTES;
    if (consumed + needed > bytes.length) return { scalars, consumed, needed, damaged, broken: false };
    const body = bytes.subarray(start, start + length);
    if (maskedCrc32c(body) !== view.getUint32(start + length, true)) damaged += 1;
    else for (const scalar of scalarsOf(body)) scalars.push({ ...scalar, end: consumed + needed });
    consumed += needed;
  }
  return { scalars, consumed, needed: 0, damaged, broken: false };
}

/** Scalars of one Event message; none where it is not one. */
function scalarsOf(event: Uint8Array): Scalar[] {
  let at = Number.NaN;
  let step = 0;
  let summary: Uint8Array | undefined;
  for (const field of fieldsOf(event)) {
    if (field.number === 1 && field.wire === FIXED64) at = field.view.getFloat64(0, true);
    else if (field.number === 2 && field.wire === VARINT) step = Number(BigInt.asIntN(64, field.value));
    else if (field.number === 5 && field.wire === BYTES) summary = field.bytes;
  }
  if (!summary || !Number.isFinite(at) || !Number.isSafeInteger(step)) return [];
  const scalars: Scalar[] = [];
  for (const field of fieldsOf(summary)) {
    if (field.number !== 1 || field.wire !== BYTES) continue;
    const { tag, value } = taggedValue(field.bytes);
    if (tag !== "" && value !== undefined) scalars.push({ tag, value, step, at });
  }
  return scalars;
}

function taggedValue(bytes: Uint8Array): { tag: string; value: number | undefined } {
  let tag = "";
  let value: number | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1 && field.wire === BYTES) tag = textOf(field.bytes);
    else if (field.number === 2 && field.wire === FIXED32) value = shortFloat(field.view.getFloat32(0, true));
    else if (field.number === 8 && field.wire === BYTES) value = tensorValue(field.bytes);
  }
  return { tag, value };
}

/** What a type of tensor is called in `DataType`, and how its content is read. */
const CONTENT: ReadonlyMap<number, readonly [bytes: number, read: (view: DataView) => number]> = new Map([
  [1, [4, (view: DataView) => shortFloat(view.getFloat32(0, true))]],
  [2, [8, (view: DataView) => view.getFloat64(0, true)]],
  [3, [4, (view: DataView) => view.getInt32(0, true)]],
  [4, [1, (view: DataView) => view.getUint8(0)]],
  [5, [2, (view: DataView) => view.getInt16(0, true)]],
  [6, [1, (view: DataView) => view.getInt8(0)]],
  [9, [8, (view: DataView) => Number(view.getBigInt64(0, true))]],
  [10, [1, (view: DataView) => view.getUint8(0)]],
  [14, [2, (view: DataView) => bfloat16(view.getUint16(0, true))]],
  [17, [2, (view: DataView) => view.getUint16(0, true)]],
  [19, [2, (view: DataView) => float16(view.getUint16(0, true))]],
  [22, [4, (view: DataView) => view.getUint32(0, true)]],
  [23, [8, (view: DataView) => Number(view.getBigUint64(0, true))]],
]);

/** The number of a tensor that holds exactly one; undefined for any other. */
function tensorValue(bytes: Uint8Array): number | undefined {
  let type = 0;
  let content: Uint8Array | undefined;
  const numbers: number[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1 && field.wire === VARINT) type = Number(field.value);
    else if (field.number === 2 && field.wire === BYTES) {
      if (elementsOf(field.bytes) !== 1) return undefined;
    } else if (field.number === 4 && field.wire === BYTES) content = field.bytes;
    else if (field.number >= 5) numbers.push(...numbersOf(field, type));
  }
  const reader = CONTENT.get(type);
  if (content && content.length > 0) {
    const [size, read] = reader ?? [0, () => 0];
    return content.length === size ? read(viewOf(content)) : undefined;
  }
  // Protobuf leaves a value out that is zero, but not one of a repeated field.
  return reader && numbers.length === 1 ? numbers[0] : undefined;
}

/** Of a TensorShapeProto: 1 for a scalar. */
function elementsOf(shape: Uint8Array): number {
  let product = 1;
  for (const dim of fieldsOf(shape)) {
    if (dim.number === 3) return 0;
    if (dim.number !== 2 || dim.wire !== BYTES) continue;
    let size = 0;
    for (const field of fieldsOf(dim.bytes))
      if (field.number === 1 && field.wire === VARINT) size = Number(field.value);
    product *= size;
  }
  return product;
}

/** Values of float_val, double_val, int_val, int64_val, bool_val, half_val and their unsigned ones, packed or one by one. */
function numbersOf(field: Field, type: number): number[] {
  const integers = [7, 10, 11, 13, 16, 17];
  if (field.number === 5 && field.wire === FIXED32) return [shortFloat(field.view.getFloat32(0, true))];
  if (field.number === 6 && field.wire === FIXED64) return [field.view.getFloat64(0, true)];
  if (integers.includes(field.number) && field.wire === VARINT) return [integerOf(field.value, field.number, type)];
  if (field.wire !== BYTES) return [];
  const view = viewOf(field.bytes);
  if (field.number === 5) return field.bytes.length === 4 ? [shortFloat(view.getFloat32(0, true))] : pair(field.bytes);
  if (field.number === 6) return field.bytes.length === 8 ? [view.getFloat64(0, true)] : pair(field.bytes);
  if (!integers.includes(field.number)) return [];
  const [value, end] = varint(field.bytes, 0);
  if (value === undefined) return [];
  return end === field.bytes.length ? [integerOf(value, field.number, type)] : [0, 0];
}

/** Stands for "more than one", or none. */
function pair(bytes: Uint8Array): number[] {
  return bytes.length === 0 ? [] : [0, 0];
}

function integerOf(value: bigint, field: number, type: number): number {
  if (field === 13) return type === 14 ? bfloat16(Number(value)) : float16(Number(value));
  return Number(field >= 16 ? value : BigInt.asIntN(64, value));
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

type Field = { readonly number: number } & (
  | { readonly wire: typeof VARINT; readonly value: bigint }
  | { readonly wire: typeof FIXED64 | typeof FIXED32; readonly view: DataView }
  | { readonly wire: typeof BYTES; readonly bytes: Uint8Array }
);

/** Fields up to the first that is none. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const [key, afterKey] = varint(bytes, at);
    if (key === undefined) return;
    const number = Number(key >> 3n);
    const wire = Number(key & 7n);
    at = afterKey;
    if (wire === VARINT) {
      const [value, end] = varint(bytes, at);
      if (value === undefined) return;
      at = end;
      yield { number, wire, value };
      continue;
    }
    let length = wire === FIXED64 ? 8 : 4;
    if (wire === BYTES) {
      const [said, start] = varint(bytes, at);
      if (said === undefined) return;
      at = start;
      length = Number(said);
    } else if (wire !== FIXED64 && wire !== FIXED32) return;
    if (at + length > bytes.length) return;
    const part = bytes.subarray(at, at + length);
    at += length;
    if (wire === BYTES) yield { number, wire, bytes: part };
    else yield { number, wire: wire === FIXED64 ? FIXED64 : FIXED32, view: viewOf(part) };
  }
}

/** A varint and where it ends; undefined where it is cut off or too long. */
function varint(bytes: Uint8Array, start: number): readonly [bigint | undefined, number] {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  return [undefined, start];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.length > TAG_CHARS_MAX ? "" : text;
}

/** The shortest decimal number that is the same in 32 bits: 0.1, not 0.10000000149011612. */
function shortFloat(value: number): number {
  // Minus zero has no decimal of its own.
  if (value === 0) return value;
  for (let digits = 6; digits < 9 && Number.isFinite(value); digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, ((bits & 0xffff) << 16) >>> 0);
  return view.getFloat32(0);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C as TFRecord writes it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
