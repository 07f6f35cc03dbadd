/**
 * What becomes of a run on several nodes is decided when the last of its gang has ended, and by the one whose end says most;
 * one that ends without success has the others stopped. The rules are a pass over a whole reaction, as one event may end
 * several.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import type { Change } from "./changes.ts";
import type { Attempt, Cluster, Run } from "./cluster.ts";
import type { Command, Reaction } from "./commands.ts";
import type { Now } from "./events.ts";
import { deciding, type EndedChange, endOf, isCurrent, peersOf } from "./gang.ts";
import { runEndChanges } from "./reactor-attempts.ts";
import { runChanged } from "./reactor-runs.ts";
import type { CoreSettings } from "./settings.ts";

/** The reaction with what the ends in it mean for gangs. */
export function withGangs(cluster: Cluster, reaction: Reaction, now: Now, settings: CoreSettings): Reaction {
  const ends = reaction.changes.filter((change): change is EndedChange => change.kind === "attempt-ended");
  const changes: Change[] = [];
  const commands: Command[] = [];
  const ended = new Map(ends.map((end) => [end.fence, end]));
  const seen = new Set<Fence>();
  for (const fence of ended.keys()) {
    const attempt = cluster.attempts.get(fence);
    if (!attempt?.gang || seen.has(attempt.gang.first)) continue;
    seen.add(attempt.gang.first);
    const members = [attempt, ...peersOf(cluster, attempt)];
    const over = members.flatMap((member) => {
      const end = ended.get(member.fence);
      return end ? [endOf(member, end)] : [];
    });
    const left = members.filter((member) => !ended.has(member.fence));
    const earlier = cluster.gangEnds.get(attempt.gang.first);
    const end = (earlier ? [earlier, ...over] : over).reduce(deciding);
    if (left.length === 0) changes.push(...runEndChanges(cluster, end, now, settings));
    else if (end.outcome.kind !== "succeeded") stop(cluster, left, changes, commands);
  }
  if (changes.length === 0) return reaction;
  return { changes: [...reaction.changes, ...changes], commands: [...reaction.commands, ...commands] };
}

function stop(cluster: Cluster, left: readonly Attempt[], changes: Change[], commands: Command[]): void {
  for (const { fence, node: name, phase, stopping, startedAt } of left) {
    if (stopping !== "") continue;
    changes.push({ kind: "attempt-changed", fence, phase, stopping: "peer", startedAt });
    const node = cluster.nodes.get(name);
    if (node?.connected) commands.push({ kind: "kill", session: node.session, fence, reason: "peer" });
  }
}

/** The host of the attempt is heard of again: its run is where it was, unless another of the gang is on a silent host. */
export function heardOf(cluster: Cluster, run: Run, attempt: Attempt): Change[] {
  if (run.state !== "unknown" || !isCurrent(run, attempt)) return [];
  const peers = peersOf(cluster, attempt);
  if (peers.some(({ node }) => cluster.nodes.get(node)?.silent)) return [];
  const hasStarted = [attempt, ...peers].some(({ phase }) => phase === "running");
  return [runChanged(run, { state: hasStarted ? "running" : "assigned" })];
}
