/**
 * What log and history say of nodes that were let in or refused. An agent that is refused asks again and again: the same words
 * about the same node are written once in a while only.
 */
import type { Clock } from "../../../shared/kernel/clock.ts";
import { nodeName } from "../../../shared/kernel/ids.ts";
import type { Event, NodeNote } from "../../core/events.ts";

export type NoteNode = (what: NodeNote, node: string, text: string) => void;

const AGAIN_AFTER_MS = 10 * 60_000;
/** Notes that are remembered as written. */
const RECENT_MAX = 1_000;
const TEXT_CHARS_MAX = 500;

export interface NodeNotesOptions {
  readonly apply: (event: Event) => Promise<unknown>;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly logger: {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export function createNodeNotes({ apply, clock, logger }: NodeNotesOptions): NoteNode {
  const recent = new Map<string, number>();
  return (what, node, text) => {
    const key = `${what} ${node} ${text}`;
    const nowMs = clock.monotonicMs();
    const before = recent.get(key);
    if (before !== undefined && nowMs - before < AGAIN_AFTER_MS) return;
    if (recent.size >= RECENT_MAX) recent.clear();
    recent.set(key, nowMs);
    if (what === "node-denied") logger.warn({ node, text }, "agent denied");
    else logger.info({ node, text }, "a node has a token of its own");
    const event = { kind: "node-noted", name: nodeName(node), what, text: text.slice(0, TEXT_CHARS_MAX) } as const;
    // A rejection means that the engine has stopped; the process is ending and says so itself.
    apply(event).catch((error: unknown) => logger.debug({ err: error }, "note not taken"));
  };
}
