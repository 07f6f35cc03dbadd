/** Which imported run counts for a name that a point of a sweep has. */
import { configKey, withoutIgnored } from "../../../shared/compat/imported-config.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { isIgnored } from "../../../shared/spec/canonical.ts";
import type { ImportedName, SweepSettings } from "../../../shared/spec/types.ts";
import type { Imports } from "../../store/imports.ts";

export type FindImported = (name: ImportedName) => RunId | undefined;

/** Undefined where nothing was ever imported, so that nobody has to make names. For use at once: what it knows is a moment's. */
export function importedWork({ identity }: SweepSettings, imports: Imports): FindImported | undefined {
  if (imports.isEmpty()) return undefined;
  const { ignore, include } = identity;
  if (ignore.length === 0 || include.length > 0) return ({ key, nth }) => imports.find(key, nth);
  // Imported configurations are stored whole: here they lose what this sweep ignores.
  const known = new Map<string, RunId>();
  for (const { id, comparedText } of imports.configs()) {
    const text = withoutIgnored(comparedText, (name) => isIgnored(name, ignore));
    const key = text === undefined ? undefined : configKey(text);
    if (key !== undefined && !known.has(key)) known.set(key, id);
  }
  return ({ key }) => known.get(key);
}
