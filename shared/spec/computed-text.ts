/**
 * What a placeholder stands for. Within `${…}` is the name of a parameter, of a fact about the run, or any expression over
 * them. A parameter wins over a fact of the same name.
 */
import { evaluate } from "../expression/evaluate.ts";
import { checkNames, namesOf } from "../expression/names.ts";
import { type Expression, parseExpression } from "../expression/parse.ts";
import type { ExpressionProblem } from "../expression/problem.ts";
import type { Value } from "../expression/value.ts";
import { passesToRuns } from "../run/host-variables.ts";
import { BUILTIN_NAMES, ENV_PREFIX, LABEL_PREFIX, RESUME_NAME } from "./placeholders.ts";
import { valueText } from "./value-text.ts";

/** What a template may name besides parameters. */
export interface RenderContext {
  readonly run: {
    readonly id: string;
    /** Handle such as "digits.1.4". */
    readonly name: string;
    readonly index: number;
    /** Absolute. */
    readonly dir: string;
    /** From 1; absent: 1. */
    readonly attempt?: number;
  };
  readonly sweep: string;
  readonly node: string;
  /** GPUs this run was given. */
  readonly gpus: number;
  /** Absent: the run is on one node. */
  readonly gang?: RenderedGang;
  /** Labels of the host. */
  readonly labels?: { readonly [key: string]: string };
  /** Variables of the host; only those that runs may see are found. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** Checkpoint directory to go on from; absent on a first attempt, where it reads as an empty text. */
  readonly resume?: string;
  /** Names that only the host knows; a placeholder with one of them is shown as `<…>`, for commands that people read. */
  readonly hidden?: (name: string) => boolean;
}

/** The place of the command among the nodes of its run, and where its ranks may meet. */
export interface RenderedGang {
  readonly nodes: number;
  /** From 0. */
  readonly rank: number;
  readonly masterAddr: string;
  readonly masterPort: number;
}

const ALONE: RenderedGang = { nodes: 1, rank: 0, masterAddr: "127.0.0.1", masterPort: 29500 };

/** A placeholder that was read: one name as it is, or an expression. */
export type Computed =
  | { readonly kind: "name"; readonly name: string; readonly text: string }
  | { readonly kind: "expression"; readonly expression: Expression; readonly text: string };

/** `start` and `end` are offsets into the text of the placeholder. */
export interface ComputedProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly hint?: string;
}

/** Reads what is within the braces, by the names of all parameters. */
export function readComputed(
  text: string,
  parameters: ReadonlySet<string>,
): { readonly computed: Computed } | { readonly problem: ComputedProblem } {
  const name = text.replace(ENVVAR, ENV_PREFIX);
  // Also a name that is no name in an expression, such as "batch-size".
  if (parameters.has(name) || isFact(name)) return { computed: { kind: "name", name, text } };
  const hidden = HOST_VARIABLE.exec(name);
  if (hidden) return { problem: notPassed(hidden[1] ?? "", text) };
  const parsed = parseExpression(text);
  if (parsed.problem) return { problem: parsed.problem };
  const problem = unknownNames(parsed.expression, parameters);
  if (problem) return { problem };
  return { computed: { kind: "expression", expression: parsed.expression, text } };
}

/** Names that may stand in a placeholder, for hints. */
export function knownNames(parameters: Iterable<string>): string[] {
  return [...parameters, ...BUILTIN_NAMES, RESUME_NAME];
}

/** Value of a name for one run; undefined where it has none. */
export type Lookup = (name: string) => Value | undefined;

