import { describe, expect, test } from "vitest";
import { fieldValue, type RowValue } from "../../../coordinator/outbox/bitable/fields.ts";
import { parseChannels } from "../../../coordinator/outbox/channels-file.ts";
import { wants } from "../../../coordinator/outbox/tracked-runs.ts";
import { parseTableAddress } from "../../../shared/compat/table-address.ts";

describe("addresses of tables", () => {
  test.each<[string, (string | undefined)[]]>([
    ["https://x.feishu.cn/base/appAbc12345?table=tblX1&view=vewY2", ["appAbc12345", "tblX1", "vewY2"]],
    ["https://x.feishu.cn/base/Nm0JbQ?table=tblX1", ["Nm0JbQ", "tblX1", undefined]],
    ["https://x.larksuite.com/bitable/Nm0JbQ#/?tableId=tblX1&viewId=vewY2", ["Nm0JbQ", "tblX1", "vewY2"]],
    ["https://x.feishu.cn/app/x-appAbc12345-y?table_id=tblX1", ["appAbc12345", "tblX1", undefined]],
    ["https://x.feishu.cn/base/appAbc12345/tblX1/vewY2", ["appAbc12345", "tblX1", "vewY2"]],
    ["https://x.feishu.cn/wiki/Wk1?table=tblX1", [undefined, "tblX1", undefined]],
    ["no address", [undefined, undefined, undefined]],
  ])("%s", (address, expected) => {
    const { appToken, tableId, viewId } = parseTableAddress(address);
    expect([appToken, tableId, viewId]).toEqual(expected);
  });
});

describe("values by type of field", () => {
  const noon = new Date("2026-01-02T04:00:00Z");
  test.each<[number, RowValue, unknown]>([
    [1, 0.5, "0.5"],
    [1, true, "true"],
    [1, ["a", "b"], "a, b"],
    [2, 0.5, 0.5],
    [2, "1e-3", 0.001],
    [2, true, 1],
    [2, "adam", undefined],
    [2, Number.NaN, undefined],
    [3, "adam", "adam"],
    [4, "adam", ["adam"]],
    [4, ["a", "b"], ["a", "b"]],
    [5, noon, noon.getTime()],
    [5, "2026-01-02 12:00:00", noon.getTime()],
    [5, "2026-01-02", noon.getTime() - 12 * 3_600_000],
    [5, "2026-01-02T04:00:00Z", noon.getTime()],
    [5, 17, undefined],
    [5, "", undefined],
    [17, "a.png", undefined],
    [20, 1, undefined],
  ])("type %i of %o", (type, value, expected) => expect(fieldValue(type, value)).toEqual(expected));
});

describe("the file of channels", () => {
  const bitable = (lines: string) => `[bitable.board]\napp_id = "cli_1"\napp_secret = "hidden-1"\n${lines}`;

  test("the address goes before keys of their own", () => {
    const text = bitable(
      `app_token = "appZZZZZ1"\ntable_id = "tblZ"\nview_id = "vewZ"\nurl = "https://x.cn/base/appAAAAA1?table=tblA"`,
    );
    expect(parseChannels("f", text).tables).toMatchObject([
      {
        name: "bitable:board",
        appToken: "appAAAAA1",
        tableId: "tblA",
        viewId: "vewZ",
        domain: "https://open.feishu.cn",
      },
    ]);
  });

  test.each([
    [
      bitable('table_id = "t"'),
      "f:1:10: bitable.board: app_token is missing, and the address names none (a wiki page has none)",
    ],
    [bitable('app_token = "a"'), "f:1:10: bitable.board: table_id is missing, and the address names none"],
    [
      bitable('app_token = "a/../b"\ntable_id = "t"'),
      "f:1:10: bitable.board: app_token and table_id are letters and digits",
    ],
    ['[slack.ml]\nurl = "hidden-1"', "f:2:1: slack.ml.url: must be an address that begins with https:// or http://"],
    [
      '[slack.ml]\nurl = "https://x/hidden-1"\nsecret = "hidden-1"',
      "f:3:1: slack.ml.secret: Slack's webhooks have none",
    ],
    ['[slack."a b"]\nurl = "https://x/hidden-1"', 'f:1:8: [slack.…]: a name has letters, digits, ".", "_" and "-"'],
    ['[webhook.ci]\nurl = "https://hidden-1" x', "f:2:26: not valid TOML"],
    ['[pager.ci]\nurl = "https://hidden-1"', 'f:1:2: there is no key "pager"'],
  ])("%s", (text, message) => {
    expect(() => parseChannels("f", text)).toThrow(expect.objectContaining({ message, id: "notify.file" }));
    expect(message).not.toContain("hidden-1");
  });
});

test.each([
  [[], [], true],
  [["vision"], [], true],
  [["other"], [], false],
  [[], ["dig*"], true],
  [[], ["d.gits"], false],
  [["vision"], ["other", "*its"], true],
])("projects %o, sweeps %o", (projects, sweeps, expected) => {
  const sweep = { name: "digits", project: "vision", appToken: null, tableId: null };
  expect(wants({ name: "bitable:x", projects, sweeps }, sweep)).toBe(expected);
});

test.each([
  ["appA1", "tblA", true],
  ["appA1", "tblB", false],
  [null, null, false],
])("a run that names %s and %s is taken whatever the lists say: %s", (appToken, tableId, expected) => {
  const target = { name: "bitable:x", projects: ["vision"], sweeps: [], table: { appToken: "appA1", tableId: "tblA" } };
  expect(wants(target, { name: "digits", project: "", appToken, tableId })).toBe(expected);
});
