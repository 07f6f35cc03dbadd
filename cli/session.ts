/** What a command works with: settings, output, the coordinator on demand, and the person in front. */
import type { Clock } from "../shared/kernel/clock.ts";
import { AppError } from "../shared/kernel/errors.ts";
import type { Args } from "./args.ts";
import { busyClient, createBusy } from "./busy.ts";
import type { Client } from "./client.ts";
import type { Config } from "./config.ts";
import { locate, type Target } from "./locate.ts";
import type { Output } from "./output.ts";
import type { Screen } from "./screen.ts";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGUSR2";

/** What main lends to commands: the process around them. */
export interface Host {
  readonly clock: Clock;
  /** How to run this program again: the executable and the arguments before ours. */
  readonly self: { readonly executable: string; readonly args: readonly string[] };
  readonly pid: number;
  /** Until it is undone, a signal comes here instead of ending the program. */
  onSignal(listener: (name: SignalName) => void): () => void;
  /** Asks on stderr and reads one line from stdin; undefined when interrupted or at the end of input. */
  ask(question: string, signal?: AbortSignal): Promise<string | undefined>;
  readStdin(): Promise<string>;
  /** Takes over the terminal; only where stdin and stdout are one. */
  openScreen(): Screen;
}

export interface Session extends Host {
  readonly config: Config;
  readonly out: Output;
  /** The coordinator of `locate`. The same client each time; closed when the command ends. */
  connect(): Promise<Client>;
  locate(): Promise<Target>;
  /** Shows `what` while `work` goes on. */
  during<T>(what: string, work: Promise<T>): Promise<T>;
  /** Shows how far work in `total` steps is; it says the end of each by `done`. */
  counting<T>(what: string, total: number, work: (done: () => void) => Promise<T>): Promise<T>;
  /** A client of one's own. */
  open(address: string, token: string | undefined): Promise<Client>;
}

/** A command of the tree. Each lives in a module of its own, loaded when it is asked for. */
export interface Command {
  /** Options beyond the global ones; "-x" as alias. */
  readonly options?: { readonly [name: string]: Option };
  readonly examples?: readonly (readonly [command: string, what: string])[];
  /** The exit code. Refusals are thrown as AppError. */
  run(session: Session, args: Args): Promise<number>;
}

/** Names that completion finds out: on the disk, or at the coordinator. */
export type NameKind = "refs" | "nodes" | "contexts" | "tokens" | "metrics" | "files" | "topics";

export interface Option {
  readonly describe: string;
  /** What completion offers for its value: all there are, or some of many. */
  readonly values?: readonly string[] | NameKind;
  /** Default "text". "texts": may be given several times. */
  readonly type?: "text" | "texts" | "flag";
  readonly alias?: string;
  readonly hidden?: boolean;
}

/** What `locate` and `connect` need is settled only when they are called. */
export function createSession(host: Host, config: Config, out: Output): { session: Session; close(): void } {
  const clients: Client[] = [];
  let target: Promise<Target> | undefined;
  let client: Promise<Client> | undefined;
  const { terminal, quiet } = config;
  const busy = createBusy(out, {
    isTerminal: terminal.stderrIsTty,
    isQuiet: quiet,
    nowMs: () => host.clock.monotonicMs(),
  });
  const session: Session = {
    ...host,
    openScreen() {
      busy.off();
      return host.openScreen();
    },
    config,
    out,
    during: busy.during,
    counting: busy.counting,
    locate() {
      target ??= locate(config);
      return target;
    },
    connect() {
      client ??= session.locate().then(({ address, token }) => session.open(address, token));
      return client;
    },
    async open(address, token) {
      const { createClient } = await import("./client.ts");
      const opened = createClient({ address, token, timeoutMs: config.timeoutMs });
      clients.push(opened);
      return busyClient(opened, busy);
    },
  };
  return {
    session,
    close() {
      for (const each of clients) each.close();
    },
  };
}

/** Yes by `--yes`; else asks where that is possible; else throws AppError (conflict) that names `--yes`. */
export async function confirm(session: Session, question: string, refusal: string): Promise<boolean> {
  if (session.config.yes) return true;
  if (!session.config.interactive) {
    throw new AppError("conflict", refusal, { id: "confirm.needed", hint: "--yes does it without asking" });
  }
  const answer = await session.ask(`${question} [y/N] `);
  return /^y(?:es)?$/i.test(answer?.trim() ?? "");
}

/** References as given, with those on stdin in the place of "-". Throws AppError (invalid) where none is left. */
export async function referencesOf(session: Session, args: Args, name: string): Promise<string[]> {
  const refs: string[] = [];
  for (const ref of args.texts(name)) {
    if (ref === "-") refs.push(...(await session.readStdin()).split(/\s+/).filter((word) => word !== ""));
    else refs.push(ref);
  }
  return refs;
}
