/** [P] What imported work has to be called to count for a point of a sweep. */
import { isIgnored } from "../spec/canonical.ts";
import type { ImportedName, SweepPoint, SweepSettings } from "../spec/types.ts";
import { comparedTextOfParams, configKey } from "./imported-config.ts";

/**
 * A point of an EXP file says it itself. Any other is known by its parameters, as ztxexp would, in a sweep that lets
 * parameters alone decide: `[identity] include = []`. Undefined: no imported work counts.
 */
export function importedNameOf(
  settings: SweepSettings,
  point: Pick<SweepPoint, "imported" | "params">,
): ImportedName | undefined {
  if (point.imported) return point.imported;
  const { ignore, include } = settings.identity;
  if (include.length > 0) return undefined;
  const text = comparedTextOfParams(point.params, (name) => isIgnored(name, ignore));
  return text === undefined ? undefined : { key: configKey(text), nth: 1 };
}
