/**
 * Nodes: heartbeats, silence, leases, cordon and drain. Silence is measured on the monotonic clock from the last message
 * received; a closed connection alone decides nothing.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import { longestDelayMs } from "./after-attempt.ts";
import type { Change, HistoryKind } from "./changes.ts";
import type { Attempt, Cluster, Node } from "./cluster.ts";
import type { Command, Reaction } from "./commands.ts";
import type { Event, Now } from "./events.ts";
import { isCurrent } from "./gang.ts";
import { endChanges, nodeOfSession } from "./reactor-attempts.ts";
import { heardOf } from "./reactor-gang.ts";
import { history, runChanged } from "./reactor-runs.ts";
import type { CoreSettings } from "./settings.ts";
import { requeueAfterMs } from "./settings.ts";

type EventOf<Kind extends Event["kind"]> = Extract<Event, { kind: Kind }>;

const NOTHING: Reaction = { changes: [], commands: [] };

/** Renews the leases the agent asks for, as far as they are its own; a fence that is not current there is to be killed. */
export function onHeartbeat(cluster: Cluster, event: EventOf<"heartbeat">, now: Now): Reaction {
  const node = nodeOfSession(cluster, event.session);
  if (!node) return NOTHING;
  const renewed: Fence[] = [];
  const commands: Command[] = [];
  for (const fence of event.fences) {
    const attempt = cluster.attempts.get(fence);
    if (attempt?.node === node.name) renewed.push(fence);
    else commands.push({ kind: "kill", session: event.session, fence, reason: "superseded" });
  }
  commands.unshift({ kind: "heartbeat-ack", session: event.session, seq: event.seq, renewed });
  const changes: Change[] = [link(node, { silent: false, lastHeardMs: now.monotonicMs })];
  if (node.silent) changes.push(...heardAgain(cluster, node));
  return { changes, commands };
}

export function onDevices(cluster: Cluster, event: EventOf<"devices">, now: Now): Reaction {
  const node = nodeOfSession(cluster, event.session);
  if (!node) return NOTHING;
  return {
    changes: [{ kind: "node-saved", node: { ...node, devices: event.devices, seenAt: now.wallMs } }],
    commands: [],
  };
}

export function onDisconnected(cluster: Cluster, event: EventOf<"disconnected">, now: Now): Reaction {
  const node = nodeOfSession(cluster, event.session);
  if (!node) return NOTHING;
  return {
    changes: [
      { kind: "node-saved", node: { ...node, seenAt: now.wallMs } },
      link(node, { connected: false }),
      nodeHistory(now, "node-left", node, "connection closed"),
    ],
    commands: [],
  };
}

/** Looks at the clock: who has gone silent, whose lease has passed, whose retry delay is over. */
export function onTick(cluster: Cluster, now: Now, settings: CoreSettings): Reaction {
  const changes: Change[] = [];
  for (const id of cluster.delayed) {
    const run = cluster.runs.get(id);
    // A delay longer than any that was drawn means that the wall clock was set back.
    const waitMs = run ? run.notBefore - now.wallMs : 0;
    const longestMs = run ? longestDelayMs(cluster, run, settings) : 0;
    if (run && (waitMs <= 0 || waitMs > longestMs)) changes.push(runChanged(run, { notBefore: 0 }));
  }
  for (const node of cluster.nodes.values()) {
    const silenceMs = now.monotonicMs - node.lastHeardMs;
    const attempts = attemptsOf(cluster, node);
    if (silenceMs > requeueAfterMs(settings)) {
      for (const attempt of attempts) {
        const outcome = { kind: "lost", reason: "lease" } as const;
        changes.push(
          ...endChanges(cluster, attempt, { outcome, finishedAt: now.wallMs, givenUp: true }, now, settings),
        );
      }
    } else if (silenceMs > settings.unknownAfterMs && !node.silent) {
      changes.push(...unknownRuns(cluster, attempts));
    }
    if (silenceMs > settings.unknownAfterMs && !node.silent) {
      changes.push(link(node, { silent: true }), nodeHistory(now, "node-silent", node, "no heartbeat"));
    }
  }
  return { changes, commands: [] };
}

const ACTION_HISTORY: Record<EventOf<"node-action">["action"], HistoryKind> = {
  cordon: "node-cordoned",
  uncordon: "node-uncordoned",
  drain: "node-draining",
  stop: "node-stopped",
};

/** Cordon: no new work. Drain: the same, and the agent knows. Stop: drain, and what runs goes back to the queue. */
export function onNodeAction(cluster: Cluster, event: EventOf<"node-action">, now: Now): Reaction {
  const node = cluster.nodes.get(event.name);
  if (!node) return NOTHING;
  const { action } = event;
  const draining = action === "drain" || action === "stop" || (action === "cordon" && node.draining);
  const cordoned = action === "cordon" || (action !== "uncordon" && node.cordoned);
  const changes: Change[] = [
    { kind: "node-saved", node: { ...node, cordoned, draining } },
    nodeHistory(now, ACTION_HISTORY[event.action], node, event.action),
  ];
  const commands: Command[] = [];
  if (node.connected) commands.push({ kind: "drain", session: node.session, draining });
  if (event.action === "stop") {
    for (const attempt of attemptsOf(cluster, node)) {
      if (attempt.stopping !== "") continue;
      const { fence, phase, startedAt } = attempt;
      changes.push({ kind: "attempt-changed", fence, phase, stopping: "stop", startedAt });
      if (node.connected) commands.push({ kind: "kill", session: node.session, fence, reason: "stop" });
    }
  }
  return { changes, commands };
}

export function onNodeNoted({ name, what, text }: EventOf<"node-noted">, now: Now): Reaction {
  return { changes: [{ ...history(now, what, text), node: name }], commands: [] };
}

function attemptsOf(cluster: Cluster, node: Node): Attempt[] {
  return [...cluster.attempts.values()].filter((attempt) => attempt.node === node.name);
}

function unknownRuns(cluster: Cluster, attempts: readonly Attempt[]): Change[] {
  return attempts.flatMap((attempt) => {
    const run = cluster.runs.get(attempt.runId);
    return run && isCurrent(run, attempt) && run.state !== "unknown" ? [runChanged(run, { state: "unknown" })] : [];
  });
}

function heardAgain(cluster: Cluster, node: Node): Change[] {
  return attemptsOf(cluster, node).flatMap((attempt) => {
    const run = cluster.runs.get(attempt.runId);
    return run ? heardOf(cluster, run, attempt) : [];
  });
}

function link(node: Node, patch: { connected?: boolean; silent?: boolean; lastHeardMs?: number }): Change {
  const { name, session, connected, silent, lastHeardMs } = node;
  return { kind: "node-link", name, session, connected, silent, lastHeardMs, ...patch };
}

function nodeHistory(now: Now, what: HistoryKind, node: Node, text: string): Change {
  return { ...history(now, what, text), node: node.name };
}
