/** [P] What imported work has to be called to count for a point of a sweep. */
import { createLeftOut } from "../spec/canonical.ts";
import type { ImportedName, ParamOrigins, SweepPoint, SweepSettings } from "../spec/types.ts";
import { comparedTextOfParams, configKey } from "./imported-config.ts";

/**
 * A point of an EXP file says it itself. Any other is known by its parameters, as ztxexp would, in a sweep that lets
 * parameters alone decide: `[identity] include = []`. Undefined: no imported work counts.
 */
export function importedNameOf(
  { identity: { ignore, include } }: SweepSettings,
  { numbered }: Pick<ParamOrigins, "numbered">,
  point: Pick<SweepPoint, "imported" | "params">,
): ImportedName | undefined {
  if (point.imported) return point.imported;
  if (include.length > 0) return undefined;
  const text = comparedTextOfParams(point.params, createLeftOut(ignore, numbered));
  return text === undefined ? undefined : { key: configKey(text), nth: 1 };
}
