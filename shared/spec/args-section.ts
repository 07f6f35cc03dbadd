/** `[run] args`, and `bool`, `list`, `none` and `dash` beside it: checked against what the style knows. */

import { suggest } from "../kernel/suggest.ts";
import { RUN_DIR_NAMES } from "../run/run-directory.ts";
import { fileOf, STYLE_CHOICES, STYLE_WORDS, styleWord } from "./args.ts";
import { childOf, kindOf, type SpecNode } from "./node.ts";
import { variablesProblem } from "./params-variables.ts";
import { didYouMean } from "./problems.ts";
import { addFinding, excerpt, type Report, readText, readWord, valueSpan, wrongType, wrongValue } from "./report.ts";
import type { ArgsOptions, ArgsStyle } from "./types.ts";

/** `variables`: those that `[run] env` sets. */
export function readArgs(
  report: Report,
  run: SpecNode | undefined,
  names: ReadonlySet<string>,
  variables: ReadonlySet<string>,
): { readonly args: ArgsStyle; readonly argsOptions?: ArgsOptions } {
  const node = run && childOf(run, "args");
  const args = (node && readStyle(report, node)) ?? "flags";
  const options = run ? readOptions(report, run, args) : {};
  if (run) checkNames(report, node ?? run, args, options, names, variables);
  return Object.keys(options).length === 0 ? { args } : { args, argsOptions: options };
}

function readStyle(report: Report, node: SpecNode): ArgsStyle | undefined {
  const { raw } = node;
  if (typeof raw === "string" && raw.startsWith("file:")) return readFileStyle(report, node);
  const text = readText(report, node, "run.args", `styles: ${STYLES.join(", ")}`);
  if (text === undefined) return undefined;
  if (text === "file") return wrongValue(report, node, 'run.args "file" names no file', 'write "file:params.yaml"');
  const style = STYLE_WORDS.find((word) => word === text);
  if (style !== undefined && style !== "file") return style;
  const meant = suggest(text, STYLES);
  const message = `run.args has no style ${excerpt(text)}`;
  return wrongValue(report, node, message, didYouMean(meant && JSON.stringify(meant), `styles: ${STYLES.join(", ")}`));
}

/** As they are written in a file. */
const STYLES = STYLE_WORDS.map((word) => (word === "file" ? "file:params.yaml" : word));

function readFileStyle(report: Report, node: SpecNode): ArgsStyle | undefined {
  const style = readText(report, node, "run.args") as `file:${string}` | undefined;
  const file = style && fileOf(style);
  if (!style || !file) return undefined;
  const { path, format } = file;
  const parts = path.split("/");
  const hint = 'write it like "file:params.yaml", also .json or .toml';
  if (!format) return wrongValue(report, node, "run.args names a file that ends in no known format", hint);
  if (parts.some((part) => part === "" || part === "." || part === "..") || /[$\\\n]/.test(path)) {
    return wrongValue(report, node, "run.args must name a file within the directory of the run", hint);
  }
  if (RUN_DIR_NAMES.has(parts[0] ?? "")) {
    const message = `run.args cannot name ${JSON.stringify(parts[0])}, which ExpFleet writes itself`;
    return wrongValue(report, node, message, "EXP_CONFIG names a JSON file of all parameters in any case");
  }
  return style;
}

function readOptions(report: Report, run: SpecNode, args: ArgsStyle): ArgsOptions {
  const bool = readChoice(report, run, "bool", args);
  const list = readChoice(report, run, "list", args);
  const none = readChoice(report, run, "none", args);
  const dash = readDash(report, run, args);
  return {
    ...(bool !== undefined && { bool }),
    ...(list !== undefined && { list }),
    ...(none !== undefined && { none }),
    ...(dash !== undefined && { dash }),
  };
}

const CHOICES = {
  bool: ["presence", "value", "no-prefix"],
  list: ["space", "repeat", "comma", "json"],
  none: ["omit", "null"],
} as const;

function readChoice<Key extends keyof typeof CHOICES>(
  report: Report,
  run: SpecNode,
  key: Key,
  args: ArgsStyle,
): (typeof CHOICES)[Key][number] | undefined {
  const node = childOf(run, key);
  const word = node && readWord<(typeof CHOICES)[Key][number]>(report, node, `run.${key}`, CHOICES[key]);
  if (!node || word === undefined) return undefined;
  const known: readonly string[] = STYLE_CHOICES[styleWord(args)][key];
  const style = JSON.stringify(args);
  if (known.length === 0)
    return wrongValue(report, node, `run.${key} has no meaning with args = ${style}`, "leave it out");
  if (!known.includes(word)) {
    const choices = known.map((choice) => JSON.stringify(choice)).join(" or ");
    return wrongValue(
      report,
      node,
      `run.${key} cannot be ${JSON.stringify(word)} with args = ${style}`,
      `write ${choices}`,
    );
  }
  if (key === "none" && word === "null" && fileOf(args)?.format === "toml") {
    return wrongValue(report, node, "TOML has no null to write", 'write none = "omit", or use YAML or JSON');
  }
  return word;
}

function readDash(report: Report, run: SpecNode, args: ArgsStyle): boolean | undefined {
  const node = childOf(run, "dash");
  if (!node) return undefined;
  if (kindOf(node.raw) !== "boolean") return wrongType(report, node, "run.dash", "a boolean");
  if (node.raw === false) return undefined;
  if (STYLE_CHOICES[styleWord(args)].dash) return true;
  return wrongValue(report, node, `run.dash has no meaning with args = ${JSON.stringify(args)}`, "leave it out");
}

/** Two parameters must not become one on the way. */
function checkNames(
  report: Report,
  node: SpecNode,
  args: ArgsStyle,
  options: ArgsOptions,
  names: ReadonlySet<string>,
  variables: ReadonlySet<string>,
): void {
  if (styleWord(args) === "env") {
    const problem = variablesProblem(names, variables);
    if (problem) {
      const hint = "give the parameter another name, or use another style of args";
      addFinding(report, { id: "spec.value", message: problem.message, span: valueSpan(node), hint });
    }
  }
  if (options.dash !== true) return;
  const owners = new Map<string, string>();
  for (const name of names) {
    const dashed = name.replaceAll("_", "-");
    const other = owners.get(dashed);
    if (other !== undefined) {
      const message = `with dash = true the parameters ${JSON.stringify(other)} and ${JSON.stringify(name)} are one flag`;
      addFinding(report, { id: "spec.value", message, span: valueSpan(node) });
      return;
    }
    owners.set(dashed, name);
  }
}
