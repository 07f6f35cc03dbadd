/**
 * The calls of Feishu's and Lark's open platform that a table of runs takes. The access token is kept until shortly before it
 * ends, the fields of the table for five minutes.
 */
import { type Answer, CallError, call, fieldsOf } from "../http-call.ts";
import type { TableField } from "./fields.ts";

export interface BitableSettings {
  /** Such as https://open.feishu.cn. */
  readonly domain: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly appToken: string;
  readonly tableId: string;
  readonly viewId: string | undefined;
  readonly userIdType: string | undefined;
  readonly ignoreConsistencyCheck: boolean | undefined;
}

/** A file that was sent before. */
export interface FileToken {
  readonly file_token: string;
}

export interface RecordFields {
  readonly [field: string]: string | number | readonly string[] | readonly FileToken[];
}

export interface BitableClient {
  fields(signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** Does nothing where the table has such a field by now. */
  createField(field: TableField, signal: AbortSignal): Promise<void>;
  /** Ids in order. `clientToken` (a UUID): the same call again makes no further records. */
  create(records: readonly RecordFields[], clientToken: string, signal: AbortSignal): Promise<string[]>;
  update(records: readonly { id: string; fields: RecordFields }[], signal: AbortSignal): Promise<void>;
  /** Ids of the records in which the field has one of the texts, by text. */
  find(field: string, texts: readonly string[], signal: AbortSignal): Promise<Map<string, string>>;
  /** Sends a file of at most 20 MiB for a column of this app's tables; gives its token. */
  upload(name: string, data: Uint8Array, signal: AbortSignal): Promise<string>;
  forgetFields(): void;
}

/** The service's own codes, in answers of any HTTP status. */
export class BitableError extends CallError {
  readonly code: number;

