/** Which imported run counts for a name that a point of a sweep has. */
import { configKey, withoutIgnored } from "../../../shared/compat/imported-config.ts";
import { importedNameOf } from "../../../shared/compat/imported-name.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { createLeftOut } from "../../../shared/spec/canonical.ts";
import { paramsFromJson } from "../../../shared/spec/params-json.ts";
import type { ImportedName, ParamOrigins, SweepSettings } from "../../../shared/spec/types.ts";
import type { Imports } from "../../store/imports.ts";

export type FindImported = (name: ImportedName) => RunId | undefined;

/** Undefined where nothing was ever imported, so that nobody has to make names. For use at once: what it knows is a moment's. */
export function importedWork(
  { identity }: SweepSettings,
  { numbered }: Pick<ParamOrigins, "numbered">,
  imports: Imports,
): FindImported | undefined {
  if (imports.isEmpty()) return undefined;
  const { ignore, include } = identity;
  if (ignore.length + numbered.length === 0 || include.length > 0) return ({ key, nth }) => imports.find(key, nth);
  // Imported configurations are stored whole: here they lose what does not count in this sweep.
  const isLeftOut = createLeftOut(ignore, numbered);
  const known = new Map<string, RunId>();
  for (const { id, comparedText } of imports.configs()) {
    const text = withoutIgnored(comparedText, isLeftOut);
    const key = text === undefined ? undefined : configKey(text);
    if (key !== undefined && !known.has(key)) known.set(key, id);
  }
  return ({ key }) => known.get(key);
}

/** New points that are looked at for a hint. */
const LOOKED_AT_MAX = 1_000;

/**
 * Watches for new points that would be reused if parameters alone decided: what somebody who has just imported work may have
 * expected. `hint` gives the line that says so, where there are any.
 */
export function watchForMissed(settings: SweepSettings, params: Pick<ParamOrigins, "numbered">, imports: Imports) {
  const { identity } = settings;
  const loose: SweepSettings = { ...settings, identity: { ...identity, include: [] } };
  const find = identity.include.length > 0 ? importedWork(loose, params, imports) : undefined;
  let looked = 0;
  let missed = 0;
  return {
    look(paramsJson: string): void {
      if (!find || looked === LOOKED_AT_MAX) return;
      looked += 1;
      const name = importedNameOf(loose, params, { params: paramsFromJson(paramsJson) });
      if (name && find(name)) missed += 1;
    },
    hint(): string | undefined {
      if (missed === 0) return undefined;
      const some = looked === LOOKED_AT_MAX ? `${missed} of the first ${looked}` : missed;
      return `${some} new runs have the parameters of imported work; identity.include = [] lets parameters alone decide`;
    },
  };
}
