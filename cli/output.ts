/**
 * What a command says. Data go to stdout in the format asked for; everything said to people goes to stderr. In a pipe
 * there is no colour, no truncation and no footer.
 */
import type { Writable } from "node:stream";
import type { Config } from "./config.ts";
import { csvText, markdownText } from "./render/delimited.ts";
import { type Column, tableText } from "./render/table.ts";
import { escapeControl, shellWord } from "./render/text.ts";

export interface Listing<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** What `-o name` prints. */
  readonly name: (row: T) => string;
  readonly json: (row: T) => unknown;
  /** Shown under the table on a terminal. */
  readonly footer?: string;
  /** Said on stderr instead of an empty table. */
  readonly empty: string;
}

export interface Single {
  readonly json: unknown;
  readonly lines: readonly string[];
  readonly name: string;
}

export class Output {
  readonly #out: Writable;
  readonly #err: Writable;
  readonly #config: Config;

  constructor(out: Writable, err: Writable, config: Config) {
    this.#out = out;
    this.#err = err;
    this.#config = config;
  }

  /** True where `exp` prints JSON and nothing but. */
  get isJson(): boolean {
    return this.#config.format === "json" || this.#config.format === "jsonl";
  }

  /** Resolves when the reader has room for more. */
  async data(chunk: string | Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#out.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** One line for the person in front. */
  note(line: string): void {
    if (!this.#config.quiet) this.#err.write(`${line}\n`);
  }

  /** What was accepted and does not do what it may seem to. */
  warn(line: string): void {
    this.note(`warning: ${escapeControl(line)}`);
  }

  /** A command that works and is likely wanted next: it speaks to the same coordinator as this one. */
  next(command: string): void {
    if (!this.isJson) this.note(`next: ${command}${this.#sameTarget()}`);
  }

  #sameTarget(): string {
    const { server, context, dirFrom, dir, tokenFile } = this.#config;
    const token = tokenFile === undefined ? "" : ` --token-file ${shellWord(tokenFile)}`;
    if (server?.from === "flag") return ` --server ${shellWord(server.value)}${token}`;
    if (context?.from === "flag") return ` --context ${shellWord(context.value)}`;
    return dirFrom === "flag" ? ` --dir ${shellWord(dir)}` : "";
  }

  /** For blocks that are drawn over. */
  raw(text: string): void {
    if (!this.#config.quiet) this.#err.write(text);
  }

  async list<T>(listing: Listing<T>): Promise<void> {
    await this.data(this.listText(listing));
    if (listing.rows.length === 0 && this.#isTable) this.note(listing.empty);
  }

  /** Without titles: more of a list that has begun. */
  listText<T>(listing: Listing<T>, titles = true): string {
    const { rows, columns } = listing;
    const { format, terminal, color } = this.#config;
    switch (format) {
      case "json":
        return `${JSON.stringify(rows.map(listing.json))}\n`;
      case "jsonl":
        return rows.map((row) => `${JSON.stringify(listing.json(row))}\n`).join("");
      case "csv":
        return csvText(columns, rows, titles);
      case "md":
        return markdownText(columns, rows, titles);
      case "name":
        return rows.map((row) => `${escapeControl(listing.name(row))}\n`).join("");
      case "table":
      case "wide": {
        if (rows.length === 0) return "";
        const shown =
          format === "wide"
            ? columns.map((column) => ({ ...column, optional: false }))
            : columns.filter((column) => !column.wide);
        const width = terminal.stdoutIsTty && format === "table" ? terminal.columns : undefined;
        const footer = terminal.stdoutIsTty && titles && listing.footer ? `${listing.footer}\n` : "";
        return tableText(shown, rows, { width, color: color.out, titles }) + footer;
      }
    }
  }

  async single(value: Single): Promise<void> {
    switch (this.#config.format) {
      case "json":
      case "jsonl":
        return this.data(`${JSON.stringify(value.json)}\n`);
      case "name":
        return this.data(`${escapeControl(value.name)}\n`);
      case "csv":
        return this.data(csvText(FIELD_COLUMNS, fieldsOf(value.json)));
      case "md":
        return this.data(markdownText(FIELD_COLUMNS, fieldsOf(value.json)));
      case "table":
      case "wide":
        return this.data(value.lines.map((line) => `${line}\n`).join(""));
    }
  }

  get #isTable(): boolean {
    return this.#config.format === "table" || this.#config.format === "wide";
  }
}

type Field = readonly [key: string, value: unknown];

/** What is not a list, as a table: a line for each part. */
const FIELD_COLUMNS: readonly Column<Field>[] = [
  { title: "KEY", cell: ([key]) => key },
  { title: "VALUE", cell: ([, value]) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "")) },
];

function fieldsOf(json: unknown): Field[] {
  return typeof json === "object" && json !== null ? Object.entries(json) : [["value", json]];
}
