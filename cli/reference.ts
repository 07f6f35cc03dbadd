/** The reference of `exp` as Markdown, from what the commands say of themselves: docs/cli.md. */
import { LOADERS } from "./command-list.ts";
import { COMMAND_TREE, usageOf } from "./command-tree.ts";
import { ERROR_HELP } from "./error-help.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import { TOPICS } from "./help-topics.ts";
import type { Option } from "./session.ts";

/** Said under several names: written once. */
const ALIASES: ReadonlySet<string> = new Set(["references", "selectors"]);

export async function cliReference(): Promise<string> {
  const parts = [
    "# exp, command by command",
    "Made by `node scripts/cli-docs.ts` from the program itself: `exp COMMAND --help` says the same.",
  ];
  for (const [group, lines] of Map.groupBy(COMMAND_TREE, (line) => line.group)) {
    parts.push(`## ${group[0]}${group.slice(1).toLowerCase()}`);
    for (const line of lines) {
      const { options = {}, examples = [] } = await LOADERS[line.name]();
      parts.push(`### exp ${line.name}`, `    exp ${usageOf(line)}`, `${sentence(line.summary)}`);
      const table = optionTable(options);
      if (table !== "") parts.push(table);
      if (examples.length > 0) {
        parts.push(["```sh", ...examples.map(([command, what]) => `${command}   # ${what}`), "```"].join("\n"));
      }
    }
  }
  parts.push("## Options of every command", optionTable(GLOBAL_OPTIONS));
  for (const [topic, text] of TOPICS) {
    if (!ALIASES.has(topic)) parts.push(`## exp help ${topic}`, ["```text", text.trimEnd(), "```"].join("\n"));
  }
  parts.push("## Errors", "`exp help ID` explains the word in the brackets of an error.");
  const rows = Object.entries(ERROR_HELP).map(
    ([id, { meaning, remedy }]) => `| \`${id}\` | ${cell(meaning)} | ${cell(remedy)} |`,
  );
  parts.push(["| Id | Meaning | What to do |", "| --- | --- | --- |", ...rows].join("\n"));
  return `${parts.join("\n\n")}\n`;
}

function optionTable(options: { readonly [name: string]: Option }): string {
  const rows = Object.entries(options)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { alias, describe, type }]) => {
      const short = alias === undefined ? "" : `, \`-${alias}\``;
      return `| \`--${name}${type === "flag" ? "" : " …"}\`${short} | ${cell(describe)} |`;
    });
  return rows.length === 0 ? "" : ["| Option | |", "| --- | --- |", ...rows].join("\n");
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "\\<");
const sentence = (text: string) => `${(text[0] ?? "").toUpperCase()}${text.slice(1)}.`;
