/**
 * [P] The Lark keys of an EXP file: of all that they say, which table rows belong to. Secrets stay out: the coordinator's
 * channels have their own.
 */
import type { TableName } from "../run/notify.ts";
import { childOf, entriesOf, kindOf, type SpecNode } from "../spec/node.ts";
import type { Notes } from "./exp-notes.ts";
import { parseTableAddress } from "./table-address.ts";

/** What `lark_config` and `lark_url` say, by key. */
export type LarkKeys = ReadonlyMap<string, string>;

export const NO_LARK: LarkKeys = new Map();

const TABLE_KEYS = ["app_token", "table_id"];
/** In the order in which EXP reads them: a later one replaces what an earlier one says. */
const ADDRESS_KEYS = ["url", "table_url", "bitable_url"];
const CHANNEL_KEYS = [
  "app_id",
  "app_secret",
  "view_id",
  "user_id_type",
  "client_token",
  "ignore_consistency_check",
  "log_level",
];
const ID = /^[A-Za-z0-9_-]+$/;

/** The keys of `node` over the `inherited` ones, each for itself. */
export function readLark(notes: Notes, node: SpecNode, where: string, inherited: LarkKeys): LarkKeys {
  const keys = new Map(inherited);
  const config = childOf(node, "lark_config");
  if (config && kindOf(config.raw) !== "table") {
    notes.add(`${where} lark_config`, config, "lark_config has no effect: it is no table");
  } else if (config) {
    for (const [key, child] of entriesOf(config)) readKey(notes, keys, key, child);
  }
  const url = childOf(node, "lark_url")?.raw;
  if (typeof url === "string" && url !== "") keys.set("url", url);
  return keys;
}

function readKey(notes: Notes, keys: Map<string, string>, key: string, node: SpecNode): void {
  if (TABLE_KEYS.includes(key) || ADDRESS_KEYS.includes(key)) {
    if (typeof node.raw === "string") keys.set(key, node.raw);
  } else if (CHANNEL_KEYS.includes(key)) {
    const message = `${key} of a lark_config has no effect: the coordinator's channel for the table has its own`;
    notes.add(`lark_config ${key}`, node, message);
  } else {
    notes.unknown(node, key, [...TABLE_KEYS, ...ADDRESS_KEYS, ...CHANNEL_KEYS], "a lark_config");
  }
}

/** Addresses go before keys of their own. Undefined where no keys are, or not enough. */
export function tableOfLark(notes: Notes, node: SpecNode, keys: LarkKeys): TableName | undefined {
  if (keys.size === 0) return undefined;
  let appToken = keys.get("app_token");
  let tableId = keys.get("table_id");
  for (const key of ADDRESS_KEYS) {
    const address = parseTableAddress(keys.get(key) ?? "");
    appToken = address.appToken ?? appToken;
    tableId = address.tableId ?? tableId;
  }
  if (appToken !== undefined && tableId !== undefined && ID.test(appToken) && ID.test(tableId)) {
    return { appToken, tableId };
  }
  const missing = appToken === undefined || !ID.test(appToken) ? "app_token" : "table_id";
  const at = childOf(node, "lark_url") ?? childOf(node, "lark_config") ?? node;
  const why = missing === "app_token" ? "an address of a wiki page has none; " : "";
  notes.add("lark table", at, `rows are sent to no table: the ${missing} is not known (${why}set it in lark_config)`);
  return undefined;
}

/** The text of an EXP file as it may be kept: without the secret of a `lark_config`. */
export function withoutLarkSecrets(text: string): string {
  if (!text.includes("lark_config")) return text;
  return text.replace(
    /(\bapp_secret["']?\s*=\s*)("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')/g,
    '$1"***"',
  );
}
