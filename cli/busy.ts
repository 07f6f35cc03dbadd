/**
 * A sign of life on stderr for whatever takes longer than a tenth of a second: one line on a terminal that goes away when it
 * is over. Never in a pipe, and never while something else draws.
 */
import type { Client } from "./client.ts";
import type { Output } from "./output.ts";

const QUIET_MS = 100;
const REDRAW_EVERY_MS = 120;
const SIGNS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

export interface Busy {
  /** Shows `what` while `work` goes on. */
  during<T>(what: string, work: Promise<T>): Promise<T>;
  /** From now on nothing is shown. */
  off(): void;
}

export function createBusy(out: Output, isTerminal: boolean, nowMs: () => number): Busy {
  let enabled = isTerminal;
  // Several at once share the line: the one that began first has it.
  const waiting: { readonly what: string; readonly since: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let drawn = false;
  let turn = 0;
  const draw = () => {
    const [first] = waiting;
    if (!first || !enabled) return;
    const seconds = Math.floor((nowMs() - first.since) / 1000);
    const sign = SIGNS[turn++ % SIGNS.length] ?? "";
    out.raw(`\r${sign} ${first.what}${seconds > 0 ? ` ${seconds}s` : ""}\u001b[K`);
    drawn = true;
    timer = setTimeout(draw, REDRAW_EVERY_MS);
  };
  const clear = () => {
    clearTimeout(timer);
    timer = undefined;
    if (drawn) out.raw("\r\u001b[K");
    drawn = false;
  };
  return {
    async during(what, work) {
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
