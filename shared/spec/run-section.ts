/** `[run]`: how the command of a run is made. What is wrong goes into the report. */
import { posix } from "node:path";
import { COMMAND_WORDS_MAX } from "../run/limits.ts";
import { readArgs } from "./args-section.ts";
import { readContainer } from "./container-section.ts";
import { grouped } from "./document.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { escapeTemplate, parsePlaceholders } from "./placeholders.ts";
import {
  addFinding,
  excerpt,
  hasKind,
  isReservedKey,
  keySpan,
  type Report,
  readText,
  readWord,
  wrongType,
  wrongValue,
} from "./report.ts";
import { fileAt } from "./source-files.ts";
import type { SECTION_KEYS } from "./sweep-keys.ts";
import { checkTemplate, readTemplate, refuseTilde } from "./template-reader.ts";
import { type ArgsStyle, FloatParam, type Interpreter, type RunTemplate } from "./types.ts";
import { valueText } from "./value-text.ts";

/** `names`: every parameter of the sweep. `root` stands in for a missing `[run]`. */
export function readRun(
  report: Report,
  root: SpecNode,
  run: SpecNode | undefined,
  names: ReadonlySet<string>,
): RunTemplate {
  const at = (key: keyof typeof SECTION_KEYS.run) => run && childOf(run, key);
  if (!at("command")) {
    const span = run ? keySpan(run) : { start: root.at.start, end: root.at.start };
    const message = "the sweep file has no command to run";
    addFinding(report, { id: "spec.missing", message, span, hint: COMMAND_HINT });
  }
  const env = readEnv(report, at("env"), names);
  const args = readArgs(report, run, names, new Set(Object.keys(env)));
  const command = readCommand(report, at("command"), names, args.args);
  const setup = readTemplate(report, at("setup"), "run.setup", "setup", names);
  const stdin = readTemplate(report, at("stdin"), "run.stdin", "plain", names);
  const umask = readUmask(report, at("umask"));
  const interpreter = readInterpreter(report, run, names);
  const codeNode = at("code");
  const code = codeNode && readWord(report, codeNode, "run.code", ["snapshot", "git", "none"]);
  return {
    command,
    ...args,
    cwd: readCwd(report, at("cwd"), names),
    env,
    ...(setup !== undefined && { setup }),
    ...(stdin !== undefined && stdin !== "none" && { stdin }),
    ...(umask !== undefined && { umask }),
    ...(interpreter && { interpreter }),
    ...readContainer(report, run, names),
    ...(code !== undefined && code !== "none" && { code }),
  };
}

const COMMAND_HINT = 'add [run] command = ["python", "train.py", "${args}"]';

function readCommand(
  report: Report,
  node: SpecNode | undefined,
  names: ReadonlySet<string>,
  args: ArgsStyle,
): RunTemplate["command"] {
  if (!node) return "";
  const kind = kindOf(node.raw);
  if (kind === "string") {
    const text = readText(report, node, "run.command") ?? "";
    if (text.trim() === "") wrongValue(report, node, "run.command is empty", COMMAND_HINT);
    checkTemplate(report, node, text, "shell", names, args);
    return text;
  }
  if (kind !== "list") {
    wrongType(report, node, "run.command", "a list of strings or a string", COMMAND_HINT);
    return "";
  }
  const items = itemsOf(node).slice(0, COMMAND_WORDS_MAX + 1);
  if (items.length > COMMAND_WORDS_MAX) {
    wrongValue(report, node, `run.command has more than ${grouped(COMMAND_WORDS_MAX)} words`);
    return "";
  }
  if (items.length === 0) wrongValue(report, node, "run.command is empty", COMMAND_HINT);
  return items.map((item, i) => {
    const text = readText(report, item, `run.command[${i}]`, "put it in quotes") ?? "";
    if (i === 0 && item.raw === "") wrongValue(report, item, "run.command[0], the program, is empty");
    checkTemplate(report, item, text, "word", names, args);
    return text;
  });
}

