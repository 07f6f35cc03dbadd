/** Zip archives of a few files, each in memory. */
import { crc32, deflateRawSync } from "node:zlib";
import { assert } from "../../shared/kernel/assert.ts";

export interface ZipEntry {
  /** ASCII. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Beyond this an archive needs a form that not every reader knows. */
export const ZIP_BYTES_MAX = 0xffff_ffff;

const DEFLATE = 8;
const VERSION = 20;
/** 1 January 1980, the first day that the format can say: the same content gives the same bytes. */
const DAY = 0x21;

/** Throws where the archive would exceed ZIP_BYTES_MAX. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const packed = deflateRawSync(bytes);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(VERSION, 0);
    facts.writeUInt16LE(DEFLATE, 4);
    facts.writeUInt16LE(DAY, 8);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), facts, Buffer.from(name, "latin1")]);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), facts, central, Buffer.from(name, "latin1")]),
    );
    parts.push(local, packed);
    offset += local.length + packed.length;
    assert(offset <= ZIP_BYTES_MAX && bytes.length <= ZIP_BYTES_MAX, "a zip archive has at most 4 GiB");
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}
