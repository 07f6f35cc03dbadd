/**
 * Bugs that the simulator must find, each put in from outside: a core wrapped, or a driver told to do its steps in the wrong
 * order. Production code knows nothing of them.
 */
import { react as agentReact } from "../../agent/core/react.ts";
import type { Change } from "../../coordinator/core/changes.ts";
import type { Attempt, Cluster } from "../../coordinator/core/cluster.ts";
import type { Reaction } from "../../coordinator/core/commands.ts";
import type { Event, Now } from "../../coordinator/core/events.ts";
import { endOf } from "../../coordinator/core/gang.ts";
import { react } from "../../coordinator/core/react.ts";
import { endChanges, runEndChanges } from "../../coordinator/core/reactor-attempts.ts";
import { runChanged } from "../../coordinator/core/reactor-runs.ts";
import type { CoreSettings } from "../../coordinator/core/settings.ts";
import type { AttemptReport } from "../../shared/run/session.ts";
import { SETTINGS } from "./simulation.ts";
import type { Plant } from "./world.ts";

export interface PlantedBug {
  readonly name: string;
  readonly plant: Plant;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: "commands are sent before their changes are committed", plant: { dispatchFirst: true } },
  { name: "the lease counts from the receipt of the answer", plant: { agentReact: leaseFromReceipt } },
  { name: "the agent does not look at the session of a message", plant: { anyStream: true } },
  { name: "re-queued when the lease has passed, without time to kill and margin", plant: { settings: noMargin() } },
  { name: "the finish of an old fence ends the current attempt", plant: { coordinatorReact: oldFinishCounts } },
  { name: "the claim is not exclusive", plant: { sharedClaim: true } },
  { name: "devices are free before the tree is gone", plant: { cleanUnseen: true } },
  { name: "a cancel is not written down", plant: { coordinatorReact: cancelInMemoryOnly } },
  { name: "a returning attempt is adopted although another was started", plant: { coordinatorReact: adoptAnyway } },
  { name: "the journal is written after the spawn", plant: { actFirst: true } },
  { name: "an assignment that lay in a buffer past its lease is started", plant: { agentReact: lateAssignCounts } },
  { name: "devices that change during a Hello are not told again", plant: { agentReact: devicesNotToldAgain } },
  { name: "nobody waits for a run that does the same work", plant: { coordinatorReact: nobodyWaits } },
  { name: "a pause is forgotten while its run has an attempt", plant: { coordinatorReact: pauseForgotten } },
  { name: "failures that come with one Hello count as one", plant: { coordinatorReact: failuresCountOnce } },
  { name: "what is left over of a stopped sweep goes on", plant: { coordinatorReact: stoppedGoesOn } },
  {
    name: "what an attempt reserves besides devices is not written down",
    plant: { coordinatorReact: nothingReserved },
  },
  { name: "a part of a GPU counts as next to nothing", plant: { coordinatorReact: partsAreNothing } },
  { name: "a run on several nodes is over when its rank 0 is", plant: { coordinatorReact: firstDecides } },
  { name: "how a rank ended is forgotten while others go on", plant: { coordinatorReact: endsForgotten } },
  { name: "the agent counts as idle what it does not look at", plant: { agentReact: blindToActivity } },
  { name: "what was handed out ahead starts at once", plant: { agentReact: startsAtOnce } },
  { name: "several are handed out ahead behind one", plant: { coordinatorReact: queueBehindOne } },
  { name: "the place that one takes over is not written down", plant: { coordinatorReact: placeForgotten } },
];

/** The reaction with each change as `edit` gives it; undefined leaves it out. */
function edited(reaction: Reaction, edit: (change: Change) => Change | undefined): Reaction {
  return { ...reaction, changes: reaction.changes.flatMap((change) => edit(change) ?? []) };
}

function pauseForgotten(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return edited(react(cluster, event, now, settings), (change) => {
    if (event.kind === "pause" || change.kind !== "run-changed" || change.row.state !== "held") return change;
    return change.row.paused ? { ...change, row: { ...change.row, state: "queued" } } : change;
  });
}

function failuresCountOnce(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return edited(react(cluster, event, now, settings), (change) => {
    const before = change.kind === "sweep-changed" ? (cluster.sweeps.get(change.sweepId)?.failed ?? 0) : 0;
    if (change.kind !== "sweep-changed" || change.stopped !== "" || change.failed <= before + 1) return change;
    return { ...change, failed: before + 1 };
  });
}

function stoppedGoesOn(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  if (event.kind !== "finished") return reaction;
  return edited(reaction, (change) =>
    change.kind === "run-changed" &&
    change.row.state === "cancelled" &&
    change.row.reason.includes("its sweep was stopped")
      ? undefined
      : change,
  );
}

function nothingReserved(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return edited(react(cluster, event, now, settings), (change) =>
    change.kind === "attempt-added" ? { ...change, attempt: { ...change.attempt, reserved: undefined } } : change,
  );
}

function partsAreNothing(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return edited(react(cluster, event, now, settings), (change) => {
    const reserved = change.kind === "attempt-added" ? change.attempt.reserved : undefined;
    if (change.kind !== "attempt-added" || reserved?.gpuMilli === undefined) return change;
    return { ...change, attempt: { ...change.attempt, reserved: { ...reserved, gpuMilli: 1 } } };
  });
}

