/**
 * From words on the command line to an exit code: finds the command, loads only its module, and turns whatever it throws
 * into one clear line.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import yargs, { type Argv } from "yargs";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { exitCodeOfError } from "../shared/program.ts";
import { VERSION } from "../shared/version.ts";
import { Args } from "./args.ts";
import { LOADERS } from "./command-list.ts";
import { COMMAND_TREE, usageOf } from "./command-tree.ts";
import { type Config, type Environment, loadConfig, type TerminalFacts, wantsJsonErrors } from "./config.ts";
import { EXIT } from "./exit-codes.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import { Output } from "./output.ts";
import { errorJson, errorText } from "./render/error.ts";
import { rootHelp } from "./root-help.ts";
import { type Command, createSession, type Host, type Option } from "./session.ts";
import { wordsRefusal } from "./usage-words.ts";

export interface Surroundings {
  readonly host: Host;
  readonly out: Writable;
  readonly err: Writable;
  readonly env: Environment;
  readonly terminal: TerminalFacts;
  readonly cwd: string;
}

/** Runs one command line; never throws for what a user can do wrong. */
export async function runProgram(argv: readonly string[], around: Surroundings): Promise<number> {
  if (argv.length === 0 || (argv.length === 1 && /^(?:-h|--help|help)$/.test(argv[0] ?? ""))) {
    around.out.write(rootHelp());
    return EXIT.ok;
  }
  if (argv.length === 1 && (argv[0] === "-V" || argv[0] === "--version")) {
    around.out.write(`${VERSION}\n`);
    return EXIT.ok;
  }
  const [verb, first = ""] = argv;
  if (verb === "__complete") return completeWords(argv.slice(1), around);
  if (verb === "help" && COMMAND_TREE.some(({ name }) => name === first)) return runProgram([first, "--help"], around);
  let args = new Args(looseFlags(argv));
  let config: Config | undefined;
  try {
    let code: number = EXIT.ok;
    const parser = buildParser(async (command, values) => {
      args = new Args(values);
      config = loadConfig(args, around.env, around.terminal, around.cwd);
      const { session, close } = createSession(around.host, config, new Output(around.out, around.err, config));
      try {
        code = await command.run(session, args);
      } finally {
        close();
      }
    });
    let said = "";
    await parser.parseAsync([...argv], {}, (_error, _values, text) => {
      said = text;
    });
    if (said !== "") around.out.write(`${said}\n`);
    return code;
  } catch (error) {
    const debug = config?.debug ?? args.flag("debug");
    const refusal = await refusalOf(error, config, argv);
    const color = config?.color.err ?? false;
    around.err.write(wantsJsonErrors(args, around.env) ? errorJson(refusal) : errorText(refusal, color));
    if (debug && error instanceof Error && error.stack) around.err.write(`${error.stack}\n`);
    return exitCodeOfError(refusal);
  }
}

/** What shells ask while somebody types: no word on stderr, and no error. */
async function completeWords([shell = "", ...words]: readonly string[], around: Surroundings): Promise<number> {
  const { complete } = await import("./complete/complete.ts");
  const { env, terminal, cwd, host } = around;
  try {
    around.out.write(await complete(shell, words, { env, terminal, cwd, nowMs: host.clock.wallMs() }));
    return EXIT.ok;
  } catch (error) {
    return exitCodeOfError(error);
  }
}

type Handler = (command: Command, values: { readonly [name: string]: unknown }) => Promise<void>;

function buildParser(handle: Handler): Argv {
  const parser = yargs()
    .scriptName("exp")
    .usage("$0 COMMAND")
    .locale("en")
    .parserConfiguration({
      "populate--": true,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "dot-notation": false,
      "boolean-negation": false,
      "greedy-arrays": false,
      "camel-case-expansion": false,
    })
    .version(false)
    .help("help")
    .alias("help", "h")
    .wrap(100)
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .recommendCommands()
    .demandCommand(1, "which command?")
    .fail((message, error) => {
      throw error instanceof AppError ? error : new WordsError(message || errorMessage(error));
    });
  addOptions(parser, GLOBAL_OPTIONS, "Everywhere:");
  for (const line of COMMAND_TREE) {
    let command: Command | undefined;
    parser.command(
      usageOf(line),
      line.summary,
      async (own: Argv) => {
        command = await LOADERS[line.name]();
        for (const name of line.words.matchAll(/[<[](\w+)(\.\.)?[\]>]/g)) {
          own.positional(name[1] ?? "", { type: "string", ...(name[2] ? { array: true } : {}) });
        }
        addOptions(own, command.options ?? {}, "Options:");
        for (const [example, what] of command.examples ?? []) own.example(example, what);
        return own;
      },
      async (values) => {
        if (command) await handle(command, values);
      },
    );
  }
  return parser;
}

function addOptions(parser: Argv, options: { readonly [name: string]: Option }, group: string): void {
  for (const [name, { describe, type = "text", alias, hidden = false }] of Object.entries(options)) {
    parser.option(name, {
      describe,
      group,
      hidden,
      type: type === "flag" ? "boolean" : "string",
      ...(type === "flag" ? {} : { requiresArg: true }),
      ...(type === "texts" ? { array: true } : {}),
      ...(alias === undefined ? {} : { alias }),
    });
  }
}

/** What yargs says of words that it cannot read; `usage-words.ts` says it as people think of it. */
class WordsError extends Error {}

async function refusalOf(error: unknown, config: Config | undefined, argv: readonly string[]): Promise<AppError> {
  if (error instanceof AppError) return error;
  // Options without a value are noticed while a command is loaded, past the handler of failures.
  const isAboutWords = error instanceof WordsError || (error instanceof Error && error.name === "YError");
  return isAboutWords ? wordsRefusal(error.message, argv) : unexpected(error, config, argv);
}

/** The few flags that decide how an error looks, for errors before the words are understood. */
function looseFlags(argv: readonly string[]): { [name: string]: unknown } {
  const own = argv.slice(0, argv.indexOf("--") < 0 ? argv.length : argv.indexOf("--"));
  const at = own.findIndex((word) => word === "-o" || word === "--output");
  return { json: own.includes("--json"), debug: own.includes("--debug"), ...(at < 0 ? {} : { output: own[at + 1] }) };
}

/** Not a refusal but a fault of ours: one line, and a report to send. */
function unexpected(error: unknown, config: Config | undefined, argv: readonly string[]): AppError {
  const details = { id: "internal", cause: error };
  if (!config) return new AppError("internal", `unexpected: ${errorMessage(error)}`, details);
  const file = join(config.reportDir, `exp-${process.pid}.json`);
  const stack = error instanceof Error ? error.stack : String(error);
  try {
    mkdirSync(config.reportDir, { recursive: true, mode: 0o700 });
    writeFileSync(
      file,
      JSON.stringify({ version: VERSION, node: process.version, platform: process.platform, command: argv[0], stack }),
      { mode: 0o600 },
    );
  } catch (failure) {
    return new AppError(
      "internal",
      `unexpected: ${errorMessage(error)} (no report: ${errorMessage(failure)})`,
      details,
    );
  }
  return new AppError("internal", `unexpected: ${errorMessage(error)}`, { ...details, hint: `${file} says more` });
}
