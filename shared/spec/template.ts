/** From a command template and the parameters of a run to the argv, directory and environment it starts with. */
import { suggest } from "../kernel/suggest.ts";
import { flagWords } from "./args.ts";
import { ARGS_NAME, BUILTIN_NAMES, type BuiltinName, parsePlaceholders, type Segment } from "./placeholders.ts";
import { didYouMean } from "./problems.ts";
import { quoteInContext, quoteWords, shellContexts } from "./shell.ts";
import type { Params, RunTemplate } from "./types.ts";
import { valueText } from "./value-text.ts";

export { escapeTemplate } from "./placeholders.ts";

/** What a template may name besides parameters. */
export interface RenderContext {
  readonly run: {
    readonly id: string;
    /** Handle such as "digits.1.4". */
    readonly name: string;
    readonly index: number;
    /** Absolute. */
    readonly dir: string;
  };
  readonly sweep: string;
  readonly node: string;
  /** GPUs this run was given. */
  readonly gpus: number;
}

export interface RenderedCommand {
  readonly argv: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

/** Where a text stands, which decides what it may hold: an argv element, text for sh, or cwd and env. */
export type TextRole = "word" | "shell" | "plain";

export interface TemplateIssue {
  /** The placeholder as written. */
  readonly raw: string;
  readonly message: string;
  readonly hint: string;
}

/** The command of one run. A problem is possible only for a template that `templateProblems` has not passed. */
export function renderCommand(
  template: RunTemplate,
  params: Params,
  context: RenderContext,
): RenderedCommand | { problem: string } {
  const [problem] = templateProblems(template, params.keys());
  if (problem !== undefined) return { problem };
  const lookUp = valuesOf(params, context);
  const cwd = plainText(template.cwd, lookUp);
  if (!cwd.startsWith("/")) return { problem: `run.cwd renders to ${JSON.stringify(cwd)}, which is not absolute` };
  const env: Record<string, string> = {};
  for (const [name, text] of Object.entries(template.env)) env[name] = plainText(text, lookUp);
  const argv =
    typeof template.command === "string"
      ? ["/bin/sh", "-c", shellText(template.command, lookUp)]
      : template.command.flatMap((word) => (isSplice(word) ? lookUp.args : [plainText(word, lookUp)]));
  if (argv[0] === undefined || argv[0] === "") return { problem: "run.command renders to no program" };
  return { argv, cwd, env };
}

/** One line for each thing that is wrong with the placeholders of a template; empty when it renders. */
export function templateProblems(template: RunTemplate, parameterNames: Iterable<string>): string[] {
  const names = new Set(parameterNames);
  const { command } = template;
  const issues = [
    ...(typeof command === "string"
      ? templateIssues(command, "shell", names)
      : command.flatMap((word) => templateIssues(word, "word", names))),
    ...templateIssues(template.cwd, "plain", names),
    ...Object.values(template.env).flatMap((text) => templateIssues(text, "plain", names)),
  ];
  return issues.map(({ message, hint }) => `${message}; ${hint}`);
}

/** What is wrong with the placeholders of one text. */
export function templateIssues(text: string, role: TextRole, parameterNames: ReadonlySet<string>): TemplateIssue[] {
  const segments = parsePlaceholders(text);
  const issues: TemplateIssue[] = [];
  const contexts = role === "shell" ? shellContexts(segments) : [];
  for (const [i, { name, raw, closed }] of segments.filter((segment) => segment.kind === "name").entries()) {
    const context = contexts[i];
    if (!closed) {
      issues.push({ raw, message: `${JSON.stringify(raw)} has no closing brace`, hint: "$$ is a dollar sign" });
    } else if (name === ARGS_NAME && role === "plain") {
      issues.push({ raw, message: `${raw} can stand in run.command only`, hint: "name single parameters here" });
    } else if (name !== ARGS_NAME && !BUILTINS.has(name) && !parameterNames.has(name)) {
      issues.push({ raw, message: `${raw} is not a parameter of this sweep`, hint: unknownHint(name, parameterNames) });
    } else if (context && "refusal" in context) {
      issues.push({ raw, message: `${raw} ${context.refusal}`, hint: "or write run.command as a list of words" });
    }
  }
  return issues;
}

const BUILTINS: ReadonlySet<string> = new Set(BUILTIN_NAMES);

/** Names shown in a hint. */
const NAMES_SHOWN_MAX = 12;

interface LookUp {
  readonly text: (name: string) => string;
  readonly args: string[];
}

function valuesOf(params: Params, context: RenderContext): LookUp {
  const builtin: Record<BuiltinName, string> = {
    "run.id": context.run.id,
    "run.name": context.run.name,
    "run.index": String(context.run.index),
    "run.dir": context.run.dir,
    "sweep.name": context.sweep,
    "node.name": context.node,
    gpus: String(context.gpus),
  };
  const builtins = new Map<string, string>(Object.entries(builtin));
  const args = flagWords(params);
  const text = (name: string): string => {
    if (name === ARGS_NAME) return quoteWords(args);
    const value = params.get(name);
    return value === undefined ? (builtins.get(name) ?? "") : valueText(value);
  };
  return { text, args };
}

function isSplice(word: string): boolean {
  const [only, ...others] = parsePlaceholders(word);
  return only?.kind === "name" && only.name === ARGS_NAME && others.length === 0;
}

function plainText(template: string, lookUp: LookUp): string {
  return join(parsePlaceholders(template), (name) => lookUp.text(name));
}

function shellText(template: string, lookUp: LookUp): string {
  const segments = parsePlaceholders(template);
  const contexts = shellContexts(segments);
  let next = 0;
  const text = join(segments, (name) => {
    const context = contexts[next++];
    if (!context || "refusal" in context) throw new Error(`assertion failed: ${name} stands where nothing is safe`);
    const value = lookUp.text(name);
    if (name === ARGS_NAME && context.quotes === "none") return value;
    return quoteInContext(value, context);
  });
  // A text that starts with a dash would read as an option of sh.
  return /^[-+]/.test(text) ? ` ${text}` : text;
}

function join(segments: readonly Segment[], textOf: (name: string) => string): string {
  return segments.map((segment) => (segment.kind === "literal" ? segment.text : textOf(segment.name))).join("");
}

function unknownHint(name: string, parameterNames: ReadonlySet<string>): string {
  const known = [...parameterNames, ARGS_NAME, ...BUILTIN_NAMES];
  const meant = suggest(name, known);
  if (/^[A-Z_][A-Z0-9_]*$/.test(name) && meant === undefined) {
    return `write $${placeholder(name)} for an environment variable in a shell command`;
  }
  const shown = known.slice(0, NAMES_SHOWN_MAX).join(", ");
  return didYouMean(meant && placeholder(meant), `known: ${shown}${known.length > NAMES_SHOWN_MAX ? ", …" : ""}`);
}

function placeholder(name: string): string {
  return `$\{${name}}`;
}
