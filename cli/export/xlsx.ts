/**
 * A table as a workbook of one sheet (SpreadsheetML in a zip). Text stays text: it is written as inline strings, which no
 * program takes for formulas.
 */
import { AppError } from "../../shared/kernel/errors.ts";
import { cellText, type Frame, type FrameColumn } from "./frame.ts";
import { zip } from "./zip.ts";

/** What a sheet can hold. */
const ROWS_MAX = 1_048_576;
const COLUMNS_MAX = 16_384;
const CELL_CHARS_MAX = 32_767;
const ROWS_PER_PIECE = 5_000;

/** Throws AppError (exhausted) for what does not fit into a sheet. */
export function workbook(frame: Frame): Buffer {
  const { rows, columns } = frame;
  if (rows >= ROWS_MAX) throw tooLarge(`${rows} rows; a sheet holds ${ROWS_MAX - 1} below its titles`);
  if (columns.length > COLUMNS_MAX) throw tooLarge(`${columns.length} columns; a sheet holds ${COLUMNS_MAX}`);
  return zip([
    { name: "[Content_Types].xml", bytes: Buffer.from(HEAD + CONTENT_TYPES) },
    { name: "_rels/.rels", bytes: Buffer.from(HEAD + relationships("officeDocument", "xl/workbook.xml")) },
    { name: "xl/workbook.xml", bytes: Buffer.from(HEAD + WORKBOOK) },
    {
      name: "xl/_rels/workbook.xml.rels",
      bytes: Buffer.from(HEAD + relationships("worksheet", "worksheets/sheet1.xml")),
    },
    { name: "xl/worksheets/sheet1.xml", bytes: sheet(frame) },
  ]);
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const APPLICATION = "application/vnd.openxmlformats-officedocument.spreadsheetml";

const CONTENT_TYPES =
  `<Types xmlns="${PACKAGE}/content-types">` +
  '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
  `<Override PartName="/xl/workbook.xml" ContentType="${APPLICATION}.sheet.main+xml"/>` +
  `<Override PartName="/xl/worksheets/sheet1.xml" ContentType="${APPLICATION}.worksheet+xml"/></Types>`;

const WORKBOOK =
  `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}">` +
  '<sheets><sheet name="runs" sheetId="1" r:id="rId1"/></sheets></workbook>';

function relationships(type: string, target: string): string {
  const one = `<Relationship Id="rId1" Type="${OFFICE}/${type}" Target="${target}"/>`;
  return `<Relationships xmlns="${PACKAGE}/relationships">${one}</Relationships>`;
}

function sheet({ rows, columns }: Frame): Buffer {
  const letters = columns.map((_, i) => columnName(i));
  const frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>';
  const titles = columns.map(({ name }, i) => textCell(`${letters[i]}1`, name)).join("");
  const pieces: Buffer[] = [];
  let text =
    `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0">${frozen}</sheetView></sheetViews>` +
    `<sheetData><row r="1">${titles}</row>`;
  for (let row = 0; row < rows; row++) {
    text += `<row r="${row + 2}">`;
    for (const [i, column] of columns.entries()) text += cell(`${letters[i]}${row + 2}`, column, row);
    text += "</row>";
    if (row % ROWS_PER_PIECE === 0) {
      pieces.push(Buffer.from(text));
      text = "";
    }
  }
  pieces.push(Buffer.from(`${text}</sheetData></worksheet>`));
  return Buffer.concat(pieces);
}

/** Numbers that are none in a spreadsheet (NaN, infinities) are texts. */
function cell(place: string, { kind, values }: FrameColumn, row: number): string {
  const value = values[row];
  if (value === undefined || value === "") return "";
  if (typeof value === "boolean") return `<c r="${place}" t="b"><v>${value ? 1 : 0}</v></c>`;
  if (typeof value === "number" && kind !== "time" && Number.isFinite(value)) {
    return `<c r="${place}"><v>${value}</v></c>`;
  }
  return textCell(place, cellText(kind, value));
}

function textCell(place: string, text: string): string {
  if (text.length > CELL_CHARS_MAX) throw tooLarge(`a text of ${text.length} characters at ${place}`);
  return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${xmlText(text)}</t></is></c>`;
}

// What XML cannot say at all, and what would be read back as one of those.
const UNSAYABLE = /(?![\t\n])\p{Cc}|[\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/gu;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function xmlText(text: string): string {
  const written = (char: string) => `_x${char.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}_`;
  return text
    .replace(UNSAYABLE, written)
    .replace(LONE_SURROGATE, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** 0 is "A", 26 is "AA". */
function columnName(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnName(Math.floor(index / 26) - 1) + last;
}

function tooLarge(what: string): AppError {
  return new AppError("exhausted", `${what}: too large for xlsx`, {
    id: "export.xlsx-size",
    hint: "--format csv or parquet has room",
  });
}
