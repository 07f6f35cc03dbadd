/** From a command template and the parameters of a run to all that its start needs. */

import { type ArgsParams, type RenderedArgs, renderArgs } from "./args.ts";
import {
  type Computed,
  computedText,
  type Lookup,
  lookupOf,
  type RenderContext,
  readComputed,
} from "./computed-text.ts";
import { duplicateMount, imageProblem, type Mount, parseMount, type RenderedContainer } from "./image.ts";
import { ARGS_NAME, parsePlaceholders, type Segment } from "./placeholders.ts";
import { quoteInContext, quoteWords, shellContexts } from "./shell.ts";
import { templateProblems, usesArgs } from "./template-check.ts";
import type { Interpreter, RunTemplate } from "./types.ts";

export interface RenderedCommand {
  readonly argv: string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** To be written before the start; `path` is within the run's directory. */
  readonly file?: { readonly path: string; readonly text: string };
  /** Text for sh. */
  readonly setup?: string;
  /** From `cwd`, where it is not absolute. */
  readonly stdin?: string;
  readonly umask?: number;
  /** Its path is from `cwd`, where it is not absolute; that of conda may be a name. */
  readonly interpreter?: Interpreter;
  /** Absent: it runs on the host itself. */
  readonly container?: RenderedContainer;
}

export interface RenderProblem {
  readonly problem: string;
}

/**
 * The command of one run. A problem is possible where `templateProblems` has none, too: an expression that its values do
 * not suit, a variable that the host does not have, a value that the style of the arguments cannot carry.
 */
export function renderCommand(
  template: RunTemplate,
  params: ArgsParams,
  context: RenderContext,
): RenderedCommand | RenderProblem {
  const [problem] = templateProblems(template, params.keys());
  if (problem !== undefined) return { problem };
  try {
    return render(template, startRendering(template, params, context));
  } catch (error) {
    if (error instanceof Unrenderable) return { problem: error.message };
    throw error;
  }
}

/** The words alone, as people are shown them: what only the host knows is in angle brackets. */
export function renderArgv(
  template: RunTemplate,
  params: ArgsParams,
  context: RenderContext,
): string[] | RenderProblem {
  const [problem] = templateProblems({ ...template, cwd: "/", env: {} }, params.keys());
  if (problem !== undefined) return { problem };
  try {
    return argvOf(template, startRendering(template, params, context));
  } catch (error) {
    if (error instanceof Unrenderable) return { problem: error.message };
    throw error;
  }
}

/** The image of a run as people are shown it; undefined for one that runs on the host itself, or that has none for these values. */
export function renderImage(template: RunTemplate, params: ArgsParams, context: RenderContext): string | undefined {
  if (template.image === undefined) return undefined;
  try {
    return imageOf(template.image, startRendering(template, params, context));
  } catch (error) {
    if (error instanceof Unrenderable) return undefined;
    throw error;
  }
}

/** Why the command of a run cannot be made, as far as that can be told without a host. `index` is from 1. */
export function commandProblem(template: RunTemplate, params: ArgsParams, index: number): string | undefined {
  const run = { id: "", name: "", index, dir: "/" };
  const rendered = renderCommand(template, params, { run, sweep: "", node: "", gpus: 1, hidden: isHostName });
  return "problem" in rendered ? rendered.problem : undefined;
}

/** Names that only the coordinator or a host has a value for. */
function isHostName(name: string): boolean {
  return !["run.index", "run.attempt", "gpus"].includes(name);
}

/** Stays within this file. */
class Unrenderable extends Error {}

interface Rendering {
  readonly names: ReadonlySet<string>;
  readonly lookup: Lookup;
  readonly hidden: (name: string) => boolean;
  readonly node: string;
  readonly args: RenderedArgs;
}

function startRendering(template: RunTemplate, params: ArgsParams, context: RenderContext): Rendering {
  // What a style could not carry does no harm where nothing is written in it.
  const style = usesArgs(template) ? template.args : "none";
  const args = renderArgs(style, style === "none" ? {} : (template.argsOptions ?? {}), params, context.run.dir);
  if ("problem" in args) throw new Unrenderable(args.problem);
  return {
    names: new Set(params.keys()),
    lookup: lookupOf(params, context),
    hidden: (name) => !params.has(name) && context.hidden?.(name) === true,
    node: context.node,
    args,
  };
}

