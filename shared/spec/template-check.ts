/** What is wrong with the placeholders of a template, told before anything is rendered. */
import { suggest } from "../kernel/suggest.ts";
import { styleWord } from "./args.ts";
import { knownNames, readComputed } from "./computed-text.ts";
import { ARGS_NAME, type Placeholder, parsePlaceholders, type Segment } from "./placeholders.ts";
import { didYouMean } from "./problems.ts";
import { type ShellContext, type ShellRefusal, shellContexts } from "./shell.ts";
import type { RunTemplate } from "./types.ts";

/**
 * Where a text stands, which decides what it may hold: an argv element, text for sh that is the command or that comes
 * before it, or anything else.
 */
export type TextRole = "word" | "shell" | "setup" | "plain";

export interface TemplateIssue {
  /** The placeholder as written. */
  readonly raw: string;
  /** What of it is wrong: offsets into the text. */
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly hint: string;
}

/** One line for each thing that is wrong with the placeholders of a template; empty when it can be rendered. */
export function templateProblems(template: RunTemplate, parameterNames: Iterable<string>): string[] {
  const names = new Set(parameterNames);
  const { args } = template;
  const issues = textsOf(template).flatMap(([text, role]) => templateIssues(text, role, names, args));
  return issues.map(({ message, hint }) => `${message}; ${hint}`);
}

/** What is wrong with the placeholders of one text. */
export function templateIssues(
  text: string,
  role: TextRole,
  parameterNames: ReadonlySet<string>,
  args: RunTemplate["args"] = "flags",
): TemplateIssue[] {
  const segments = parsePlaceholders(text);
  const contexts = role === "shell" || role === "setup" ? shellContexts(segments) : [];
  const issues: TemplateIssue[] = [];
  for (const [i, placeholder] of segments.filter((segment) => segment.kind === "placeholder").entries()) {
    const problem =
      placeholder.text === ARGS_NAME && placeholder.closed
        ? argsIssue(placeholder, role, args)
        : valueIssue(placeholder, parameterNames);
    const issue = problem ?? contextIssue(placeholder, contexts[i]);
    if (issue) issues.push({ ...spanOf(placeholder), ...issue });
  }
  return issues;
}

/** True where the style of the arguments matters: the command takes `${args}`, or the style gives the program something else. */
export function usesArgs({ command, args }: RunTemplate): boolean {
  const style = styleWord(args);
  if (style === "env" || style === "file") return true;
  return [command].flat().some((text) => parsePlaceholders(text).some(isArgs));
}

function isArgs(segment: Segment): boolean {
  return segment.kind === "placeholder" && segment.text === ARGS_NAME;
}

/** Every text of a template that may hold placeholders. */
export function textsOf(template: RunTemplate): [text: string, role: TextRole][] {
  const { command, cwd, env, setup, stdin, interpreter, image, mounts = [] } = template;
  const texts = [cwd, ...Object.values(env), stdin, interpreter?.path, image, ...mounts];
  const plain = texts.filter((text) => text !== undefined);
  return [
    ...(typeof command === "string"
      ? [[command, "shell"] as [string, TextRole]]
      : command.map((word): [string, TextRole] => [word, "word"])),
    ...(setup === undefined ? [] : [[setup, "setup"] as [string, TextRole]]),
    ...plain.map((text): [string, TextRole] => [text, "plain"]),
  ];
}

type Issue = Pick<TemplateIssue, "message" | "hint"> & Partial<TemplateIssue>;

/** Names shown in a hint. */
const NAMES_SHOWN_MAX = 12;
/** What was meant as a name, and not as something to compute. */
const NAME = /^[\p{L}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+)*$/u;

function argsIssue({ raw }: Placeholder, role: TextRole, args: RunTemplate["args"]): Issue | undefined {
  if (role === "plain" || role === "setup") {
    return { message: `${raw} can stand in run.command only`, hint: "name single parameters here" };
  }
  const word = styleWord(args);
  if (word === "env") {
    return {
      message: `${raw} is nothing with args = "env"`,
      hint: "the command finds the parameters in its environment",
    };
  }
  return word === "none"
    ? { message: `${raw} is nothing with args = "none"`, hint: "name single parameters" }
    : undefined;
}

function valueIssue(placeholder: Placeholder, names: ReadonlySet<string>): Issue | undefined {
  const { raw, text, closed, at, offset } = placeholder;
  if (!closed) return { message: `${JSON.stringify(raw)} has no closing brace`, hint: "$$ is a dollar sign" };
  if (text === "") return { message: `${raw} names nothing`, hint: "$$ is a dollar sign" };
  const read = readComputed(text, names);
  if ("computed" in read) return undefined;
  const { message, start, end, hint } = read.problem;
  if (NAME.test(text) && hint?.startsWith("HOME") !== true) {
    return { message: `${raw} is not a parameter of this sweep`, hint: unknownHint(text, names) };
  }
  return {
    message: `${raw}: ${message}`,
    start: at + offset + start,
    end: at + offset + end,
    hint: hint ?? "see the page on expressions",
  };
}

function spanOf({ raw, at }: Placeholder): Pick<TemplateIssue, "raw" | "start" | "end"> {
  return { raw, start: at, end: at + raw.length };
}

function contextIssue({ raw }: Placeholder, context: ShellContext | ShellRefusal | undefined): Issue | undefined {
  if (!context || !("refusal" in context)) return undefined;
  return { message: `${raw} ${context.refusal}`, hint: "or write run.command as a list of words" };
}

function unknownHint(name: string, parameterNames: ReadonlySet<string>): string {
  const known = [...parameterNames, ARGS_NAME, ...knownNames([])];
  const meant = suggest(name, known);
  if (/^[A-Z_][A-Z0-9_]*$/.test(name) && meant === undefined) {
    return `write $$\{${name}} for an environment variable in a shell command, or $\{env.${name}}`;
  }
  const shown = known.slice(0, NAMES_SHOWN_MAX).join(", ");
  const list = `known: ${shown}${known.length > NAMES_SHOWN_MAX ? ", …" : ""}`;
  return didYouMean(meant && `$\{${meant}}`, list);
}