/** Absolute, but for `${…}`: a relative directory starts from that of the sweep file. */
function readCwd(report: Report, node: SpecNode | undefined, names: ReadonlySet<string>): string {
  // Of the files that one extends another, the last is the one that was handed in.
  const file = node ? fileAt(report.files, node.at.start) : report.files.at(-1);
  const home = escapeTemplate(file?.directory ?? "/");
  const text = node && readText(report, node, "run.cwd");
  if (!node || text === undefined) return home;
  if (text === "") wrongValue(report, node, "run.cwd is empty", "leave it out for the directory of the sweep file");
  refuseTilde(report, node, "run.cwd", text);
  checkTemplate(report, node, text, "plain", names);
  const [first, ...others] = parsePlaceholders(text);
  if (text.startsWith("/") || (first?.kind === "placeholder" && ABSOLUTE.test(first.text))) return text;
  // What is within braces is no path: it stays as it is.
  return first?.kind === "literal" && others.length === 0
    ? posix.join(home, text)
    : `${home}/${text.replace(/^\.\//, "")}`;
}

/** Placeholders that give absolute paths. */
const ABSOLUTE = /\b(?:run\.dir|resume|env\.[A-Za-z_]|envvar:)/;

function readEnv(
  report: Report,
  node: SpecNode | undefined,
  names: ReadonlySet<string>,
): { readonly [name: string]: string } {
  const env: { [name: string]: string } = {};
  if (!node || !hasKind(report, node, "run.env", "table")) return env;
  for (const [name, child] of entriesOf(node)) {
    if (isReservedKey(name) || name.startsWith("EXP_")) {
      const hint = name.startsWith("EXP_") ? "names that begin with EXP_ are set by ExpFleet" : undefined;
      const message = `run.env cannot set ${excerpt(name)}`;
      addFinding(report, { id: "spec.reserved", message, span: keySpan(child), ...(hint !== undefined && { hint }) });
    } else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const message = `${excerpt(name)} is no name of an environment variable`;
      const hint = 'letters, digits and "_", not a digit first';
      addFinding(report, { id: "spec.name", message, span: keySpan(child), hint });
    } else {
      env[name] = readEnvText(report, child, `run.env.${name}`, names);
    }
  }
  return env;
}

function readEnvText(report: Report, node: SpecNode, label: string, names: ReadonlySet<string>): string {
  const { raw } = node;
  if (typeof raw === "boolean" || typeof raw === "bigint") return String(raw);
  if (typeof raw === "number" && Number.isFinite(raw)) return valueText(new FloatParam(raw));
  if (typeof raw === "number") return String(raw);
  if (typeof raw !== "string") {
    wrongType(report, node, label, "a string, number or boolean");
    return "";
  }
  const text = readText(report, node, label) ?? "";
  checkTemplate(report, node, text, "plain", names);
  return text;
}

function readUmask(report: Report, node: SpecNode | undefined): number | undefined {
  if (!node) return undefined;
  const hint = 'write it like "027"';
  const text = readText(report, node, "run.umask", hint);
  if (text === undefined) return undefined;
  if (!/^0?[0-7]{1,3}$/.test(text)) {
    return wrongValue(report, node, `run.umask must be an octal number as a string, not ${excerpt(text)}`, hint);
  }
  return Number.parseInt(text, 8);
}

const INTERPRETERS = ["python", "venv", "conda"] as const;

function readInterpreter(
  report: Report,
  run: SpecNode | undefined,
  names: ReadonlySet<string>,
): Interpreter | undefined {
  const given = INTERPRETERS.flatMap((kind) => {
    const node = run && childOf(run, kind);
    return node ? [{ kind, node }] : [];
  });
  const [first, second] = given;
  if (first && second) {
    const message = `run.${first.kind} and run.${second.kind} both say where Python is`;
    addFinding(report, { id: "spec.value", message, span: keySpan(second.node), hint: "keep one of them" });
  }
  const image = run && childOf(run, "image");
  if (image && first) {
    const message = `run.${first.kind} says which Python of the host it is, and run.image brings its own`;
    const hint = "call a Python of the image by its path in run.command, or activate it in run.setup";
    addFinding(report, { id: "spec.value", message, span: keySpan(first.node), hint });
  }
  const path = readTemplate(report, first?.node, `run.${first?.kind}`, "plain", names);
  return first && path !== undefined ? { kind: first.kind, path } : undefined;
}
