/**
 * Joining: one exchange that reconciles what an agent has with what the store says, and the only way to a working
 * session. Every attempt that either side knows gets one decision.
 *
 * | the store says                                   | the agent says      | decision                                   |
 * |--------------------------------------------------|---------------------|--------------------------------------------|
 * | fence f is current, assigned                      | does not know it    | send the same assignment again             |
 * | fence f is current, running                       | does not know it    | lost: the agent's journal is the truth      |
 * | fence f is current                                | accepted or running | adopt; a pending stop is sent again        |
 * | fence f is current                                | finished            | record the end, acknowledge                |
 * | f was given up, its run not started again         | running or finished | take it back                               |
 * | f was given up, its run started again or terminal | running             | kill                                       |
 * | the same                                          | finished            | acknowledge                                |
 *
 * A Hello that comes after a later one of the same process says what was so before: it is refused, and nobody waits for it.
 */
import { required } from "../../shared/kernel/assert.ts";
import { type DeviceUuid, sessionId } from "../../shared/kernel/ids.ts";
import { heldMilli } from "../../shared/run/devices.ts";
import type { AttemptReport, Decision, Hello, RefusedReason } from "../../shared/run/session.ts";
import { PROTOCOL_VERSION } from "../../shared/run/session.ts";
import type { Change } from "./changes.ts";
import type { Attempt, Cluster, Node, Run } from "./cluster.ts";
import { shapeOf } from "./cluster.ts";
import type { Command, Reaction } from "./commands.ts";
import { doersOf, isActive } from "./doers.ts";
import type { Event, Now } from "./events.ts";
import { freeOn, hasRoom, reservedOn } from "./fit.ts";
import { endChanges, startedChanges } from "./reactor-attempts.ts";
import { heardOf } from "./reactor-gang.ts";
import { history, runChanged } from "./reactor-runs.ts";
import type { CoreSettings } from "./settings.ts";

type HelloEvent = Extract<Event, { kind: "hello" }>;

export function onHello(cluster: Cluster, event: HelloEvent, now: Now, settings: CoreSettings): Reaction {
  const { hello, connection } = event;
  const known = cluster.nodes.get(hello.name);
  const refusal = refuse(cluster, hello, known);
  if (refusal) return { changes: [], commands: [{ kind: "refuse", connection, ...refusal }] };

  const changes: Change[] = [];
  const commands: Command[] = [];
  if (known?.connected) {
    commands.push({ kind: "close", session: known.session, message: "replaced by a newer session of the same agent" });
  }
  const session = sessionId(cluster.nextSession);
  const node = nodeOfHello(hello, known, now);
  changes.push({ kind: "node-saved", node });
  changes.push({
    kind: "node-link",
    name: node.name,
    session,
    connected: true,
    silent: false,
    lastHeardMs: now.monotonicMs,
  });
  changes.push({
    ...history(now, "node-joined", `${hello.host.hostname}, ${describeDevices(hello)}`),
    node: node.name,
  });
  if (hello.maxFenceSeen >= cluster.nextFence) {
    // The agent knows fences this store never gave: the store is older than its agents, or another one. Never give one of
    // those, which the agent would take for an attempt that it had before.
    changes.push({ kind: "fence-floor", nextFence: hello.maxFenceSeen + 1 });
    if (hello.storeId === cluster.storeId) {
      changes.push(history(now, "store-rolled-back", `${node.name} knows fence ${hello.maxFenceSeen}`));
    }
  }

  const decisions: Decision[] = [];
  const afterWelcome: Command[] = [];
  const reported = new Map(hello.attempts.map((report) => [report.fence, report]));
  for (const report of reported.values()) {
    const decided = decide(cluster, node, report, now, settings);
    decisions.push(decided.decision);
    changes.push(...decided.changes);
  }
  for (const attempt of cluster.attempts.values()) {
    if (attempt.node !== node.name || reported.has(attempt.fence)) continue;
    if (attempt.phase === "assigned") {
      if (attempt.stopping === "") {
        changes.push(...seenAgain(cluster, attempt));
        afterWelcome.push({ kind: "assign", session, fence: attempt.fence, runId: attempt.runId });
      } else {
        const outcome = { kind: "cancelled" } as const;
        changes.push(...endChanges(cluster, attempt, { outcome, finishedAt: now.wallMs }, now, settings));
      }
    } else {
      const outcome = { kind: "lost", reason: "node_lost" } as const;
      changes.push(...endChanges(cluster, attempt, { outcome, finishedAt: now.wallMs }, now, settings));
    }
  }
  commands.push({ kind: "welcome", connection, session, node: node.name, term: cluster.term, decisions });
  if (hello.draining !== node.draining) commands.push({ kind: "drain", session, draining: node.draining });
  return { changes, commands: [...commands, ...afterWelcome] };
}

