/**
 * A sign of life on stderr for whatever takes longer than a tenth of a second: one line on a terminal that goes away when it
 * is over. Never while something else draws; in a pipe only a plain line each ten seconds, of what counts its steps.
 */
import type { Client } from "./client.ts";
import type { Output } from "./output.ts";

const QUIET_MS = 100;
const REDRAW_EVERY_MS = 120;
const LINE_EVERY_MS = 10_000;
const SIGNS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

export interface Busy {
  /** Shows `what` while `work` goes on. */
  during<T>(what: string, work: Promise<T>): Promise<T>;
  /** The same for work in `total` steps, which says the end of each by `done`. */
  counting<T>(what: string, total: number, work: (done: () => void) => Promise<T>): Promise<T>;
  /** From now on nothing is shown. */
  off(): void;
}

export interface BusyOptions {
  readonly isTerminal: boolean;
  readonly isQuiet: boolean;
  readonly nowMs: () => number;
}

export function createBusy(out: Output, { isTerminal, isQuiet, nowMs }: BusyOptions): Busy {
  let enabled = isTerminal && !isQuiet;
  // Several at once share the line: the one that began first has it.
  const waiting: { readonly what: () => string; readonly since: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let drawn = false;
  let turn = 0;
  const draw = () => {
    const [first] = waiting;
    if (!first || !enabled) return;
    const seconds = Math.floor((nowMs() - first.since) / 1000);
    const sign = SIGNS[turn++ % SIGNS.length] ?? "";
    out.raw(`\r${sign} ${first.what()}${seconds > 0 ? ` ${seconds}s` : ""}\u001b[K`);
    drawn = true;
    timer = setTimeout(draw, REDRAW_EVERY_MS);
  };
  const clear = () => {
    clearTimeout(timer);
    timer = undefined;
    if (drawn) out.raw("\r\u001b[K");
    drawn = false;
  };
  const show = async <T>(what: () => string, work: Promise<T>): Promise<T> => {
    if (!enabled) return work;
    const entry = { what, since: nowMs() };
    waiting.push(entry);
    timer ??= setTimeout(draw, QUIET_MS);
    try {
      return await work;
    } finally {
      waiting.splice(waiting.indexOf(entry), 1);
      if (waiting.length === 0) clear();
    }
  };
  return {
    during: (what, work) => show(() => what, work),
    async counting(what, total, work) {
      let count = 0;
      let saidMs = nowMs();
      const text = () => `${what}: ${count} of ${total}`;
      return show(
        text,
        work(() => {
          count += 1;
          if (isTerminal || isQuiet || count === total || nowMs() - saidMs < LINE_EVERY_MS) return;
          saidMs = nowMs();
          out.note(text());
        }),
      );
    },
    off() {
      clear();
      enabled = false;
    },
  };
}

const SAID: { readonly [method in keyof Client]?: string } = {
  plan: "expanding the sweep",
  submit: "submitting",
  apply: "comparing with the sweep",
  importRuns: "taking runs over",
  missingContents: "asking what code is there",
  putContents: "sending the code",
  listRuns: "asking for runs",
};

/** The same client, whose calls that answer once show that they go on. */
export function busyClient(client: Client, busy: Busy): Client {
  return new Proxy(client, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args);
        const what = SAID[name as keyof Client] ?? "waiting for the coordinator";
        return result instanceof Promise ? busy.during(what, result) : result;
      };
    },
  });
}
