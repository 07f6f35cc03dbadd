/**
 * A table of the open platform of Feishu, made from its documented calls: tokens that end, paged fields, records in batches
 * that a client token makes only once, updates, search; it refuses what the platform refuses.
 */
import { type Received, type Receiver, type Reply, startReceiver } from "./receiver.ts";

export interface FakeBitable extends AsyncDisposable {
  readonly url: string;
  readonly receiver: Receiver;
  readonly fields: Map<string, number>;
  readonly records: Map<string, { [field: string]: unknown }>;
  /** Contents of files that were sent, by token. */
  readonly files: Map<string, { readonly name: string; readonly text: string }>;
  /** Calls by the end of their path, such as "records/batch_create". */
  calls(end: string): Received[];
  /** Answers in place of the table; undefined: as usual. Called before anything is done, or after with `late`. */
  fault: ((request: Received) => (Reply & { readonly late?: boolean }) | undefined) | undefined;
  /** No token that was given counts any more. */
  endTokens(): void;
}

const BASE = "/open-apis/bitable/v1/apps/appTest12345/tables/tblTest1";

export async function startFakeBitable(): Promise<FakeBitable> {
  const receiver = await startReceiver();
  const fields = new Map<string, number>([["run", 1]]);
  const records = new Map<string, { [field: string]: unknown }>();
  const files = new Map<string, { readonly name: string; readonly text: string }>();
  const made = new Map<string, unknown>();
  let token = 0;
  let floor = 0;
  let lastRecord = 0;
  const ok = (data: unknown): Reply => ({ body: { code: 0, msg: "success", data } });
  const bad = (code: number, msg: string): Reply => ({ status: 400, body: { code, msg } });

  function table(request: Received): Reply {
    const url = new URL(request.path, receiver.url);
    const { json } = request;
    if (url.pathname === "/open-apis/auth/v3/tenant_access_token/internal") {
      if (json.app_secret !== "app-secret") return { body: { code: 10014, msg: "app secret invalid" } };
      token += 1;
      return { body: { code: 0, tenant_access_token: `t-${token}`, expire: 7200 } };
    }
    if (url.pathname === "/open-apis/drive/v1/medias/upload_all") return upload(request);
    const given = Number(/^Bearer t-(\d+)$/.exec(request.headers.authorization ?? "")?.[1] ?? 0);
    if (given <= floor || given > token) return bad(99991663, "Invalid access token");
    if (!url.pathname.startsWith(BASE)) return bad(91402, "NOTEXIST");
    const path = url.pathname.slice(BASE.length);
    if (request.method === "GET" && path === "/fields") {
      const from = Number(url.searchParams.get("page_token") ?? 0);
      const size = 3;
      const items = [...fields].slice(from, from + size).map(([field_name, type]) => ({ field_name, type }));
      const more = from + size < fields.size;
      return ok({ items, has_more: more, ...(more && { page_token: String(from + size) }) });
    }
    if (path === "/fields") {
      if (fields.has(json.field_name)) return bad(1254014, "FieldNameDuplicated");
      fields.set(json.field_name, json.type);
      return ok({});
    }
    if (path === "/records/search") {
      const wanted: string[] = json.filter.conditions.map((each: { value: string[] }) => each.value[0]);
      const found = [...records].filter(([, record]) => wanted.includes(String(record.run)));
      const items = found.map(([record_id, { run }]) => ({
        record_id,
        fields: { run: [{ type: "text", text: run }] },
      }));
      return ok({ items, has_more: false });
    }
    const problem = json.records
      .map((each: { fields: { [name: string]: unknown } }) => problemOf(each.fields))
      .find(Boolean);
    if (problem) return problem;
    if (path === "/records/batch_update") {
      for (const { record_id } of json.records) if (!records.has(record_id)) return bad(1254043, "RecordIdNotFound");
      for (const each of json.records) Object.assign(records.get(each.record_id) ?? {}, each.fields);
      return ok({ records: json.records });
    }
    if (path !== "/records/batch_create") return bad(91402, "NOTEXIST");
    const client = url.searchParams.get("client_token") ?? "";
    if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(client))
      return bad(1254000, "token");
    if (made.has(client)) return ok(made.get(client));
    const answer = {
      records: json.records.map((each: { fields: object }) => {
        lastRecord += 1;
        const record_id = `rec${lastRecord}`;
        records.set(record_id, { ...each.fields });
        return { record_id, fields: each.fields };
      }),
    };
    made.set(client, answer);
    return ok(answer);
  }

  /** The parts of the form, and the checksum over what came. */
  function upload({ headers, text }: Received): Reply {
    if (!/^Bearer t-\d+$/.test(headers.authorization ?? "")) return bad(99991663, "Invalid access token");
    const boundary = /boundary=(\S+)/.exec(headers["content-type"] ?? "")?.[1] ?? "?";
    const parts = new Map<string, string>();
    for (const part of text.split(`--${boundary}`)) {
      const name = /name="([^"]+)"/.exec(part)?.[1];
      if (name !== undefined) parts.set(name, part.slice(part.indexOf("\r\n\r\n") + 4, -2));
    }
    const file = parts.get("file") ?? "";
    const isRight =
      parts.get("parent_type") === "bitable_file" &&
      parts.get("parent_node") === "appTest12345" &&
      parts.get("size") === String(Buffer.byteLength(file)) &&
      parts.get("checksum") === String(adlerOf(Buffer.from(file)));
    if (!isRight) return bad(1061002, "params error");
    if (file === "refused") return bad(1061003, "not found");
    const token = `file${files.size + 1}`;
    files.set(token, { name: parts.get("file_name") ?? "", text: file });
    return ok({ file_token: token });
  }

  function problemOf(record: { [name: string]: unknown }): Reply | undefined {
    for (const [name, value] of Object.entries(record)) {
      const type = fields.get(name);
      if (type === undefined) return bad(1254045, "FieldNameNotFound");
      const wanted = type === 2 || type === 5 ? "number" : type === 4 || type === 17 ? "object" : "string";
      const tokens = type === 17 && Array.isArray(value) ? value.map(({ file_token }) => file_token) : [];
      if (tokens.some((token) => !files.has(token))) return bad(1254303, "attachment without a file");
      if (typeof value !== wanted) return bad(1254060, `FieldConvFail ${name}`);
    }
    return undefined;
  }

  const fake: FakeBitable = {
    url: receiver.url,
    receiver,
    fields,
    records,
    files,
    calls: (end) => receiver.received.filter(({ path }) => path.split("?")[0]?.endsWith(end)),
    fault: undefined,
    endTokens: () => {
      floor = token;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  receiver.answer = (request) => {
    const fault = fake.fault?.(request);
    if (fault && !fault.late) return fault;
    const usual = table(request);
    return fault ?? usual;
  };
  return fake;
}

function adlerOf(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) [a, b] = [(a + byte) % 65521, (b + a + byte) % 65521];
  return b * 65536 + a;
}