function refuse(
  cluster: Cluster,
  hello: Hello,
  known: Node | undefined,
): { reason: RefusedReason; message: string } | undefined {
  if (hello.protocol !== PROTOCOL_VERSION) {
    const message = `the agent speaks protocol ${hello.protocol} (version ${hello.version}), the coordinator ${PROTOCOL_VERSION}`;
    return { reason: "version", message };
  }
  if (hello.storeId === cluster.storeId && hello.term > cluster.term) {
    return {
      reason: "stale_term",
      message: `a newer coordinator of this store has run: term ${hello.term} > ${cluster.term}`,
    };
  }
  const other = [...cluster.nodes.values()].find((node) => node.agentId === hello.agentId && node.name !== hello.name);
  if (other) {
    const message = `this agent is known as ${other.name}; start it with --name ${other.name}, or give ${hello.name} a --workdir of its own`;
    return { reason: "already_connected", message };
  }
  if (!known) return undefined;
  if (known.agentId !== hello.agentId) {
    const live = [...cluster.attempts.values()].filter((attempt) => attempt.node === known.name).length;
    if (!known.connected && live === 0) return undefined;
    const why = known.connected ? "is connected" : `left ${live} attempts that may still run`;
    const message = `the name ${known.name} belongs to another agent on ${known.host.hostname}, which ${why}; choose another --name`;
    return { reason: "already_connected", message };
  }
  if (known.connected && known.machineId !== hello.machineId) {
    const message = `agent ${hello.agentId} is connected from ${known.host.hostname}; this looks like a copy of its work directory`;
    return { reason: "already_connected", message };
  }
  if (hello.incarnation < known.incarnation) {
    return { reason: "superseded", message: `a newer process of agent ${known.name} has joined since` };
  }
  // What it says was true before the agent left that stream. By now it has attempts that this one does not know.
  if (hello.incarnation === known.incarnation && hello.seq < known.helloSeq) {
    return { reason: "late", message: `agent ${known.name} has joined by another stream since` };
  }
  return undefined;
}

function nodeOfHello(hello: Hello, known: Node | undefined, now: Now): Node {
  return {
    name: hello.name,
    agentId: hello.agentId,
    machineId: hello.machineId,
    bootId: hello.bootId,
    incarnation: hello.incarnation,
    session: sessionId(0),
    version: hello.version,
    labels: hello.labels,
    host: hello.host,
    devices: hello.devices,
    cordoned: known?.cordoned ?? false,
    // What users asked of a node is kept here; the agent may have missed it.
    draining: known?.draining ?? hello.draining,
    seenAt: now.wallMs,
    connected: false,
    silent: false,
    lastHeardMs: now.monotonicMs,
    helloSeq: hello.seq,
  };
}

interface Decided {
  readonly decision: Decision;
  readonly changes: readonly Change[];
}

function decide(cluster: Cluster, node: Node, report: AttemptReport, now: Now, settings: CoreSettings): Decided {
  const { fence } = report;
  const attempt = cluster.attempts.get(fence);
  if (attempt && attempt.node === node.name) return decideCurrent(cluster, attempt, report, now, settings);
  const run = cluster.runs.get(report.runId);
  const takeBack = run?.givenUp && run.fence === fence && !attempt;
  if (takeBack && hasItsPlace(cluster, node, run, report))
    return decideTakeBack(cluster, node, run, report, now, settings);
  if (report.phase === "finished") return { decision: { fence, action: "finish-ack" }, changes: [] };
  const text = `fence ${fence} on ${node.name} is stopped: another attempt counts`;
  return {
    decision: { fence, action: "kill", reason: "superseded" },
    changes: [{ ...history(now, "superseded", text), node: node.name, runId: report.runId }],
  };
}

