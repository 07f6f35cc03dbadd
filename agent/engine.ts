/**
 * The agent's one door for decisions: react, journal, apply, then act. Events of one turn of the event loop share a
 * journal transaction. What was promised is said only when the disk has it, and whatever is said later waits behind it;
 * what is to be done does not wait, as a power cut would undo it anyway. A journal that fails ends the process: running
 * attempts go on under their shims, and the next agent finds them.
 */
import { errorMessage } from "../shared/kernel/errors.ts";
import { applyChange, applyVolatile } from "./core/apply-change.ts";
import type { AgentChange, AgentCommand, AgentEvent, Now } from "./core/events.ts";
import { react } from "./core/react.ts";
import type { AgentState } from "./core/state.ts";
import type { Journal } from "./journal.ts";

export interface AgentEngineOptions {
  readonly state: AgentState;
  readonly journal: Journal;
  readonly now: () => Now;
  /** Carries out a command; what comes of it returns as an event. */
  readonly act: (command: AgentCommand) => void;
  readonly onFatal: (error: Error) => void;
}

export class AgentEngine {
  readonly state: AgentState;
  readonly #options: AgentEngineOptions;
  #waiting: AgentEvent[] = [];
  #scheduled = false;
  #stopped = false;
  /** Syncs asked for, and done, since the start. */
  #syncsAsked = 0;
  #syncsDone = 0;
  /** Messages in their order, each with the sync that it must not come before. */
  #unsaid: { readonly after: number; readonly command: AgentCommand }[] = [];

  constructor(options: AgentEngineOptions) {
    this.#options = options;
    this.state = options.state;
  }

  /** Hands in an event; it is decided in this turn of the event loop, in order. Ignored after `stop`. */
  apply(event: AgentEvent): void {
    if (this.#stopped) return;
    this.#waiting.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Decides what was handed in, then takes nothing more. */
  stop(): void {
    this.#flush();
    this.#stopped = true;
  }

  #flush(): void {
    this.#scheduled = false;
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length === 0 || this.#stopped) return;
    const { now, journal, act } = this.#options;
    const changes: AgentChange[] = [];
    const commands: AgentCommand[] = [];
    const moment = now();
    for (const event of events) {
      const reaction = react(this.state, event, moment);
      for (const change of reaction.changes) applyChange(this.state, change);
      applyVolatile(this.state, event, reaction.commands, moment);
      changes.push(...reaction.changes);
      commands.push(...reaction.commands);
    }
    try {
      if (journal.write(changes, moment.wallMs)) this.#sync();
    } catch (error) {
      this.#fail(error);
      return;
    }
    for (const command of commands) {
      if (command.kind === "send") this.#unsaid.push({ after: this.#syncsAsked, command });
      else act(command);
    }
    this.#say();
  }

  #sync(): void {
    const asked = ++this.#syncsAsked;
    this.#options.journal.sync().then(
      () => {
        this.#syncsDone = asked;
        this.#say();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #say(): void {
    const { act } = this.#options;
    while (!this.#stopped) {
      const [first] = this.#unsaid;
      if (!first || first.after > this.#syncsDone) return;
      this.#unsaid.shift();
      act(first.command);
    }
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.onFatal(new Error(`the journal failed: ${errorMessage(error)}`, { cause: error }));
  }
}
