/** [P] Which table of Feishu or Lark is meant: read from its address as people copy it, and from keys of their own. */

export interface TableAddress {
  readonly appToken: string | undefined;
  readonly tableId: string | undefined;
  readonly viewId: string | undefined;
}

const APP = /app[0-9A-Za-z]{5,}/;
const TABLE = /tbl[0-9A-Za-z]+/;
const VIEW = /vew[0-9A-Za-z]+/;
const TABLE_KEYS = ["table", "tableId", "table_id"];
const VIEW_KEYS = ["view", "viewId", "view_id"];

/** What the address does not say is undefined; a link to a wiki page names no app. */
export function parseTableAddress(address: string): TableAddress {
  if (!URL.canParse(address)) return { appToken: undefined, tableId: undefined, viewId: undefined };
  const url = new URL(address);
  const segments = url.pathname.split("/").filter(Boolean);
  const fragment = url.hash.slice(1);
  const query = [url.searchParams, new URLSearchParams(fragment.slice(fragment.indexOf("?") + 1))];
  const named = (keys: readonly string[]) =>
    query.flatMap((params) => keys.flatMap((key) => params.get(key) || [])).at(0);
  const anywhere = `${url.pathname} ${url.search} ${url.hash}`;
  return {
    appToken: appToken(segments, `${url.pathname} ${url.hash}`),
    tableId: named(TABLE_KEYS) ?? TABLE.exec(anywhere)?.[0],
    viewId: named(VIEW_KEYS) ?? VIEW.exec(anywhere)?.[0],
  };
}

function appToken(segments: readonly string[], embedded: string): string | undefined {
  const whole = segments.find((segment) => APP.exec(segment)?.[0] === segment);
  if (whole !== undefined) return whole;
  const before = segments.findIndex((segment) => segment === "base" || segment === "bitable");
  const after = before < 0 ? undefined : segments[before + 1];
  return after ?? APP.exec(embedded)?.[0];
}