function render(template: RunTemplate, rendering: Rendering): RenderedCommand {
  const cwd = plainText(template.cwd, rendering);
  // What is hidden may well be absolute.
  if (!cwd.startsWith("/") && !cwd.startsWith("<"))
    throw new Unrenderable(`run.cwd renders to ${JSON.stringify(cwd)}, which is not absolute`);
  const env: Record<string, string> = { ...rendering.args.env };
  for (const [name, text] of Object.entries(template.env)) env[name] = plainText(text, rendering);
  const { setup, stdin, umask, interpreter, image, mounts = [] } = template;
  return {
    argv: argvOf(template, rendering),
    cwd,
    env,
    ...(rendering.args.file && { file: rendering.args.file }),
    ...(setup !== undefined && { setup: shellText(setup, rendering) }),
    ...(stdin !== undefined && { stdin: plainText(stdin, rendering) }),
    ...(umask !== undefined && { umask }),
    ...(interpreter && { interpreter: { ...interpreter, path: plainText(interpreter.path, rendering) } }),
    ...(image !== undefined && {
      container: { image: imageOf(image, rendering), mounts: mountsOf(mounts, rendering) },
    }),
  };
}

function imageOf(template: string, rendering: Rendering): string {
  const image = plainText(template, rendering);
  const wrong = imageProblem(image);
  if (wrong) throw new Unrenderable(`run.image renders to ${JSON.stringify(image)}, which ${wrong.problem}`);
  return image;
}

function mountsOf(templates: readonly string[], rendering: Rendering): Mount[] {
  const mounts = templates.map((template, i) => {
    const mount = parseMount(plainText(template, rendering));
    if ("problem" in mount) throw new Unrenderable(`run.mounts[${i}] ${mount.problem}`);
    return mount;
  });
  const twice = duplicateMount(mounts);
  if (twice) throw new Unrenderable(`run.mounts has ${JSON.stringify(twice.path)} twice`);
  return mounts;
}

function argvOf({ command }: RunTemplate, rendering: Rendering): string[] {
  if (typeof command === "string") return ["/bin/sh", "-c", asOperand(shellText(command, rendering))];
  const argv = command.flatMap((word) => (isSplice(word) ? rendering.args.words : [plainText(word, rendering)]));
  if (argv[0] === undefined || argv[0] === "") throw new Unrenderable("run.command renders to no program");
  return argv;
}

function isSplice(word: string): boolean {
  const [only, ...others] = parsePlaceholders(word);
  return only?.kind === "placeholder" && only.text === ARGS_NAME && others.length === 0;
}

function plainText(template: string, rendering: Rendering): string {
  return join(parsePlaceholders(template), (name) => textOf(name, rendering));
}

function shellText(template: string, rendering: Rendering): string {
  const segments = parsePlaceholders(template);
  const contexts = shellContexts(segments);
  let next = 0;
  return join(segments, (name) => {
    const context = contexts[next++];
    if (!context || "refusal" in context) throw new Error(`assertion failed: ${name} stands where nothing is safe`);
    const value = textOf(name, rendering);
    if (name === ARGS_NAME && context.quotes === "none") return value;
    return quoteInContext(value, context);
  });
}

/** A text that starts with a dash would read as an option of sh. */
function asOperand(text: string): string {
  return /^[-+]/.test(text) ? ` ${text}` : text;
}

function join(segments: readonly Segment[], textOfPlaceholder: (text: string) => string): string {
  return segments
    .map((segment) => (segment.kind === "literal" ? segment.text : textOfPlaceholder(segment.text)))
    .join("");
}

function textOf(placeholder: string, { args, names, lookup, node, hidden }: Rendering): string {
  if (placeholder === ARGS_NAME) return quoteWords(args.words);
  const result = computedText(computedOf(placeholder, names), lookup, node, hidden);
  if ("problem" in result) throw new Unrenderable(result.problem);
  return result.text;
}

function computedOf(placeholder: string, names: ReadonlySet<string>): Computed {
  const read = readComputed(placeholder, names);
  if ("problem" in read) throw new Unrenderable(read.problem.message);
  return read.computed;
}

export type { RenderContext } from "./computed-text.ts";
