/**
 * What an agent may name whose token is bound to a node: itself, attempts of its node, and the contents that these need. Every
 * call that names one of them asks here. A token that is bound to nobody is held to nothing.
 */
import { AppError } from "../../../shared/kernel/errors.ts";
import type { Fence } from "../../../shared/kernel/ids.ts";
import { parseSnapshot } from "../../../shared/run/snapshot.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Cluster } from "../../core/cluster.ts";
import { createNeededContents, createNodeOfAttempt, type NeededContent } from "../../store/attempt-owner.ts";
import type { Database } from "../../store/database.ts";
import type { BoundNode } from "../../store/tokens.ts";
import type { Caller } from "../auth.ts";
import type { NoteNode } from "./node-notes.ts";

/** What is not the caller's own is written down; those that check throw AppError "forbidden" besides. */
export interface NodeBounds {
  /** `agent`: who a Hello says that it is. */
  checkAgent(caller: Caller, agent: BoundNode): void;
  /** Whether the attempt may be spoken of, as in `what`. A fence that names none is nobody's: it changes nothing, and passes. */
  isOwn(caller: Caller, what: string, fence: Fence): boolean;
  /** Before a content is taken, which is sent for an attempt. */
  checkSent(caller: Caller, fence: Fence | undefined): void;
  /** Before contents are given away. */
  checkAsked(caller: Caller, hashes: readonly string[]): Promise<void>;
}

export interface NodeBoundsOptions {
  readonly db: Database;
  readonly cluster: Pick<Cluster, "attempts">;
  readonly blobs: Pick<BlobStore, "read">;
  readonly note: NoteNode;
}

/** Lists of files at hand: the attempts of a fleet share a few. */
const LISTS_MAX = 32;

export function createNodeBounds({ db, cluster, blobs, note }: NodeBoundsOptions): NodeBounds {
  const nodeOf = createNodeOfAttempt(db);
  const needed = createNeededContents(db);
  const lists = new Map<string, ReadonlySet<string>>();

  function denied({ name: token }: Caller, { name: node }: BoundNode, what: string): AppError {
    note("node-denied", node, `${token}: ${what}`);
    return new AppError("forbidden", `the token ${token} speaks for the node ${node} alone: ${what}`, {
      id: "auth.node",
      hint: "each host joins with a join token of its own: exp token join",
    });
  }

  /** Nothing for a list that is not there any more. */
  async function filesOn(list: string): Promise<ReadonlySet<string>> {
    const known = lists.get(list);
    if (known) return known;
    const text = await blobs.read(list).catch(() => undefined);
    if (text === undefined) return new Set();
    const entries = parseSnapshot(text.toString());
    const files = "problem" in entries ? [] : entries.flatMap((entry) => (entry.kind === "file" ? [entry.sha256] : []));
    const [oldest] = lists.keys();
    if (lists.size >= LISTS_MAX && oldest !== undefined) lists.delete(oldest);
    const made = new Set(files);
    lists.set(list, made);
    return made;
  }

  async function isNeeded(hash: string, contents: readonly NeededContent[]): Promise<boolean> {
    const found = contents.find((content) => content.hash === hash);
    // Who asks for a list asks for its files next: it is at hand then, however many others there are.
    if (found?.isList) await filesOn(hash);
    if (found) return true;
    const all = contents.filter(({ isList }) => isList).map((content) => content.hash);
    if (all.some((list) => lists.get(list)?.has(hash))) return true;
    for (const list of all) if ((await filesOn(list)).has(hash)) return true;
    return false;
  }

  return {
    checkAgent(caller, { name, agentId }) {
      if (!caller.bound) return;
      const { bound } = caller;
      if (name !== bound.name) throw denied(caller, bound, `a Hello came from ${name}`);
      if (agentId !== bound.agentId) throw denied(caller, bound, "a Hello came from another work directory");
    },
    isOwn(caller, what, fence) {
      if (!caller.bound) return true;
      const owner = nodeOf(fence);
      if (owner === undefined || owner === caller.bound.name) return true;
      denied(caller, caller.bound, `${what} of attempt ${fence}, which is on ${owner}`);
      return false;
    },
    checkSent(caller, fence) {
      if (!caller.bound) return;
      const owner = fence === undefined ? undefined : nodeOf(fence);
      if (owner === caller.bound.name) return;
      throw denied(
        caller,
        caller.bound,
        `a content was sent for ${fence === undefined ? "no attempt" : `attempt ${fence}`}`,
      );
    },
    async checkAsked(caller, hashes) {
      if (!caller.bound) return;
      const { bound } = caller;
      const live = [...cluster.attempts.values()].filter(({ node }) => node === bound.name);
      const contents = live.flatMap(({ fence }) => needed(fence));
      for (const hash of hashes) {
        if (await isNeeded(hash, contents)) continue;
        throw denied(caller, bound, `no attempt that it has needs the content ${hash.slice(0, 12)}`);
      }
    },
  };
}
