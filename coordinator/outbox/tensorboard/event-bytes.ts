/**
 * [P] The bytes of TensorBoard's event files: frames of a length, its checksum, an Event message of protobuf and its checksum.
 * Written by hand, because all that is written is one version and scalars.
 */
import { maskedCrc32c } from "../../../shared/capture/tfevents.ts";

export interface ScalarValue {
  readonly tag: string;
  readonly value: number;
}

/** The frame that every file begins with. `seconds`: Unix time. */
export function versionFrame(seconds: number): Buffer {
  return frame(Buffer.concat([wallTime(seconds), bytesField(3, Buffer.from("brain.Event:2"))]));
}

/** One frame with the values of one step. `seconds`: Unix time; the step is cut to a whole number. */
export function scalarsFrame(step: number, seconds: number, values: readonly ScalarValue[]): Buffer {
  const summary = Buffer.concat(values.map((value) => bytesField(1, scalar(value))));
  return frame(Buffer.concat([wallTime(seconds), key(2, 0), varint(step), bytesField(5, summary)]));
}

function scalar({ tag, value }: ScalarValue): Buffer {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([bytesField(1, Buffer.from(tag)), key(2, 5), number]);
}

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  return Buffer.concat([length, checksum(length), message, checksum(message)]);
}

function checksum(bytes: Buffer): Buffer {
  const result = Buffer.alloc(4);
  result.writeUInt32LE(maskedCrc32c(bytes));
  return result;
}

function wallTime(seconds: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeDoubleLE(seconds);
  return Buffer.concat([key(1, 1), time]);
}

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([key(number, 2), varint(bytes.length), bytes]);
}

function key(number: number, wire: number): Buffer {
  return Buffer.from([(number << 3) | wire]);
}

/** Negative ones take ten bytes, as protobuf's int64 do. */
function varint(value: number): Buffer {
  let left = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  const bytes: number[] = [];
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
