/**
 * All parameters as one: what `${args}` stands for in each style, and what else a style gives the program (variables, a
 * file). A value that a style cannot carry is a problem, never passed on changed.
 */
import type { Value } from "../expression/value.ts";
import { hydraOverride } from "./hydra.ts";
import { FILE_FORMATS, type FileFormat, paramsFileText } from "./params-file.ts";
import { variableName } from "./params-variables.ts";
import type { ArgsOptions, ArgsStyle } from "./types.ts";
import { isList, valueJson, valueText } from "./value-text.ts";

/** Parameters of one run, as a template takes them. */
export type ArgsParams = ReadonlyMap<string, Value>;

/** Styles by the word in front: `file` is followed by a path. */
export const STYLE_WORDS = [
  "flags",
  "flags=",
  "kv",
  "hydra",
  "hydra+",
  "hydra++",
  "env",
  "json",
  "file",
  "none",
] as const;
export type StyleWord = (typeof STYLE_WORDS)[number];

/** What may be chosen with a style; the first is what it does unasked, and none means that there is no choice. */
export interface StyleChoices {
  readonly bool: readonly NonNullable<ArgsOptions["bool"]>[];
  readonly list: readonly NonNullable<ArgsOptions["list"]>[];
  readonly none: readonly NonNullable<ArgsOptions["none"]>[];
  readonly dash: boolean;
}

const NO_CHOICE: StyleChoices = { bool: [], list: [], none: [], dash: false };
const HYDRA: StyleChoices = { ...NO_CHOICE, none: ["omit", "null"] };

export const STYLE_CHOICES: Readonly<Record<StyleWord, StyleChoices>> = {
  flags: {
    bool: ["presence", "value", "no-prefix"],
    list: ["space", "repeat", "comma", "json"],
    none: ["omit", "null"],
    dash: true,
  },
  "flags=": {
    bool: ["presence", "value", "no-prefix"],
    list: ["json", "repeat", "comma"],
    none: ["omit", "null"],
    dash: true,
  },
  kv: { bool: ["value"], list: ["json", "repeat", "comma"], none: ["omit", "null"], dash: true },
  hydra: HYDRA,
  "hydra+": HYDRA,
  "hydra++": HYDRA,
  env: { bool: ["value"], list: ["json", "comma"], none: ["omit", "null"], dash: false },
  json: HYDRA,
  file: HYDRA,
  none: NO_CHOICE,
};

export interface RenderedArgs {
  /** What `${args}` stands for. */
  readonly words: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** A file to write before the start; its path is within the run's directory. */
  readonly file?: { readonly path: string; readonly text: string };
}

export function styleWord(style: ArgsStyle): StyleWord {
  return isFileStyle(style) ? "file" : style;
}

/** Path and format of a `file:` style; no format for a name that ends in none of them. */
export function fileOf(style: ArgsStyle): { path: string; format: FileFormat | undefined } | undefined {
  if (!isFileStyle(style)) return undefined;
  const path = style.slice("file:".length);
  return { path, format: FILE_FORMATS[path.slice(path.lastIndexOf(".") + 1)] };
}

/** All parameters in the style. `runDir` is absolute. */
export function renderArgs(
  style: ArgsStyle,
  options: ArgsOptions,
  params: ArgsParams,
  runDir: string,
): RenderedArgs | { problem: string } {
  const format = formatOf(style, options);
  const kept = format.none === "omit" ? withoutNone(params) : params;
  switch (format.word) {
    case "none":
      return { words: [], env: {} };
    case "json":
      return { words: [paramsFileText("json", kept).trimEnd()], env: {} };
    case "file": {
      const file = fileOf(style);
      if (!file?.format) return { problem: `run.args ${JSON.stringify(style)} names no file of a known format` };
      return {
        words: [`${runDir}/${file.path}`],
        env: {},
        file: { path: file.path, text: paramsFileText(file.format, kept) },
      };
    }
    case "env":
      return renderVariables(format, kept);
    default:
      return renderWords(format, kept);
  }
}

/** Why the style cannot carry the value of this parameter; undefined where it can. */
export function argsProblem(style: ArgsStyle, options: ArgsOptions, name: string, value: Value): string | undefined {
  const rendered = renderArgs(style, options, new Map([[name, value]]), "");
  return "problem" in rendered ? rendered.problem : undefined;
}

