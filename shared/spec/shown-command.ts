/** The command of one run for people to read: filled in, but for what only its host knows. Pure. */
import { quoteWords } from "./shell.ts";
import { renderCommand } from "./template.ts";
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
}

/** Argv of the run; empty for a template that cannot be rendered. The run's directory stands as `<run.dir>`. */
export function shownArgv(template: RunTemplate, params: Params, run: ShownRun): readonly string[] {
  const { id, name, index, sweep, node, gpus } = run;
  const context = { run: { id, name, index, dir: "<run.dir>" }, sweep, node: node ?? "<node.name>", gpus: gpus ?? 1 };
  const rendered = renderCommand(template, params, context);
  return "argv" in rendered ? rendered.argv : [];
}

/** As typed in a shell: the text itself of a command for `sh -c`, else its words with quotes where they need them. */
export function shownCommand(template: RunTemplate, params: Params, run: ShownRun): string {
  const argv = shownArgv(template, params, run);
  return typeof template.command === "string" ? (argv[2] ?? "") : argv.map(quoteIfNeeded).join(" ");
}

function quoteIfNeeded(word: string): string {
  return /^[\w@%+=:,./<>-]+$/.test(word) ? word : quoteWords([word]);
}
