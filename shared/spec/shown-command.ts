/** The command of one run for people to read: filled in, but for what only its host knows. Pure. */
import { ENV_PREFIX, LABEL_PREFIX } from "./placeholders.ts";
import { quoteWords } from "./shell.ts";
import { type RenderContext, renderArgv, renderImage } from "./template.ts";
import type { Params, RunTemplate } from "./types.ts";

export interface ShownRun {
  readonly id: string;
  /** Handle such as "digits.1.4". */
  readonly name: string;
  readonly index: number;
  readonly sweep: string;
  /** Undefined while it has none. */
  readonly node?: string | undefined;
  readonly gpus?: number | undefined;
  /** From 1. */
  readonly attempt?: number | undefined;
}

/** What differs between the nodes of a run. */
const OF_THE_PLACE: ReadonlySet<string> = new Set(["run.rank", "run.nodes", "run.master_addr", "run.master_port"]);

/** Argv of the run; empty for a template that cannot be rendered. The run's directory stands as `<run.dir>`. */
export function shownArgv(template: RunTemplate, params: Params, run: ShownRun): readonly string[] {
  const argv = argvOrProblem(template, params, run);
  return "problem" in argv ? [] : argv;
}

/** As `shownArgv`, with the reason for a template that cannot be rendered. */
export function argvOrProblem(template: RunTemplate, params: Params, run: ShownRun): string[] | { problem: string } {
  return renderArgv(template, params, contextOf(run));
}

/** The container image that the run has; undefined for one on the host itself. */
export function shownImage(template: RunTemplate, params: Params, run: ShownRun): string | undefined {
  return renderImage(template, params, contextOf(run));
}

function contextOf({ id, name, index, sweep, node, gpus, attempt = 1 }: ShownRun): RenderContext {
  const hidden = (fact: string): boolean =>
    fact.startsWith(ENV_PREFIX) ||
    fact.startsWith(LABEL_PREFIX) ||
    (fact === "node.name" && node === undefined) ||
    OF_THE_PLACE.has(fact) ||
    (fact === "resume" && attempt > 1);
  return {
    run: { id, name, index, dir: "<run.dir>", attempt },
    sweep,
    node: node ?? "",
    gpus: gpus ?? 1,
    hidden,
  };
}

/** As typed in a shell: the text itself of a command for `sh -c`, else its words with quotes where they need them. */
export function shownCommand(template: RunTemplate, params: Params, run: ShownRun): string {
  const argv = shownArgv(template, params, run);
  return typeof template.command === "string" ? (argv[2] ?? "") : argv.map(quoteIfNeeded).join(" ");
}

function quoteIfNeeded(word: string): string {
  return /^[\w@%+=:,./<>-]+$/.test(word) ? word : quoteWords([word]);
}
