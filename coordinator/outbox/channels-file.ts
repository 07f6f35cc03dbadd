/**
 * The file of channels: where messages and runs are sent, with the secrets that this takes. Read once at the start, and only
 * where nobody else can read it. What is wrong with it is said in one line that shows no value of it.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { MESSAGE_KINDS, type MessageKind } from "../../shared/run/notify.ts";
import { placeOf } from "../../shared/spec/source-files.ts";
import { tomlPlaces } from "../../shared/spec/toml-places.ts";
import { TABLE_KEYS, type TableTarget, tableTarget } from "./bitable/settings.ts";
import type { MessageTarget } from "./channels/messages.ts";
import { MLFLOW_KEYS, type MlflowTarget, mlflowTarget } from "./mlflow/settings.ts";
import { ADDRESS } from "./run-keys.ts";
import { TENSORBOARD_KEYS, type TensorboardTarget, tensorboardTarget } from "./tensorboard/settings.ts";
import type { RunTarget } from "./tracked-runs.ts";
import { WANDB_KEYS, type WandbTarget, wandbTarget } from "./wandb/settings.ts";

export interface ChannelsFile {
  readonly messages: readonly (MessageTarget & { readonly kind: MessageKind })[];
  readonly tables: readonly TableTarget[];
  readonly mlflow: readonly MlflowTarget[];
  readonly tensorboard: readonly TensorboardTarget[];
  readonly wandb: readonly WandbTarget[];
  /** All that take runs. */
  readonly runs: readonly RunTarget[];
  /** Values that must not be shown. */
  readonly secrets: readonly string[];
}

export const NO_CHANNELS: ChannelsFile = {
  messages: [],
  tables: [],
  mlflow: [],
  tensorboard: [],
  wandb: [],
  runs: [],
  secrets: [],
};

const CHANNELS_MAX = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MESSAGES = z.record(z.string(), z.strictObject({ url: ADDRESS, secret: z.string().min(1).optional() }));
const FILE = z.strictObject({
  slack: MESSAGES.optional(),
  feishu: MESSAGES.optional(),
  lark: MESSAGES.optional(),
  webhook: MESSAGES.optional(),
  bitable: z.record(z.string(), TABLE_KEYS).optional(),
  mlflow: z.record(z.string(), MLFLOW_KEYS).optional(),
  tensorboard: z.record(z.string(), TENSORBOARD_KEYS).optional(),
  wandb: z.record(z.string(), WANDB_KEYS).optional(),
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

/** Throws AppError for a text that is no such file; it names line and column. */
export function parseChannels(path: string, text: string): ChannelsFile {
  const raw = parseToml(path, text);
  const at = placeFinder(path, text);
  const checked = FILE.safeParse(raw);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw issue ? issueError(at, issue) : wrong(path, "is not valid");
  }
  const file = checked.data;
  const nameOf = (kind: string, name: string) => {
    if (!NAME.test(name)) throw wrong(at([kind, name]), `[${kind}.…]: a name has letters, digits, ".", "_" and "-"`);
    return `${kind}:${name}`;
  };
  const messages = MESSAGE_KINDS.flatMap((kind) =>
    Object.entries(file[kind] ?? {}).map(([name, values]) => ({
      kind,
      name: nameOf(kind, name),
      url: values.url,
      secret: values.secret ?? "",
    })),
  );
  for (const name of Object.keys(file.slack ?? {}).filter((each) => file.slack?.[each]?.secret !== undefined)) {
    throw wrong(at(["slack", name, "secret"]), `slack.${name}.secret: Slack's webhooks have none`);
  }
  const refusal = (kind: string, name: string) => (key: string, what: string) =>
    wrong(at([kind, name, key]), `${kind}.${name}.${key}: ${what}`);
  const tables = Object.entries(file.bitable ?? {}).map(([name, keys]) =>
    tableTarget(nameOf("bitable", name), keys, (what) => wrong(at(["bitable", name]), `bitable.${name}: ${what}`)),
  );
  const mlflow = Object.entries(file.mlflow ?? {}).map(([name, keys]) =>
    mlflowTarget(nameOf("mlflow", name), keys, refusal("mlflow", name)),
  );
  const tensorboard = Object.entries(file.tensorboard ?? {}).map(([name, keys]) =>
    tensorboardTarget(nameOf("tensorboard", name), keys),
  );
  const wandb = Object.entries(file.wandb ?? {}).map(([name, keys]) =>
    wandbTarget(nameOf("wandb", name), keys, join(dirname(resolve(path)), "wandb", name)),
  );
  const runs = [...tables, ...mlflow, ...tensorboard, ...wandb];
  if (messages.length + runs.length > CHANNELS_MAX) throw wrong(path, `more than ${CHANNELS_MAX} channels`);
  const secrets = [
    ...messages.flatMap(({ url, secret }) => [url, secret]),
    ...tables.map(({ appSecret }) => appSecret),
    ...mlflow.flatMap((target) => target.secrets),
    ...wandb.map(({ access }) => access.apiKey),
  ];
  return { messages, tables, mlflow, tensorboard, wandb, runs, secrets: secrets.filter((secret) => secret !== "") };
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of its text shows lines of the file.
    throw wrong(`${path}:${error.line}:${error.column}`, "not valid TOML");
  }
}

/** "file:line:column" of a key, or of the closest table around it that is written somewhere. */
type PlaceFinder = (keys: readonly PropertyKey[]) => string;

function placeFinder(path: string, text: string): PlaceFinder {
  const root = tomlPlaces(text);
  return (keys) => {
    if ("tooDeepAt" in root) return path;
    let found = root;
    for (const key of keys) {
      const next = found.children.get(String(key)) ?? found.items[Number(key)];
      if (!next) break;
      found = next;
    }
    const place = placeOf([{ path, text, directory: "", origin: 0 }], { start: found.keyStart, end: found.keyStart });
    return place && found !== root ? `${path}:${place.line}:${place.column}` : path;
  };
}

function issueError(at: PlaceFinder, issue: z.core.$ZodIssue): AppError {
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const of = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    return wrong(at([...issue.path, key]), `${of}there is no key ${JSON.stringify(key)}`);
  }
  const name = issue.path.join(".");
  return wrong(at(issue.path), `${name === "" ? "" : `${name}: `}${lowerFirst(issue.message)}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** `where`: the file, with line and column where they are known. */
function wrong(where: string, what: string, hint = "docs/notifications.md shows the file"): AppError {
  return new AppError("invalid", `${where}: ${what}`, { id: "notify.file", hint });
}
