/** The command tree: names, what they are for, and where their module is. */
import type { Command } from "./session.ts";

export interface CommandEntry {
  /** As yargs reads it: "ls [refs..]". */
  readonly usage: string;
  readonly summary: string;
  readonly group: "LOCAL" | "SUBMIT" | "LOOK" | "CHANGE" | "FLEET" | "SET-UP";
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    usage: "up [file]",
    summary: "coordinator, bus and agent on this machine",
    group: "LOCAL",
    load: async () => (await import("./commands/up.ts")).up,
  },
  {
    usage: "down",
    summary: "stop the local stack",
    group: "LOCAL",
    load: async () => (await import("./commands/down.ts")).down,
  },
  {
    usage: "plan <file>",
    summary: "expand and check a sweep; changes nothing",
    group: "SUBMIT",
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    usage: "submit [file]",
    summary: "queue a sweep, or one run: exp submit -- CMD...",
    group: "SUBMIT",
    load: async () => (await import("./commands/submit.ts")).submit,
  },
  {
    usage: "ls [refs..]",
    summary: "runs",
    group: "LOOK",
    load: async () => (await import("./commands/ls.ts")).ls,
  },
  {
    usage: "sweeps [refs..]",
    summary: "sweeps with their progress",
    group: "LOOK",
    load: async () => (await import("./commands/sweeps.ts")).sweeps,
  },
  {
    usage: "show <ref>",
    summary: "one run or sweep: parameters, attempts, what happened",
    group: "LOOK",
    load: async () => (await import("./commands/show.ts")).show,
  },
  {
    usage: "logs <ref>",
    summary: "output of a run, byte for byte",
    group: "LOOK",
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    usage: "metrics <ref> [keys..]",
    summary: "last values, or the series",
    group: "LOOK",
    load: async () => (await import("./commands/metrics.ts")).metrics,
  },
  {
    usage: "best <sweep>",
    summary: "leaderboard of a sweep",
    group: "LOOK",
    load: async () => (await import("./commands/best.ts")).best,
  },
  {
    usage: "why <ref>",
    summary: "why a run is where it is",
    group: "LOOK",
    load: async () => (await import("./commands/why.ts")).why,
  },
  {
    usage: "wait <refs..>",
    summary: "until runs have ended; exit 1 when one failed",
    group: "LOOK",
    load: async () => (await import("./commands/wait.ts")).wait,
  },
  {
    usage: "cancel <refs..>",
    summary: "stop runs, take queued ones out",
    group: "CHANGE",
    load: async () => (await import("./commands/cancel.ts")).cancel,
  },
  {
    usage: "retry <refs..>",
    summary: "queue failed and cancelled runs again",
    group: "CHANGE",
    load: async () => (await import("./commands/retry.ts")).retry,
  },
  {
    usage: "nodes",
    summary: "machines",
    group: "FLEET",
    load: async () => (await import("./commands/nodes.ts")).nodes,
  },
  {
    usage: "gpus",
    summary: "devices, one a line, with who holds them",
    group: "FLEET",
    load: async () => (await import("./commands/gpus.ts")).gpus,
  },
  {
    usage: "cordon <nodes..>",
    summary: "no new work for a node",
    group: "FLEET",
    load: async () => (await import("./commands/node-actions.ts")).cordon,
  },
  {
    usage: "uncordon <nodes..>",
    summary: "work for it again",
    group: "FLEET",
    load: async () => (await import("./commands/node-actions.ts")).uncordon,
  },
  {
    usage: "drain <nodes..>",
    summary: "no new work; what runs may end",
    group: "FLEET",
    load: async () => (await import("./commands/node-actions.ts")).drain,
  },
  {
    usage: "login <address>",
    summary: "remember a coordinator",
    group: "SET-UP",
    load: async () => (await import("./commands/login.ts")).login,
  },
  {
    usage: "context <action> [name]",
    summary: "ls, use or rm remembered coordinators",
    group: "SET-UP",
    load: async () => (await import("./commands/context.ts")).context,
  },
  {
    usage: "doctor",
    summary: "check client, coordinator, bus, nodes; exit 1 when red",
    group: "SET-UP",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "completion <shell>",
    summary: "print completion for bash, zsh or fish",
    group: "SET-UP",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  {
    usage: "version",
    summary: "print the version",
    group: "SET-UP",
    load: async () => (await import("./commands/version.ts")).version,
  },
  {
    usage: "help [topic]",
    summary: "this, or one of: refs, env, exit-codes",
    group: "SET-UP",
    load: async () => (await import("./commands/help.ts")).help,
  },
];

/** "ls" of "ls [refs..]" */
export function commandName(entry: CommandEntry): string {
  return entry.usage.split(" ")[0] ?? "";
}
