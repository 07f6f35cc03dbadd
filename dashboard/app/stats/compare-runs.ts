/** [P] What is different between a few runs. */
import type { JsonValue } from "../../../shared/run/views.ts";

export interface ComparedRow {
  readonly key: string;
  /** One for each run; undefined where it has none. */
  readonly values: readonly (JsonValue | undefined)[];
  readonly differs: boolean;
}

export interface Table {
  readonly [key: string]: JsonValue;
}

/**
 * All keys of all tables in order of first appearance; members of nested tables by dotted keys. A table that is not known
 * (undefined) has no values, and differs from none.
 */
export function compareTables(tables: readonly (Table | undefined)[]): ComparedRow[] {
  const flat = tables.map((table) => table && flatten(table));
  const keys = new Set(flat.flatMap((table) => [...(table?.keys() ?? [])]));
  return [...keys].map((key) => {
    const values = flat.map((table) => table?.get(key));
    const known = values.filter((_, i) => flat[i] !== undefined);
    const texts = new Set(known.map((value) => (value === undefined ? "" : JSON.stringify(value))));
    return { key, values, differs: texts.size > 1 };
  });
}

/** Words of commands; `differs`: not every command has this word at this place. */
export function compareWords(commands: readonly (readonly string[])[]): { text: string; differs: boolean }[][] {
  return commands.map((command) =>
    command.map((text, i) => ({ text, differs: commands.some((other) => other[i] !== text) })),
  );
}

function flatten(table: Table): Map<string, JsonValue> {
  const flat = new Map<string, JsonValue>();
  const add = (prefix: string, members: Table) => {
    for (const [name, value] of Object.entries(members)) {
      const key = prefix === "" ? name : `${prefix}.${name}`;
      if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
        add(key, value);
      } else flat.set(key, value);
    }
  };
  add("", table);
  return flat;
}
