/** The tables of keys that docs/sweep-file.md has, made from the list that the parser goes by. */
import type { Keys } from "../../shared/spec/key.ts";
import { OPEN_TABLES, RUNS_KEYS, SECTION_KEYS, SWEEP_KEYS, VARIANT_KEYS } from "../../shared/spec/sweep-keys.ts";

export function keyTables(): string {
  const sections = Object.entries(SECTION_KEYS).map(([name, keys]) => table(`\`[${name}]\``, keys));
  return [
    table("at the top", SWEEP_KEYS),
    table("tables", OPEN_TABLES),
    table("`[[variants]]`", asInFile(VARIANT_KEYS, [])),
    table("`[[runs]]`", asInFile(RUNS_KEYS, ["params", "from"])),
    ...sections,
  ].join("\n\n");
}

/** What a variant or a run does not say, the file says. */
function asInFile(keys: Keys, except: readonly string[]): Keys {
  const entries = Object.entries(keys).map(([name, key]) => [
    name,
    except.includes(name) ? key : { ...key, without: "as in the file" },
  ]);
  return Object.fromEntries(entries);
}

function table(title: string, keys: Keys): string {
  const rows = Object.entries(keys).map(([name, { doc, without }]) => {
    const cells = [`\`${name}\``, doc, without ?? ""];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [`| ${title} | meaning | without it |`, "| --- | --- | --- |", ...rows].join("\n");
}