  constructor(code: number, message: string, isTransient: boolean, afterMs?: number) {
    super(message, isTransient, afterMs);
    this.name = "BitableError";
    this.code = code;
  }
}

export const CODE = { recordGone: 1254043, fieldGone: 1254045, fieldThere: 1254014 } as const;
/** Too often, at the same time as another, not ready yet, a fault of theirs. */
const TRANSIENT: ReadonlySet<number> = new Set([
  99991400, 1254290, 1254291, 1254607, 1255001, 1255002, 1255003, 1255004, 1255005, 1255040, 1254036,
]);
const BAD_TOKEN: ReadonlySet<number> = new Set([99991661, 99991663, 99991664, 99991668]);
const TOKEN_MARGIN_MS = 600_000;
const FIELDS_MS = 300_000;
const PAGES_MAX = 50;
/** Of one file. */
const UPLOAD_MS = 120_000;

/** `nowMs`: a clock that only grows. */
export function createBitableClient(settings: BitableSettings, nowMs: () => number): BitableClient {
  const { domain, appId, appSecret, appToken, tableId, viewId, userIdType, ignoreConsistencyCheck } = settings;
  const base = `${domain}/open-apis/bitable/v1/apps/${appToken}/tables/${tableId}`;
  let token: { text: string; until: number } | undefined;
  let known: { fields: Map<string, number>; until: number } | undefined;

  async function accessToken(signal: AbortSignal): Promise<string> {
    if (token && nowMs() < token.until) return token.text;
    const url = `${domain}/open-apis/auth/v3/tenant_access_token/internal`;
    const body = JSON.stringify({ app_id: appId, app_secret: appSecret });
    const answer = read(await outcome(call({ method: "POST", url, body, signal })));
    const seconds = typeof answer.expire === "number" ? answer.expire : 0;
    token = { text: String(answer.tenant_access_token), until: nowMs() + seconds * 1000 - TOKEN_MARGIN_MS };
    return token.text;
  }

  /** The `data` of the answer. A token that counts no more is replaced once. */
  async function request(
    signal: AbortSignal,
    method: "GET" | "POST",
    path: string,
    query: Query,
    body?: unknown,
    isSecond = false,
  ): Promise<Fields> {
    const params = new URLSearchParams(Object.entries(query).flatMap(([key, value]) => (value ? [[key, value]] : [])));
    const authorization = `Bearer ${await accessToken(signal)}`;
    const place = path.startsWith("/") ? `${base}${path}` : path;
    const url = `${place}${params.size > 0 ? `?${params}` : ""}`;
    const isForm = body instanceof FormData;
    const sent = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) };
    const bound = isForm ? { timeoutMs: UPLOAD_MS } : {};
    try {
      const answer = await outcome(call({ method, url, headers: { authorization }, signal, ...sent, ...bound }));
      return fieldsOf(read(answer).data);
    } catch (error) {
      if (isSecond || !(error instanceof BitableError) || !BAD_TOKEN.has(error.code)) throw error;
      token = undefined;
      return await request(signal, method, path, query, body, true);
    }
  }

  const check = ignoreConsistencyCheck === undefined ? undefined : String(ignoreConsistencyCheck);
  const writing: Query = { user_id_type: userIdType, ignore_consistency_check: check };
  return {
    async fields(signal) {
      if (known && nowMs() < known.until) return known.fields;
      const fields = new Map<string, number>();
      let page: string | undefined;
      for (let n = 0; n < PAGES_MAX; n++) {
        const query = { page_size: "100", view_id: viewId, page_token: page };
        const data = await request(signal, "GET", "/fields", query);
        for (const item of listOf(data.items)) fields.set(String(item.field_name), Number(item.type));
        if (data.has_more !== true) break;
        page = String(data.page_token);
      }
      known = { fields, until: nowMs() + FIELDS_MS };
      return fields;
    },
    async createField({ name, type }, signal) {
      try {
        await request(signal, "POST", "/fields", {}, { field_name: name, type });
      } catch (error) {
        if (!(error instanceof BitableError) || error.code !== CODE.fieldThere) throw error;
      }
      known?.fields.set(name, type);
    },
    async create(records, clientToken, signal) {
      const query = { ...writing, client_token: clientToken };
      const body = { records: records.map((fields) => ({ fields })) };
      const data = await request(signal, "POST", "/records/batch_create", query, body);
      return listOf(data.records).map(({ record_id }) => String(record_id));
    },
    async update(records, signal) {
      const body = { records: records.map(({ id, fields }) => ({ record_id: id, fields })) };
      await request(signal, "POST", "/records/batch_update", writing, body);
    },
    async find(field, texts, signal) {
      const found = new Map<string, string>();
      const conditions = texts.map((text) => ({ field_name: field, operator: "is", value: [text] }));
      const body = { field_names: [field], filter: { conjunction: "or", conditions } };
      const data = await request(signal, "POST", "/records/search", { page_size: "500" }, body);
      for (const item of listOf(data.items)) found.set(plainText(fieldsOf(item.fields)[field]), String(item.record_id));
      return found;
    },
    async upload(name, data, signal) {
      const form = new FormData();
      const words = { file_name: name, parent_type: "bitable_file", parent_node: appToken };
      for (const [key, value] of Object.entries(words)) form.set(key, value);
      form.set("size", String(data.length));
      form.set("checksum", String(adler32(data)));
      // No content lies in memory that threads share.
      form.set("file", new Blob([data as Uint8Array<ArrayBuffer>]), name);
      const sent = await request(signal, "POST", `${domain}/open-apis/drive/v1/medias/upload_all`, {}, form);
      return String(sent.file_token);
    },
    forgetFields: () => {
      known = undefined;
    },
  };
}

type Fields = { readonly [name: string]: unknown };
type Query = { readonly [name: string]: string | undefined };

/** The code of the service counts, also under an HTTP status of failure. */
async function outcome(answer: Promise<Answer>): Promise<{ answer: Answer; failure?: CallError }> {
  try {
    return { answer: await answer };
  } catch (error) {
    if (error instanceof CallError && error.answer) return { answer: error.answer, failure: error };
    throw error;
  }
}

function read({ answer, failure }: { answer: Answer; failure?: CallError }): Fields {
  const fields = fieldsOf(answer.json);
  const { code } = fields;
  if (code === 0 && !failure) return fields;
  if (typeof code !== "number") throw failure ?? new CallError("the answer is none of the open platform", true);
  const isTransient = TRANSIENT.has(code) || failure?.isTransient === true;
  throw new BitableError(code, `code ${code}: ${String(fields.msg ?? "")}`, isTransient, failure?.afterMs);
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

const ADLER_BASE = 65_521;
/** Bytes whose sums are small integers. */
const ADLER_STRIDE = 4_096;

/** The checksum that the service wants. */
export function adler32(data: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let from = 0; from < data.length; from += ADLER_STRIDE) {
    for (const byte of data.subarray(from, from + ADLER_STRIDE)) {
      a += byte;
      b += a;
    }
    a %= ADLER_BASE;
    b %= ADLER_BASE;
  }
  return b * 65_536 + a;
}

/** Texts come as such or in pieces. */
function plainText(value: unknown): string {
  if (!Array.isArray(value)) return String(value ?? "");
  return value.map((piece: unknown) => String(fieldsOf(piece).text ?? piece)).join("");
}
