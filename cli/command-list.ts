/** Where each command of the tree is carried out: a module of its own, loaded when it is asked for. */
import type { CommandName } from "./command-tree.ts";
import type { Command } from "./session.ts";

export const LOADERS: { readonly [name in CommandName]: () => Promise<Command> } = {
  up: async () => (await import("./commands/up.ts")).up,
  down: async () => (await import("./commands/down.ts")).down,
  plan: async () => (await import("./commands/plan.ts")).plan,
  submit: async () => (await import("./commands/submit.ts")).submit,
  import: async () => (await import("./commands/import.ts")).importRuns,
  ls: async () => (await import("./commands/ls.ts")).ls,
  sweeps: async () => (await import("./commands/sweeps.ts")).sweeps,
  show: async () => (await import("./commands/show.ts")).show,
  logs: async () => (await import("./commands/logs.ts")).logs,
  metrics: async () => (await import("./commands/metrics.ts")).metrics,
  best: async () => (await import("./commands/best.ts")).best,
  why: async () => (await import("./commands/why.ts")).why,
  wait: async () => (await import("./commands/wait.ts")).wait,
  cancel: async () => (await import("./commands/cancel.ts")).cancel,
  retry: async () => (await import("./commands/retry.ts")).retry,
  nodes: async () => (await import("./commands/nodes.ts")).nodes,
  gpus: async () => (await import("./commands/gpus.ts")).gpus,
  cordon: async () => (await import("./commands/node-actions.ts")).cordon,
  uncordon: async () => (await import("./commands/node-actions.ts")).uncordon,
  drain: async () => (await import("./commands/node-actions.ts")).drain,
  login: async () => (await import("./commands/login.ts")).login,
  context: async () => (await import("./commands/context.ts")).context,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  completion: async () => (await import("./commands/completion.ts")).completion,
  version: async () => (await import("./commands/version.ts")).version,
  help: async () => (await import("./commands/help.ts")).help,
};