function decideCurrent(
  cluster: Cluster,
  attempt: Attempt,
  report: AttemptReport,
  now: Now,
  settings: CoreSettings,
): Decided {
  const { fence } = attempt;
  if (report.phase === "finished") {
    return {
      decision: { fence, action: "finish-ack" },
      changes: endChanges(cluster, attempt, report.finish, now, settings),
    };
  }
  const changes =
    report.phase === "running" ? seenRunning(cluster, attempt, report.startedAt, now) : seenAgain(cluster, attempt);
  if (attempt.stopping !== "") return { decision: { fence, action: "kill", reason: attempt.stopping }, changes };
  return { decision: { fence, action: "adopt" }, changes };
}

/** False when another attempt was given some of its place meanwhile, or its work. What has ended needs none any more. */
function hasItsPlace(cluster: Cluster, node: Node, run: Run, report: AttemptReport): boolean {
  if (report.phase === "finished") return true;
  if (isAtWork(cluster, run)) return false;
  const reserved = reservedFor(cluster, node, run, report);
  const isFree = (uuid: DeviceUuid) => cluster.holders.leftMilli(node.name, uuid) >= heldMilli(report.gpuMilli, uuid);
  return report.devices.every(isFree) && hasRoom(freeOn(cluster, node), reserved);
}

/** Another run that shares its work with this one is with an agent: it took over when this one came back to the queue. */
function isAtWork(cluster: Cluster, run: Run): boolean {
  const shares = ({ sweepId }: Run) => required(cluster.sweeps.get(sweepId), "the sweep of a live run").shares;
  if (!shares(run)) return false;
  const others = doersOf(cluster, run.fingerprint).filter((id) => id !== run.id);
  return others.some((id) => {
    const other = required(cluster.runs.get(id), "who does the work");
    return isActive(other.state) && shares(other);
  });
}

/** The lease had passed, or a Rejected was overtaken; nothing was started in its place, so the work is kept. */
function decideTakeBack(
  cluster: Cluster,
  node: Node,
  run: Run,
  report: AttemptReport,
  now: Now,
  settings: CoreSettings,
): Decided {
  const attempt: Attempt = {
    fence: report.fence,
    runId: run.id,
    number: run.attempt,
    node: node.name,
    devices: report.phase === "finished" ? [] : report.devices,
    reserved: report.phase === "finished" ? undefined : reservedFor(cluster, node, run, report),
    phase: report.phase === "running" ? "running" : "assigned",
    stopping: "",
    startedAt: report.phase === "running" ? report.startedAt : undefined,
  };
  const text = `${node.name} still had it: taken back`;
  const revived: Change[] = [
    { kind: "attempt-revived", attempt },
    { ...history(now, "adopted", text, run), node: node.name },
  ];
  if (report.phase === "finished") {
    return {
      decision: { fence: report.fence, action: "finish-ack" },
      changes: [...revived, ...endChanges(cluster, attempt, report.finish, now, settings)],
    };
  }
  const state = report.phase === "running" ? "running" : "assigned";
  return {
    decision: { fence: report.fence, action: "adopt" },
    changes: [...revived, runChanged(run, { state, reason: "", givenUp: false, notBefore: 0 })],
  };
}

/** By the run's request: which of its alternatives it was placed by, nobody knows any more but by the part of its GPUs. */
function reservedFor(cluster: Cluster, node: Node, run: Run, report: AttemptReport): Attempt["reserved"] {
  const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
  const { gpuMilli: _, ...request } = shapeOf(sweep, run).resources;
  return reservedOn(node, report.gpuMilli === undefined ? request : { ...request, gpuMilli: report.gpuMilli });
}

function seenRunning(cluster: Cluster, attempt: Attempt, startedAt: number, now: Now): Change[] {
  const run = required(cluster.runs.get(attempt.runId), "the run of a live attempt");
  const isKnown = attempt.phase === "running" && run.state === "running";
  return isKnown ? [] : startedChanges(cluster, attempt, startedAt, now);
}

function seenAgain(cluster: Cluster, attempt: Attempt): Change[] {
  const run = cluster.runs.get(attempt.runId);
  return run ? heardOf(cluster, run, attempt) : [];
}

function describeDevices(hello: Hello): string {
  const gpus = hello.devices.filter((device) => device.kind === "gpu").length;
  return `${gpus} GPUs, ${hello.devices.length - gpus} CPU slots`;
}
