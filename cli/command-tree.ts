/** [P] The command tree: names, words, what they are for. Who carries them out is in command-list.ts. */

export interface CommandLine {
  readonly name: string;
  /** Positional words as yargs reads them: "[refs..]". */
  readonly words: string;
  readonly summary: string;
  readonly group: "LOCAL" | "SUBMIT" | "LOOK" | "CHANGE" | "FLEET" | "SET-UP";
}

export const COMMAND_TREE = [
  { name: "up", words: "[file]", summary: "coordinator, bus and agent on this machine", group: "LOCAL" },
  { name: "down", words: "", summary: "stop the local stack", group: "LOCAL" },
  { name: "init", words: "[directory]", summary: "write a commented sweep.toml to begin with", group: "SUBMIT" },
  { name: "plan", words: "<file>", summary: "expand and check a sweep; changes nothing", group: "SUBMIT" },
  { name: "submit", words: "[file]", summary: "queue a sweep, or one run: exp submit -- CMD...", group: "SUBMIT" },
  { name: "apply", words: "<file>", summary: "give an edited file to the sweep that came from it", group: "SUBMIT" },
  { name: "import", words: "<tool> <path>", summary: "take over runs of exp, ztxexp or tensorboard", group: "SUBMIT" },
  { name: "convert", words: "<file>", summary: "sweep file of W&B, Determined, Guild or EXP as ours", group: "SUBMIT" },
  { name: "schema", words: "", summary: "print the JSON Schema of sweep files, for editors", group: "SUBMIT" },
  { name: "top", words: "", summary: "fleet, queue and runs, live; ? shows the keys", group: "LOOK" },
  { name: "ls", words: "[refs..]", summary: "runs", group: "LOOK" },
  { name: "sweeps", words: "[refs..]", summary: "sweeps with their progress", group: "LOOK" },
  { name: "show", words: "<ref>", summary: "one run or sweep: parameters, attempts, what happened", group: "LOOK" },
  { name: "diff", words: "<left> <right>", summary: "what is different between two runs", group: "LOOK" },
  { name: "code", words: "<ref>", summary: "the code that a run started from, in a new directory", group: "LOOK" },
  { name: "logs", words: "<ref>", summary: "output of a run, byte for byte", group: "LOOK" },
  { name: "metrics", words: "<ref> [keys..]", summary: "last values, or the series", group: "LOOK" },
  { name: "best", words: "<sweep>", summary: "leaderboard of a sweep", group: "LOOK" },
  { name: "pivot", words: "<ref>", summary: "a metric over two parameters, with ranks", group: "LOOK" },
  { name: "export", words: "[refs..]", summary: "runs as csv, jsonl, xlsx, parquet, or as directories", group: "LOOK" },
  {
    name: "pull",
    words: "<ref> [pattern]",
    summary: "fetch files that runs keep: artifacts, checkpoints",
    group: "LOOK",
  },
  { name: "why", words: "<ref>", summary: "why a run is where it is", group: "LOOK" },
  { name: "events", words: "", summary: "what happened; -f goes on", group: "LOOK" },
  { name: "open", words: "[ref]", summary: "the dashboard in the browser", group: "LOOK" },
  { name: "wait", words: "<refs..>", summary: "until runs have ended; exit 1 when one failed", group: "LOOK" },
  { name: "cancel", words: "<refs..>", summary: "stop runs, take queued ones out", group: "CHANGE" },
  { name: "rerun", words: "<ref>", summary: "a run once more, with its own code", group: "CHANGE" },
  { name: "retry", words: "<refs..>", summary: "queue failed and cancelled runs again", group: "CHANGE" },
  { name: "pause", words: "<refs..>", summary: "hold queued runs; what runs goes on", group: "CHANGE" },
  { name: "resume", words: "<refs..>", summary: "let held runs go", group: "CHANGE" },
  { name: "edit", words: "<refs..>", summary: "change priority, tags, note or mark of runs", group: "CHANGE" },
  { name: "prune", words: "[refs..]", summary: "remove results of old runs; shows first what goes", group: "CHANGE" },
  { name: "nodes", words: "", summary: "machines", group: "FLEET" },
  { name: "gpus", words: "", summary: "devices, one a line, with who holds them", group: "FLEET" },
  { name: "cordon", words: "<nodes..>", summary: "no new work for a node", group: "FLEET" },
  { name: "uncordon", words: "<nodes..>", summary: "work for it again", group: "FLEET" },
  { name: "drain", words: "<nodes..>", summary: "no new work; what runs may end", group: "FLEET" },
  { name: "login", words: "<address>", summary: "remember a coordinator", group: "SET-UP" },
  { name: "context", words: "<action> [name]", summary: "ls, use or rm remembered coordinators", group: "SET-UP" },
  { name: "token", words: "<action> [name]", summary: "create, join, ls or revoke tokens for others", group: "SET-UP" },
  { name: "doctor", words: "", summary: "check client, coordinator, bus, nodes; exit 1 when red", group: "SET-UP" },
  { name: "completion", words: "<shell>", summary: "print completion for bash, zsh or fish", group: "SET-UP" },
  { name: "version", words: "", summary: "print the version", group: "SET-UP" },
  { name: "help", words: "[topic]", summary: "this, a topic, a command, or an error id", group: "SET-UP" },
] as const satisfies readonly CommandLine[];

export type CommandName = (typeof COMMAND_TREE)[number]["name"];

/** "ls [refs..]" */
export function usageOf({ name, words }: CommandLine): string {
  return words === "" ? name : `${name} ${words}`;
}
