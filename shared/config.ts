/**
 * Settings of a program, in layers: default < file < environment < flag. Each value knows where it came from, for
 * `--print-config`. Unknown keys are refused. Nothing reads the environment after this.
 */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { parseDuration } from "./kernel/duration.ts";
import { AppError, errorMessage } from "./kernel/errors.ts";

export type SettingType = "text" | "integer" | "duration" | "flag" | "list";

export interface Setting {
  readonly type: SettingType;
  readonly describe: string;
  /** As a user would write it; undefined: not set. */
  readonly fallback?: string | number | boolean;
}

export type Settings = { readonly [key: string]: Setting };

/** Text and list stay; integers and durations (in milliseconds) are numbers. */
type ValueOf<S extends Setting> = S["type"] extends "integer" | "duration"
  ? number
  : S["type"] extends "flag"
    ? boolean
    : S["type"] extends "list"
      ? readonly string[]
      : string;

export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends { fallback: string | number | boolean }
    ? ValueOf<S[K]>
    : ValueOf<S[K]> | undefined;
};

export interface Loaded<S extends Settings> {
  readonly values: Values<S>;
  /** "default", "--data", "EXP_AGENT_NAME", "agent.toml" */
  readonly sources: { readonly [K in keyof S]: string };
}

export interface Layers {
  /** Parsed flags by key; undefined where not given. */
  readonly flags: { readonly [key: string]: unknown };
  readonly env: { readonly [name: string]: string | undefined };
  /** "EXP_AGENT": the key `cpu-slots` is EXP_AGENT_CPU_SLOTS. */
  readonly envPrefix: string;
  /** TOML file with the same keys. */
  readonly file: string | undefined;
}

/** Throws AppError that names the layer and the key of a bad value. */
export function loadConfig<S extends Settings>(settings: S, layers: Layers): Loaded<S> {
  const file = layers.file === undefined ? {} : readConfigFile(layers.file, settings);
  const values: { [key: string]: unknown } = {};
  const sources: { [key: string]: string } = {};
  for (const [key, setting] of Object.entries(settings)) {
    const envName = `${layers.envPrefix}_${key.replaceAll("-", "_").toUpperCase()}`;
    const candidates: [source: string, raw: unknown][] = [
      [`--${key}`, layers.flags[key]],
      [envName, layers.env[envName]],
      [layers.file ?? "", file[key]],
      ["default", setting.fallback],
    ];
    const [source, raw] = candidates.find(([, value]) => value !== undefined) ?? ["not set", undefined];
    values[key] = raw === undefined ? undefined : convert(setting.type, raw, source, key);
    sources[key] = source;
  }
  return { values: values as Values<S>, sources: sources as { [K in keyof S]: string } };
}

export interface FlagShape {
  readonly type: "boolean" | "string";
  readonly describe: string;
}

/** The settings as flags of a command line, with those that every program of ours has. */
export function flagsOf(settings: Settings): { [key: string]: FlagShape } {
  const own = Object.entries(settings).map(([key, { type, describe, fallback }]): [string, FlagShape] => {
    const shown = fallback === undefined ? describe : `${describe} [${fallback}]`;
    return [key, { type: type === "flag" ? "boolean" : "string", describe: shown }];
  });
  return {
    ...Object.fromEntries(own),
    config: { type: "string", describe: "TOML file with the same keys" },
    "print-config": { type: "boolean", describe: "show every setting and where it comes from, then stop" },
    debug: { type: "boolean", describe: "show stack traces" },
  };
}

/** One line a setting: key, value, where it came from. */
export function describeConfig<S extends Settings>(loaded: Loaded<S>): string {
  const keys = Object.keys(loaded.values).sort();
  return keys
    .map((key) => `${key} = ${JSON.stringify(loaded.values[key] ?? null)}  # ${loaded.sources[key]}`)
    .join("\n");
}

function readConfigFile(path: string, settings: Settings): { [key: string]: unknown } {
  let body: { [key: string]: unknown };
  try {
    body = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new AppError("invalid", `${path}: ${errorMessage(error).split("\n")[0]}`, { id: "config.file" });
  }
  const unknown = Object.keys(body).find((key) => !Object.hasOwn(settings, key));
  if (unknown !== undefined) {
    throw new AppError("invalid", `${path}: unknown key ${JSON.stringify(unknown)}`, {
      id: "config.unknown-key",
      hint: `known keys: ${Object.keys(settings).join(", ")}`,
    });
  }
  return body;
}

function convert(type: SettingType, raw: unknown, source: string, key: string): unknown {
  const bad = (wanted: string) =>
    new AppError("invalid", `${source}: ${JSON.stringify(raw)} is not ${wanted} for ${key}`, { id: "config.value" });
  switch (type) {
    case "text":
      if (typeof raw === "string" && raw !== "") return raw;
      throw bad("a text");
    case "integer": {
      const value = typeof raw === "string" && /^\d+$/.test(raw) ? Number(raw) : raw;
      if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
      throw bad("a whole number");
    }
    case "duration": {
      const value = typeof raw === "string" ? parseDuration(raw) : undefined;
      if (value !== undefined) return value;
      throw bad("a duration such as 30s or 1h30m");
    }
    case "flag":
      if (typeof raw === "boolean") return raw;
      if (raw === "1" || raw === "true") return true;
      if (raw === "0" || raw === "false") return false;
      throw bad("true or false");
    case "list":
      if (Array.isArray(raw) && raw.every((item) => typeof item === "string")) return raw;
      if (typeof raw === "string") return raw.split(",").filter((item) => item !== "");
      throw bad("a list");
  }
}
