/** [P] What `exp` alone prints: what it is, the first commands to type, all the others by purpose. */
import { COMMAND_TREE, usageOf } from "./command-tree.ts";

export function rootHelp(): string {
  const width = Math.max(...COMMAND_TREE.map((line) => usageOf(line).length));
  const groups = Map.groupBy(COMMAND_TREE, ({ group }) => group);
  const lines = [
    "exp runs experiments on every GPU of a lab.",
    "",
    "  exp up --detach                 a coordinator, a bus and an agent on this machine",
    "  exp submit sweep.toml --wait    queue a sweep and watch it",
    "  exp top                         fleet, queue and runs, live",
    "  exp best last                   its leaderboard",
    "",
  ];
  for (const [group, entries] of groups) {
    lines.push(group, ...entries.map((line) => `  exp ${usageOf(line).padEnd(width)}  ${line.summary}`), "");
  }
  lines.push("Everywhere: --dir, --server, --context, -o FORMAT, --json, -q, -y, --timeout, --help.");
  lines.push(
    "exp help TOPIC explains the rest: sweep, refs, expressions, formats, env, files, exit-codes; exp help ID an error.",
  );
  return `${lines.join("\n")}\n`;
}
