/** What users hold, let go and put forward: pause, resume, edit. What runs is never touched. */
import type { Change } from "./changes.ts";
import { HELD_BY_USER } from "./changes.ts";
import type { Cluster } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { Event, Now } from "./events.ts";
import { history, runChanged } from "./reactor-runs.ts";

type EventOf<Kind extends Event["kind"]> = Extract<Event, { kind: Kind }>;

export function onPause(cluster: Cluster, event: EventOf<"pause">, now: Now): Reaction {
  const changes: Change[] = [];
  for (const id of new Set(event.runIds)) {
    const run = cluster.runs.get(id);
    if (!run || run.paused || run.cancelRequested) continue;
    const queued = run.state === "queued";
    const held = { state: "held", reason: HELD_BY_USER, waitsFor: undefined } as const;
    changes.push(runChanged(run, { paused: true, ...(queued && held) }));
    const text = queued ? "held by the user" : "to be held by the user when it comes back to the queue";
    changes.push(history(now, "paused", text, run));
  }
  return { changes, commands: [] };
}

/** One that was held for its crashes is let go too, and they are forgotten. */
export function onResume(cluster: Cluster, event: EventOf<"resume">, now: Now): Reaction {
  const changes: Change[] = [];
  for (const id of new Set(event.runIds)) {
    const run = cluster.runs.get(id);
    if (!run || (run.state !== "held" && !run.paused)) continue;
    const freed = run.state === "held" ? ({ state: "queued", reason: "", crashes: 0 } as const) : {};
    changes.push(runChanged(run, { paused: false, ...freed }));
    changes.push(history(now, "resumed", "let go by the user", run));
  }
  return { changes, commands: [] };
}

export function onEdit(cluster: Cluster, event: EventOf<"edit">, now: Now): Reaction {
  const changes: Change[] = [];
  for (const id of new Set(event.runIds)) {
    const run = cluster.runs.get(id);
    if (!run || run.priority === event.priority) continue;
    changes.push(runChanged(run, { priority: event.priority }));
    changes.push(history(now, "edited", `priority ${run.priority} to ${event.priority}`, run));
  }
  return { changes, commands: [] };
}
