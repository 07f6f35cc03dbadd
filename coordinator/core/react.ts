/**
 * The core's one door: an event and the cluster as it is give changes and commands. Pure: no I/O, no clock, no
 * randomness; the cluster is only read. A repeated event gives nothing new.
 */
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Cluster } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { Event, Now } from "./events.ts";
import { onImport } from "./imported.ts";
import { onApply } from "./reactor-apply.ts";
import { onAccepted, onFinished, onRejected, onSealed, onStarted } from "./reactor-attempts.ts";
import { withGangs } from "./reactor-gang.ts";
import { onHello } from "./reactor-hello.ts";
import { onEdit, onPause, onResume } from "./reactor-hold.ts";
import { onDevices, onDisconnected, onHeartbeat, onNodeAction, onNodeNoted, onTick } from "./reactor-nodes.ts";
import { onCancel, onRetry, onSchedule, onSubmit, onSubmitStaged } from "./reactor-runs.ts";
import { withSameWork } from "./same-work.ts";
import type { CoreSettings } from "./settings.ts";
import { withSweepLimits } from "./sweep-limits.ts";

export function react(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  const reaction = withGangs(cluster, reactionTo(cluster, event, now, settings), now, settings);
  return signed(withSweepLimits(cluster, withSameWork(cluster, reaction, now), event, now), event);
}

/** What was asked for has who asked in its history. */
function signed(reaction: Reaction, event: Event): Reaction {
  const by = "by" in event ? event.by : undefined;
  if (!by) return reaction;
  return { ...reaction, changes: reaction.changes.map((each) => (each.kind === "history" ? { ...each, by } : each)) };
}

function reactionTo(cluster: Cluster, event: Event, now: Now, settings: CoreSettings): Reaction {
  switch (event.kind) {
    case "submit":
      return onSubmit(cluster, event, now);
    case "import":
      return onImport(cluster, event, now);
    case "submit-staged":
      return onSubmitStaged(cluster, event, now);
    case "apply":
      return onApply(cluster, event, now);
    case "cancel":
      return onCancel(cluster, event, now);
    case "retry":
      return onRetry(cluster, event, now);
    case "pause":
      return onPause(cluster, event, now);
    case "resume":
      return onResume(cluster, event, now);
    case "edit":
      return onEdit(cluster, event, now);
    case "schedule":
      return onSchedule(cluster, now, settings);
    case "hello":
      return onHello(cluster, event, now, settings);
    case "disconnected":
      return onDisconnected(cluster, event, now);
    case "heartbeat":
      return onHeartbeat(cluster, event, now);
    case "devices":
      return onDevices(cluster, event, now);
    case "node-action":
      return onNodeAction(cluster, event, now);
    case "node-noted":
      return onNodeNoted(event, now);
    case "tick":
      return onTick(cluster, now, settings);
    case "accepted":
      return onAccepted(cluster, event);
    case "rejected":
      return onRejected(cluster, event, now, settings);
    case "started":
      return onStarted(cluster, event, now);
    case "finished":
      return onFinished(cluster, event, now, settings);
    case "sealed":
      return onSealed(event);
    case "stop-sweep":
      return { changes: [], commands: [] };
    default:
      return unreachable(event);
  }
}
