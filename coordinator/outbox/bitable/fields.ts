/** [P] Values of a run as the fields of a table take them, by the type that a field has. */

/** Undefined: the run has none. */
export type RowValue = string | number | boolean | readonly string[] | Date;
export type Row = ReadonlyMap<string, RowValue>;

export interface TableField {
  readonly name: string;
  readonly type: number;
}

export const FIELD_TYPE = { text: 1, number: 2, select: 3, selects: 4, date: 5, attachment: 17 } as const;
/** Offset of times that name no zone. */
const SHANGHAI = "+08:00";

/** The type of a new field for a value. */
export function fieldTypeOf(value: RowValue): number {
  if (typeof value === "number") return FIELD_TYPE.number;
  return value instanceof Date ? FIELD_TYPE.date : FIELD_TYPE.text;
}

/** Undefined where a field of this type cannot hold the value: the field is left as it is. */
export function fieldValue(type: number, value: RowValue): string | number | readonly string[] | undefined {
  switch (type) {
    case FIELD_TYPE.text:
    case FIELD_TYPE.select:
      return textOf(value);
    case FIELD_TYPE.number:
      return numberOf(value);
    case FIELD_TYPE.selects:
      return Array.isArray(value) ? value : [textOf(value)].filter((text) => text !== "");
    case FIELD_TYPE.date:
      return dateOf(value);
    default:
      return undefined;
  }
}

function textOf(value: RowValue): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function numberOf(value: RowValue): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "boolean") return number ? 1 : 0;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** Milliseconds. Numbers are refused: nobody knows of what they are. */
function dateOf(value: RowValue): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}/.test(value)) return undefined;
  const iso = value.replace(" ", "T");
  const hasTime = iso.includes("T");
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/.test(iso.slice(10));
  const ms = Date.parse(hasZone ? iso : `${hasTime ? iso : `${iso}T00:00:00`}${SHANGHAI}`);
  return Number.isNaN(ms) ? undefined : ms;
}
