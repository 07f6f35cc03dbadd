/**
 * The file of channels: where messages and runs are sent, with the secrets that this takes. Read once at the start, and only
 * where nobody else can read it. What is wrong with it is said in one line that shows no value of it.
 */
import { readFileSync, statSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { MESSAGE_KINDS, type MessageKind } from "../../shared/run/notify.ts";
import { TABLE_KEYS, type TableTarget, tableTarget } from "./bitable/settings.ts";
import type { MessageTarget } from "./channels/messages.ts";

export interface ChannelsFile {
  readonly messages: readonly (MessageTarget & { readonly kind: MessageKind })[];
  readonly tables: readonly TableTarget[];
  /** Values that must not be shown. */
  readonly secrets: readonly string[];
}

export const NO_CHANNELS: ChannelsFile = { messages: [], tables: [], secrets: [] };

const CHANNELS_MAX = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const ADDRESS = z.string().refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), {
  error: "must be an address that begins with https:// or http://",
});
const MESSAGES = z.record(z.string(), z.strictObject({ url: ADDRESS, secret: z.string().min(1).optional() }));
const FILE = z.strictObject({
  slack: MESSAGES.optional(),
  feishu: MESSAGES.optional(),
  lark: MESSAGES.optional(),
  webhook: MESSAGES.optional(),
  bitable: z.record(z.string(), TABLE_KEYS).optional(),
});

/** Without the file: no channels, unless it was asked for. Throws AppError. */
export function readChannels(path: string, isAsked: boolean): ChannelsFile {
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw wrong(path, "others may read it", `chmod 600 ${path}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (systemCode(error) === "ENOENT" && !isAsked) return NO_CHANNELS;
    throw wrong(path, errorMessage(error));
  }
  return parseChannels(path, text);
}

/** Throws AppError for a text that is no such file. */
export function parseChannels(path: string, text: string): ChannelsFile {
  const checked = FILE.safeParse(parseToml(path, text));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw wrong(path, issue ? `${issue.path.join(".") || "the file"}: ${lowerFirst(issue.message)}` : "is not valid");
  }
  const file = checked.data;
  const messages = MESSAGE_KINDS.flatMap((kind) =>
    Object.entries(file[kind] ?? {}).map(([name, values]) => ({
      kind,
      name: channelNameOf(path, kind, name),
      url: values.url,
      secret: values.secret ?? "",
    })),
  );
  const unsigned = messages.find(({ kind, secret }) => kind === "slack" && secret !== "");
  if (unsigned) throw wrong(path, `${unsigned.name.replace(":", ".")}.secret: Slack's webhooks have none`);
  if (messages.length > CHANNELS_MAX) throw wrong(path, `more than ${CHANNELS_MAX} channels`);
  const tables = Object.entries(file.bitable ?? {}).map(([name, keys]) =>
    tableTarget(channelNameOf(path, "bitable", name), keys, (what) => wrong(path, `bitable.${name}: ${what}`)),
  );
  const secrets = [
    ...messages.flatMap(({ url, secret }) => [url, secret]),
    ...tables.map(({ appSecret }) => appSecret),
  ];
  return { messages, tables, secrets };
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of its text shows lines of the file.
    throw wrong(path, `line ${error.line}, column ${error.column}: not valid TOML`);
  }
}

function channelNameOf(path: string, kind: string, name: string): string {
  if (!NAME.test(name)) throw wrong(path, `[${kind}.…]: a name has letters, digits, ".", "_" and "-"`);
  return `${kind}:${name}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function wrong(path: string, what: string, hint = "docs/notifications.md shows the file"): AppError {
  return new AppError("invalid", `${path}: ${what}`, { id: "notify.file", hint });
}