export function lookupOf(params: ReadonlyMap<string, Value>, context: RenderContext): Lookup {
  const { run, sweep, node, gpus, gang = ALONE, labels = {}, env = {}, resume = "" } = context;
  const facts = new Map<string, Value>([
    ["run.id", run.id],
    ["run.name", run.name],
    ["run.index", run.index],
    ["run.attempt", run.attempt ?? 1],
    ["run.dir", run.dir],
    ["run.nodes", gang.nodes],
    ["run.rank", gang.rank],
    ["run.master_addr", gang.masterAddr],
    ["run.master_port", gang.masterPort],
    ["sweep.name", sweep],
    ["node.name", node],
    ["gpus", gpus],
    [RESUME_NAME, resume],
  ]);
  return (name) => {
    const value = params.has(name) ? (params.get(name) ?? null) : facts.get(name);
    if (value !== undefined) return value;
    if (name.startsWith(LABEL_PREFIX)) return own(labels, name.slice(LABEL_PREFIX.length));
    const variable = name.startsWith(ENV_PREFIX) ? name.slice(ENV_PREFIX.length) : "";
    return passesToRuns(variable) ? own(env, variable) : undefined;
  };
}

/** The text that a placeholder stands for. None reads as an empty text. */
export function computedText(
  computed: Computed,
  lookup: Lookup,
  node: string,
  hidden: (name: string) => boolean = () => false,
): { readonly text: string } | { readonly problem: string } {
  if (computed.kind === "name") {
    const value = hidden(computed.name) ? undefined : lookup(computed.name);
    if (value !== undefined) return { text: textOf(value) };
    if (hidden(computed.name)) return { text: `<${computed.name}>` };
    return { problem: `\${${computed.text}}: ${absentFact(computed.name, node)}` };
  }
  const { expression, text } = computed;
  if (namesOf(expression).some(hidden)) return { text: `<${text}>` };
  const result = evaluate(expression, lookup);
  if (result.problem === undefined) return { text: textOf(result.value) };
  const absent = namesOf(expression).find((name) => isOnHost(name) && lookup(name) === undefined);
  const message = result.problem.kind === "name" && absent ? absentFact(absent, node) : result.problem.message;
  return { problem: `\${${text}}: ${message}` };
}

/** The way to write `${env.HOME}` elsewhere, taken here too: `${envvar:HOME}`. */
const ENVVAR = /^envvar:\s*(?=[A-Za-z_][A-Za-z0-9_]*$)/;
const HOST_VARIABLE = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/;

const LABEL = /^node\.labels\.[\p{L}\p{N}_./-]+$/u;

const FACTS: ReadonlySet<string> = new Set([...BUILTIN_NAMES, RESUME_NAME]);

/** A name that is no parameter, as far as can be told without a host. */
function isFact(name: string): boolean {
  if (FACTS.has(name)) return true;
  if (LABEL.test(name)) return true;
  return passesToRuns(HOST_VARIABLE.exec(name)?.[1] ?? "");
}

function isOnHost(name: string): boolean {
  return name.startsWith(LABEL_PREFIX) || HOST_VARIABLE.test(name);
}

function unknownNames(expression: Expression, parameters: ReadonlySet<string>): ComputedProblem | undefined {
  const names = namesOf(expression);
  const onHosts = names.filter((name) => isFact(name) || name.startsWith(LABEL_PREFIX));
  const known = new Set([...knownNames(parameters), ...onHosts]);
  const problem = checkNames(expression, known);
  if (!problem) return undefined;
  const name = names.find((candidate) => expression.text.startsWith(candidate, problem.start)) ?? "";
  const variable = HOST_VARIABLE.exec(name);
  return variable ? { ...notPassed(variable[1] ?? "", expression.text), ...spanOf(problem) } : problem;
}

function spanOf({ start, end }: ExpressionProblem) {
  return { start, end };
}

function notPassed(variable: string, text: string): ComputedProblem {
  const message = `hosts do not hand their variable ${variable} to runs`;
  return {
    message,
    start: 0,
    end: text.length,
    hint: "HOME, USER, TMPDIR, SCRATCH and others are; see the list in the docs",
  };
}

function absentFact(name: string, node: string): string {
  if (name.startsWith(LABEL_PREFIX)) return `host ${node} has no label ${name.slice(LABEL_PREFIX.length)}`;
  return `host ${node} has no variable ${name.slice(ENV_PREFIX.length)}`;
}

function textOf(value: Value): string {
  return value === null ? "" : valueText(value);
}

function own<Item>(table: { readonly [key: string]: Item }, key: string): Item | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
