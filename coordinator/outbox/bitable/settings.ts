/** The keys of a table of Feishu or Lark, as EXP has them, and what they amount to. */
import { z } from "zod";
import { parseTableAddress } from "../../../shared/compat/table-address.ts";
import type { AppError } from "../../../shared/kernel/errors.ts";
import type { RunTarget } from "../tracked-runs.ts";
import type { BitableSettings } from "./client.ts";

export interface TableTarget extends RunTarget, BitableSettings {
  readonly createFields: boolean;
}

const WORD = z.string().min(1);
const YES_OR_NO = z.union([z.boolean(), z.literal(0), z.literal(1), z.stringbool()]);
export const TABLE_KEYS = z.strictObject({
  app_id: WORD,
  app_secret: WORD,
  app_token: WORD.optional(),
  table_id: WORD.optional(),
  view_id: WORD.optional(),
  user_id_type: z.enum(["open_id", "union_id", "user_id"]).optional(),
  ignore_consistency_check: YES_OR_NO.optional(),
  url: WORD.optional(),
  table_url: WORD.optional(),
  bitable_url: WORD.optional(),
  /** Of EXP: the log of the coordinator has a level of its own, and each call a token of its own. */
  log_level: WORD.optional(),
  client_token: WORD.optional(),
  domain: z.url({ protocol: /^https?$/ }).optional(),
  create_fields: z.boolean().optional(),
  projects: z.array(WORD).optional(),
  sweeps: z.array(WORD).optional(),
  rows: z.enum(["runs", "saved", "both"]).optional(),
});
type TableKeys = z.infer<typeof TABLE_KEYS>;

const DOMAIN = "https://open.feishu.cn";

/** What the address says goes before the keys of their own. `wrong` makes the refusal. */
export function tableTarget(name: string, keys: TableKeys, wrong: (what: string) => AppError): TableTarget {
  const address = parseTableAddress(keys.url ?? keys.table_url ?? keys.bitable_url ?? "");
  const appToken = address.appToken ?? keys.app_token;
  const tableId = address.tableId ?? keys.table_id;
  if (appToken === undefined) throw wrong("app_token is missing, and the address names none (a wiki page has none)");
  if (tableId === undefined) throw wrong("table_id is missing, and the address names none");
  if (![appToken, tableId].every((text) => /^[A-Za-z0-9_-]+$/.test(text))) {
    throw wrong("app_token and table_id are letters and digits");
  }
  return {
    name,
    projects: keys.projects ?? [],
    sweeps: keys.sweeps ?? [],
    rows: keys.rows ?? "both",
    domain: (keys.domain ?? DOMAIN).replace(/\/+$/, ""),
    appId: keys.app_id,
    appSecret: keys.app_secret,
    appToken,
    tableId,
    table: { appToken, tableId },
    viewId: address.viewId ?? keys.view_id,
    userIdType: keys.user_id_type,
    ignoreConsistencyCheck:
      keys.ignore_consistency_check === undefined ? undefined : Boolean(keys.ignore_consistency_check),
    createFields: keys.create_fields ?? true,
  };
}