interface Format {
  readonly word: StyleWord;
  readonly bool: ArgsOptions["bool"];
  readonly list: ArgsOptions["list"];
  readonly none: ArgsOptions["none"];
  readonly dash: boolean;
}

interface Problem {
  readonly problem: string;
}

function isFileStyle(style: ArgsStyle): style is `file:${string}` {
  return style.startsWith("file:");
}

function formatOf(style: ArgsStyle, options: ArgsOptions): Format {
  const word = styleWord(style);
  const choices = STYLE_CHOICES[word];
  return {
    word,
    bool: options.bool ?? choices.bool[0],
    list: options.list ?? choices.list[0],
    none: options.none ?? choices.none[0],
    dash: options.dash ?? false,
  };
}

function withoutNone(params: ArgsParams): ArgsParams {
  return new Map(Array.from(params).filter(([, value]) => value !== null));
}

function renderWords(format: Format, params: ArgsParams): RenderedArgs | Problem {
  const words: string[] = [];
  for (const [name, value] of params) {
    const added = wordsOf(format, format.dash ? name.replaceAll("_", "-") : name, value);
    if ("problem" in added) return added;
    words.push(...added);
  }
  return { words, env: {} };
}

function wordsOf(format: Format, name: string, value: Value): readonly string[] | Problem {
  switch (format.word) {
    case "hydra":
    case "hydra+":
    case "hydra++": {
      const word = hydraOverride(HYDRA_PREFIX[format.word], name, value);
      return typeof word === "string" ? [word] : { problem: `${name}: ${word.problem}` };
    }
    case "kv":
      return isList(value) ? listWords(format, name, value) : [`${name}=${valueText(value)}`];
    default:
      if (typeof value === "boolean") return boolWords(format, name, value);
      return isList(value) ? listWords(format, name, value) : flag(format, name, valueText(value));
  }
}

const HYDRA_PREFIX = { hydra: "", "hydra+": "+", "hydra++": "++" } as const;

function boolWords(format: Format, name: string, value: boolean): readonly string[] {
  if (format.bool === "value") return flag(format, name, String(value));
  if (value) return [`--${name}`];
  return format.bool === "no-prefix" ? [`--no-${name}`] : [];
}

function listWords(format: Format, name: string, items: readonly Value[]): readonly string[] | Problem {
  const one = (text: string) => (format.word === "kv" ? [`${name}=${text}`] : flag(format, name, text));
  switch (format.list) {
    case "json":
      return one(valueJson(items));
    case "comma": {
      const text = commaText(name, items);
      return typeof text === "string" ? one(text) : text;
    }
    case "repeat":
      return items.flatMap((item) => one(valueText(item)));
    default: {
      const texts = items.map(valueText);
      const option = texts.find((text) => text.startsWith("-") && !NEGATIVE.test(text));
      if (option === undefined) return [`--${name}`, ...texts];
      const problem = `${name} holds ${JSON.stringify(option)}, which a program takes for an option where list = "space"`;
      return { problem: `${problem}; use "repeat", "comma" or "json"` };
    }
  }
}

/** What argparse takes for a number, not for an option: an exponent is none to it. */
const NEGATIVE = /^-(?:\d+|\d*\.\d+)$/;

function commaText(name: string, items: readonly Value[]): string | Problem {
  const texts = items.map(valueText);
  const hint = 'use list = "json" or "repeat"';
  const bad = texts.find((text) => text.includes(","));
  if (bad !== undefined)
    return { problem: `${name} holds ${JSON.stringify(bad)}, which list = "comma" would cut; ${hint}` };
  if (texts.length === 1 && texts[0] === "") {
    return {
      problem: `${name} is a list of one empty text, which list = "comma" cannot tell from an empty list; ${hint}`,
    };
  }
  return texts.join(",");
}

/** A value that starts with a dash would read as an option of its own. */
function flag(format: Format, name: string, text: string): readonly string[] {
  return format.word === "flags=" || text.startsWith("-") ? [`--${name}=${text}`] : [`--${name}`, text];
}

function renderVariables(format: Format, params: ArgsParams): RenderedArgs | Problem {
  const env: Record<string, string> = {};
  for (const [name, value] of params) {
    const text = isList(value) && format.list === "comma" ? commaText(name, value) : valueText(value);
    if (typeof text !== "string") return text;
    env[variableName(name)] = text;
  }
  return { words: [], env };
}
