/** Tables that runs of a file name and no channel fills: nothing is sent there, which is said with what to do about it. */
import type { TableName } from "../../../shared/run/notify.ts";
import type { SpecProblem } from "../../../shared/spec/problems.ts";
import type { ExpansionHead } from "../expand/messages.ts";

/** The report of the expansion, with one warning for each such table. */
export function withMissingTables(
  { report, shapes }: Pick<ExpansionHead, "report" | "shapes">,
  tables: readonly TableName[],
): ExpansionHead["report"] {
  const nameOf = ({ appToken, tableId }: TableName) => `${appToken}/${tableId}`;
  const known = new Set(tables.map(nameOf));
  const missing = new Map<string, TableName>();
  for (const { template } of shapes) {
    if (template.table && !known.has(nameOf(template.table))) missing.set(nameOf(template.table), template.table);
  }
  if (missing.size === 0) return report;
  return { ...report, warnings: [...report.warnings, ...[...missing.values()].map(warning)] };
}

function warning({ appToken, tableId }: TableName): SpecProblem {
  const keys = `app_token = "${appToken}", table_id = "${tableId}", app_id = "…", app_secret = "…"`;
  return {
    id: "spec.no-effect",
    message: `no channel fills the table ${tableId} of ${appToken}, which lark_url or lark_config names: no row is sent`,
    hint: `to have them, add to the coordinator's channels.toml: bitable.NAME = { ${keys} }`,
  };
}
