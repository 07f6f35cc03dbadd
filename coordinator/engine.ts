/**
 * The one door for control writes. For each event: react, write the changes, apply them to memory; then commit, then
 * dispatch the commands and answer the callers. Events of one turn of the event loop share a transaction, and those that
 * nobody waits for join a later one. SQLite is
 * synchronous, so nothing can come in between: this is our form of "run to completion".
 *
 * Nothing is sent before its commit. When the store fails, memory may be ahead of it, so the process must end: `onFatal`.
 */
import { errorMessage } from "../shared/kernel/errors.ts";
import type { RunId, SweepId } from "../shared/kernel/ids.ts";
import { applyChange } from "./core/apply-change.ts";
import type { Change } from "./core/changes.ts";
import type { Cluster } from "./core/cluster.ts";
import type { Command } from "./core/commands.ts";
import type { Event, Now } from "./core/events.ts";
import { react } from "./core/react.ts";
import type { CoreSettings } from "./core/settings.ts";
import type { Feed } from "./feed.ts";
import { news } from "./feed.ts";
import type { Database } from "./store/database.ts";
import type { WriteChange } from "./store/write-change.ts";

export interface EngineOptions {
  readonly db: Database;
  readonly cluster: Cluster;
  readonly write: WriteChange;
  readonly settings: CoreSettings;
  readonly now: () => Now;
  readonly feed: Feed;
  /** Called for each command, in order, after the commit. */
  readonly dispatch: (command: Command) => void;
  /** The store cannot be trusted any more: the process must end. */
  readonly onFatal: (error: Error) => void;
}

interface Waiting {
  readonly event: Event;
  readonly resolve: (changes: readonly Change[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Events that nobody waits for: they may share the commit of a later one. An urgent event takes those before it along, so
 * the order stays as handed in.
 */
const PATIENT: ReadonlySet<Event["kind"]> = new Set(["heartbeat", "accepted", "started", "sealed", "devices", "tick"]);
/** How long a patient event waits for company. */
const PATIENCE_MS = 25;

export class Engine {
  readonly cluster: Cluster;
  readonly #options: EngineOptions;
  #waiting: Waiting[] = [];
  #urgent: NodeJS.Immediate | undefined;
  #patient: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.cluster = options.cluster;
  }

  /** Hands in an event; resolves with its changes once they are durable. Rejects when the engine has stopped. */
  apply(event: Event): Promise<readonly Change[]> {
    if (this.#stopped) return Promise.reject(new Error("the engine has stopped"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject });
      if (PATIENT.has(event.kind)) this.#patient ??= setTimeout(() => this.#flush(), PATIENCE_MS);
      else this.#urgent ??= setImmediate(() => this.#flush());
    });
  }

  /** Refuses further events. What was handed in before is finished first. */
  stop(): void {
    this.#flush();
    this.#stopped = true;
  }

  #flush(): void {
    clearImmediate(this.#urgent);
    clearTimeout(this.#patient);
    this.#urgent = undefined;
    this.#patient = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0 || this.#stopped) return;
    const { db, dispatch, feed, onFatal } = this.#options;
    const commands: Command[] = [];
    const results: (readonly Change[])[] = [];
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const { event } of batch) results.push(this.#react(event, commands));
      results.push(this.#react({ kind: "schedule" }, commands));
      db.exec("COMMIT");
    } catch (error) {
      this.#stopped = true;
      const fatal = new Error(`the store failed: ${errorMessage(error)}`, { cause: error });
      for (const { reject } of batch) reject(fatal);
      onFatal(fatal);
      return;
    }
    for (const command of inOrderOfHaste(commands)) dispatch(command);
    for (const [i, { resolve }] of batch.entries()) resolve(results[i] ?? []);
    feed.publish(newsOf(results.flat()));
  }

  #react(event: Event, commands: Command[]): readonly Change[] {
    const { write, now, settings } = this.#options;
    const reaction = react(this.cluster, event, now(), settings);
    for (const change of reaction.changes) {
      write(change);
      applyChange(this.cluster, change);
    }
    commands.push(...reaction.commands);
    return reaction.changes;
  }
}

/** A device waits for its next run, and nobody for the word that the end of the last one is known. */
function inOrderOfHaste(commands: readonly Command[]): readonly Command[] {
  const isAck = ({ kind }: Command) => kind === "finish-ack";
  return [...commands.filter((command) => !isAck(command)), ...commands.filter(isAck)];
}

function newsOf(changes: readonly Change[]) {
  const sweeps = new Set<SweepId>();
  const runs = new Set<RunId>();
  let nodes = false;
  for (const change of changes) {
    switch (change.kind) {
      case "sweep-added":
      case "staged-added":
      case "sweep-extended":
        sweeps.add(change.sweep.id);
        break;
      case "run-changed":
      case "run-revived":
        sweeps.add(change.row.sweepId);
        runs.add(change.row.runId);
        break;
      case "attempt-added":
        runs.add(change.attempt.runId);
        nodes = true;
        break;
      case "attempt-ended":
      case "node-saved":
      case "node-link":
        nodes = true;
        break;
      default:
        break;
    }
  }
  return news({ sweeps, runs, nodes });
}
