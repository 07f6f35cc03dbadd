/** A table as a Parquet file. The only place that knows the library for it. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { VERSION } from "../../shared/version.ts";
import type { CellKind, Frame, FrameColumn } from "./frame.ts";

const TYPES = {
  text: "STRING",
  number: "DOUBLE",
  integer: "INT64",
  boolean: "BOOLEAN",
  time: "TIMESTAMP",
} as const satisfies { readonly [kind in CellKind]: string };

export function parquet({ columns }: Frame): Buffer {
  const columnData = columns.map((column) => ({
    name: column.name,
    data: dataOf(column),
    type: TYPES[column.kind],
    nullable: true,
  }));
  return Buffer.from(parquetWriteBuffer({ columnData, createdBy: `expfleet ${VERSION}` }));
}

function dataOf({ kind, values }: FrameColumn): unknown[] {
  return values.map((value) => {
    if (value === undefined) return null;
    if (kind === "integer") return BigInt(Number(value));
    return kind === "time" ? new Date(Number(value)) : value;
  });
}
