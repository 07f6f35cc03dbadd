/** Command templates as stored and sent. What is absent is left out, so that a plain template stays short. */
import { CAPTURE_DEFAULTS, type CaptureChoices } from "../capture/options.ts";
import type { TableName } from "../run/notify.ts";
import { STYLE_CHOICES, STYLE_WORDS } from "./args.ts";
import type { ArgsOptions, ArgsStyle, Interpreter, RunTemplate } from "./types.ts";

/** In the order in which they are written. */
const KEYS = [
  ...(["command", "args", "argsOptions", "cwd", "env", "setup", "stdin", "umask"] as const),
  ...(["interpreter", "image", "mounts", "code", "capture", "table"] as const),
] satisfies readonly (keyof RunTemplate)[];

export function templateToJson(template: RunTemplate): string {
  return JSON.stringify(Object.fromEntries(KEYS.map((key) => [key, template[key]])));
}

/** Reverse of `templateToJson`. Throws a plain error for a text that it cannot have made. */
export function templateFromJson(text: string): RunTemplate {
  const body: unknown = JSON.parse(text);
  if (!isTable(body)) throw new Error("a command template is an object");
  const {
    command,
    args,
    argsOptions,
    cwd,
    env,
    setup,
    stdin,
    umask,
    interpreter,
    image,
    mounts,
    code,
    capture,
    table,
  } = body;
  if (typeof command !== "string" && !isTexts(command)) throw new Error("a command template has a command");
  if (!isStyle(args)) throw new Error(`a command template has no args style ${JSON.stringify(args)}`);
  if (argsOptions !== undefined && !isOptions(argsOptions))
    throw new Error("a command template has options of its args");
  if (typeof cwd !== "string") throw new Error("a command template has a directory");
  if (!isTable(env) || !isTexts(Object.values(env))) {
    throw new Error("a command template has an environment of texts");
  }
  if (!isTextOrAbsent(setup) || !isTextOrAbsent(stdin))
    throw new Error("a command template has texts before its command");
  if (umask !== undefined && !(typeof umask === "number" && Number.isInteger(umask) && umask >= 0 && umask <= 0o777)) {
    throw new Error("a command template has an umask");
  }
  if (interpreter !== undefined && !isInterpreter(interpreter))
    throw new Error("a command template has an interpreter");
  if (!isTextOrAbsent(image)) throw new Error("a command template has the name of its image");
  if (mounts !== undefined && !isTexts(mounts)) throw new Error("a command template has texts as its mounts");
  if (capture !== undefined && !isCapture(capture)) throw new Error("a command template has choices of capture");
  if (code !== undefined && code !== "snapshot" && code !== "git") throw new Error("a command template has its code");
  return {
    command,
    args,
    ...(argsOptions && { argsOptions }),
    cwd,
    env: env as { readonly [name: string]: string },
    ...(setup !== undefined && { setup }),
    ...(stdin !== undefined && { stdin }),
    ...(umask !== undefined && { umask }),
    ...(interpreter && { interpreter }),
    ...(image !== undefined && { image }),
    ...(mounts && { mounts }),
    ...(code && { code }),
    ...(capture && { capture }),
    ...(isTableName(table) && { table }),
  };
}

type Table = { readonly [key: string]: unknown };

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isStyle(value: unknown): value is ArgsStyle {
  if (typeof value !== "string") return false;
  return value.startsWith("file:") || (value !== "file" && STYLE_WORDS.some((word) => word === value));
}

function isOptions(value: unknown): value is ArgsOptions {
  if (!isTable(value)) return false;
  const { bool, list, none, dash } = value;
  const { flags } = STYLE_CHOICES;
  const isOneOf = (choices: readonly string[], choice: unknown) =>
    choice === undefined || choices.some((known) => known === choice);
  return (
    isOneOf(flags.bool, bool) &&
    isOneOf(flags.list, list) &&
    isOneOf(flags.none, none) &&
    (dash === undefined || typeof dash === "boolean")
  );
}

function isCapture(value: unknown): value is CaptureChoices {
  if (!isTable(value)) return false;
  return Object.entries(CAPTURE_DEFAULTS).every(([key, usual]) => {
    const choice = value[key];
    return choice === undefined || (Array.isArray(usual) ? isTexts(choice) : typeof choice === typeof usual);
  });
}

function isTableName(value: unknown): value is TableName {
  return isTable(value) && typeof value.appToken === "string" && typeof value.tableId === "string";
}

function isInterpreter(value: unknown): value is Interpreter {
  if (!isTable(value)) return false;
  return typeof value.path === "string" && ["python", "venv", "conda"].some((kind) => kind === value.kind);
}
