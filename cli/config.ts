/** What flags and environment say, put together once: flag before environment before default. Nothing reads them later. */
import { join, resolve } from "node:path";
import { parseDuration } from "../shared/kernel/duration.ts";
import { type Args, usage } from "./args.ts";

/** In which nobody notices the wait. */
const COMPLETION_MS = 200;

export const FORMATS = ["table", "wide", "json", "jsonl", "csv", "md", "name"] as const;
export type Format = (typeof FORMATS)[number];

export type Environment = { readonly [name: string]: string | undefined };

/** What main knows of the three standard streams. */
export interface TerminalFacts {
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly columns: number | undefined;
}

/** A setting and who set it: decides which of several ways to a coordinator wins. */
export interface Sourced {
  readonly value: string;
  readonly from: "flag" | "env";
}

export interface Config {
  readonly cwd: string;
  /** The user's home; the directory that the command was typed in, where the environment names none. */
  readonly home: string;
  /** Absolute directory of the local stack. */
  readonly dir: string;
  readonly dirFrom: "flag" | "env" | "default";
  readonly server: Sourced | undefined;
  readonly context: Sourced | undefined;
  readonly tokenFile: string | undefined;
  /** From EXP_TOKEN only: a token is never a flag. */
  readonly token: string | undefined;
  readonly contextsFile: string;
  readonly reportDir: string;
  /** Files that lead a browser to the dashboard, with the token. */
  readonly openDir: string;
  /** Holds nothing that cannot be asked for again. */
  readonly cacheDir: string;
  /** How long completion may wait for the coordinator. */
  readonly completionMs: number;
  readonly format: Format;
  /** Names only on stdout, no messages on stderr but errors. */
  readonly quiet: boolean;
  /** Colour on stdout and on stderr. */
  readonly color: { readonly out: boolean; readonly err: boolean };
  /** Whether a question may be asked. */
  readonly interactive: boolean;
  readonly yes: boolean;
  /** Of the whole command; undefined: no limit of its own. */
  readonly timeoutMs: number | undefined;
  readonly debug: boolean;
  readonly terminal: TerminalFacts;
  /** For the programs that `exp up` starts. */
  readonly environment: Environment;
}

/** Throws AppError (invalid) for a flag or variable that says nothing known. */
export function loadConfig(args: Args, env: Environment, terminal: TerminalFacts, cwd: string): Config {
  const dirFlag = args.text("dir");
  const dirEnv = given(env.EXP_DIR);
  const home = given(env.HOME) ?? cwd;
  const stateDir = join(given(env.XDG_STATE_HOME) ?? join(home, ".local", "state"), "exp");
  return {
    cwd,
    home,
    dir: resolve(cwd, dirFlag ?? dirEnv ?? ".exp"),
    dirFrom: dirFlag !== undefined ? "flag" : dirEnv !== undefined ? "env" : "default",
    server: sourced(args.text("server"), env.EXP_SERVER),
    context: sourced(args.text("context"), env.EXP_CONTEXT),
    tokenFile: args.text("token-file") ?? given(env.EXP_TOKEN_FILE),
    token: given(env.EXP_TOKEN),
    contextsFile: join(given(env.XDG_CONFIG_HOME) ?? join(home, ".config"), "exp", "contexts.json"),
    reportDir: join(stateDir, "reports"),
    openDir: join(stateDir, "open"),
    cacheDir: join(given(env.XDG_CACHE_HOME) ?? join(home, ".cache"), "exp"),
    completionMs: completionMs(env),
    format: formatOf(args, env),
    quiet: args.flag("quiet"),
    color: {
      out: wantsColor(args, env, terminal.stdoutIsTty),
      err: wantsColor(args, env, terminal.stderrIsTty),
    },
    interactive: terminal.stdinIsTty && terminal.stderrIsTty && !args.flag("no-input") && !given(env.EXP_NO_INPUT),
    yes: args.flag("yes"),
    timeoutMs: args.duration("timeout"),
    debug: args.flag("debug"),
    terminal,
    environment: env,
  };
}

/** The format alone: errors need it before the rest is known to be right. Never throws. */
export function wantsJsonErrors(args: Args, env: Environment): boolean {
  const asked = args.text("output") ?? env.EXP_OUTPUT;
  return args.flag("json") || asked === "json" || asked === "jsonl";
}

function formatOf(args: Args, env: Environment): Format {
  if (args.flag("json")) return "json";
  const flag = args.choice("output", FORMATS);
  if (flag) return flag;
  const asked = given(env.EXP_OUTPUT);
  if (asked === undefined) return args.flag("quiet") ? "name" : "table";
  const found = FORMATS.find((format) => format === asked);
  if (!found) throw usage(`EXP_OUTPUT must be one of ${FORMATS.join(", ")}, not "${asked}"`);
  return found;
}

function completionMs(env: Environment): number {
  const asked = given(env.EXP_COMPLETION_TIMEOUT);
  const ms = asked === undefined ? COMPLETION_MS : parseDuration(asked);
  if (ms === undefined) throw usage(`EXP_COMPLETION_TIMEOUT must be a duration such as 1s, not "${asked}"`);
  return ms;
}

/** https://no-color.org: any non-empty value counts. */
function wantsColor(args: Args, env: Environment, isTty: boolean): boolean {
  if (args.flag("no-color") || given(env.NO_COLOR)) return false;
  if (given(env.FORCE_COLOR)) return env.FORCE_COLOR !== "0";
  return isTty && env.TERM !== "dumb";
}

function sourced(flag: string | undefined, variable: string | undefined): Sourced | undefined {
  if (flag !== undefined) return { value: flag, from: "flag" };
  const value = given(variable);
  return value === undefined ? undefined : { value, from: "env" };
}

function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