function firstDecides(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  const firsts = reaction.changes.flatMap((change) => {
    const attempt = change.kind === "attempt-ended" ? cluster.attempts.get(change.fence) : undefined;
    if (change.kind !== "attempt-ended" || attempt?.gang?.first !== change.fence) return [];
    return runEndChanges(cluster, endOf(attempt, change), now, settings);
  });
  return { ...reaction, changes: [...reaction.changes, ...firsts] };
}

function endsForgotten(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return react({ ...cluster, gangEnds: new Map() }, event, now, settings);
}

function blindToActivity(...[state, event, now]: Parameters<typeof agentReact>): ReturnType<typeof agentReact> {
  return agentReact(state, event.kind === "activity" ? { ...event, bytes: 1 } : event, now);
}

function startsAtOnce(...[state, event, now]: Parameters<typeof agentReact>): ReturnType<typeof agentReact> {
  const behind = event.kind === "message" && event.message.kind === "assign" && event.message.assignment.behind;
  if (!behind) return agentReact(state, event, now);
  const attempts = new Map([...state.attempts].filter(([fence]) => fence !== behind));
  return agentReact({ ...state, attempts }, event, now);
}

function queueBehindOne(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return react(event.kind === "schedule" ? { ...cluster, successors: new Map() } : cluster, event, now, settings);
}

function placeForgotten(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  return edited(react(cluster, event, now, settings), (change) => {
    if (change.kind !== "attempt-added" || change.attempt.behind === undefined) return change;
    return { ...change, attempt: { ...change.attempt, devices: [], reserved: undefined } };
  });
}

function nobodyWaits(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  const isKept = (change: Change): boolean => change.kind !== "run-changed" || change.row.waitsFor === undefined;
  return { ...reaction, changes: reaction.changes.filter(isKept) };
}

function leaseFromReceipt(...[state, event, now]: Parameters<typeof agentReact>): ReturnType<typeof agentReact> {
  if (event.kind === "message" && event.message.kind === "heartbeat-ack") {
    const { seq } = event.message;
    if (state.heartbeatsSent.has(seq)) state.heartbeatsSent.set(seq, now.uptimeMs);
  }
  return agentReact(state, event, now);
}

function lateAssignCounts(...[state, event, now]: Parameters<typeof agentReact>): ReturnType<typeof agentReact> {
  if (event.kind !== "message" || event.message.kind !== "assign") return agentReact(state, event, now);
  const patient = { ...event.message.assignment, leaseMs: Number.MAX_SAFE_INTEGER };
  const reaction = agentReact(state, { ...event, message: { kind: "assign", assignment: patient } }, now);
  const { assignment } = event.message;
  const leaseDeadlineMs = state.exchangeSentMs + assignment.leaseMs;
  return {
    changes: reaction.changes.map((change) =>
      change.kind === "attempt-saved"
        ? { ...change, attempt: { ...change.attempt, assignment, leaseDeadlineMs, writtenDeadlineMs: leaseDeadlineMs } }
        : change,
    ),
    commands: reaction.commands.map((command) =>
      command.kind === "start" ? { ...command, assignment, leaseDeadlineMs } : command,
    ),
  };
}

function devicesNotToldAgain(...[state, event, now]: Parameters<typeof agentReact>): ReturnType<typeof agentReact> {
  const reaction = agentReact(state, event, now);
  if (event.kind !== "message" || event.message.kind !== "welcome") return reaction;
  const commands = reaction.commands.filter((command) => command.kind !== "send" || command.message.kind !== "devices");
  return { ...reaction, commands };
}

/** Chosen so that `requeueAfterMs` gives the bare lease. */
function noMargin(): CoreSettings {
  return { ...SETTINGS, killMs: SETTINGS.leaseMs / 1.01 - SETTINGS.leaseMs };
}

function oldFinishCounts(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  if (event.kind !== "hello") return reaction;
  const ends = event.hello.attempts.flatMap((report) => {
    const current = currentAttempt(cluster, report);
    return report.phase === "finished" && current && current.fence !== report.fence
      ? endChanges(cluster, current, report.finish, now, settings)
      : [];
  });
  return { ...reaction, changes: [...reaction.changes, ...ends] };
}

function cancelInMemoryOnly(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  if (event.kind !== "cancel") return reaction;
  const isWritten = (change: Change): boolean =>
    change.kind !== "attempt-changed" &&
    !(change.kind === "run-changed" && change.row.cancelRequested) &&
    !(change.kind === "history" && change.what === "cancel-requested");
  return { ...reaction, changes: reaction.changes.filter(isWritten) };
}

function adoptAnyway(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = react(cluster, event, now, settings);
  if (event.kind !== "hello") return reaction;
  const changes: Change[] = [...reaction.changes];
  for (const report of event.hello.attempts) {
    const current = currentAttempt(cluster, report);
    const run = cluster.runs.get(report.runId);
    if (report.phase === "finished" || !run || !current || current.fence === report.fence) continue;
    const { fence, runId, devices } = report;
    const attempt = { ...current, fence, runId, devices, node: event.hello.name };
    changes.push({ kind: "attempt-revived", attempt }, runChanged(run, { state: "running", fence }));
  }
  return { ...reaction, changes };
}

/** The attempt that the store counts for the run of a report. */
function currentAttempt(cluster: Cluster, report: AttemptReport): Attempt | undefined {
  const fence = cluster.runs.get(report.runId)?.fence;
  return fence === undefined ? undefined : cluster.attempts.get(fence);
}
