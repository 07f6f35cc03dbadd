/** `exp help`: all commands, a topic, or what an error id means. `exp help COMMAND` is its --help. */
import { nearest } from "../../shared/kernel/nearest.ts";
import { usage } from "../args.ts";
import { COMMAND_TREE } from "../command-tree.ts";
import { ERROR_HELP, errorHelpText } from "../error-help.ts";
import { EXIT } from "../exit-codes.ts";
import { TOPICS } from "../help-topics.ts";
import { rootHelp } from "../root-help.ts";
import type { Command } from "../session.ts";

export const help: Command = {
  examples: [
    ["exp help expressions", "a topic"],
    ["exp help ref.unknown", "what an error means, by the word in its brackets"],
  ],
  async run(session, args) {
    const topic = args.text("topic");
    const text = topic === undefined ? rootHelp() : (TOPICS.get(topic) ?? errorHelpText(topic));
    if (text === undefined) throw unknown(topic ?? "");
    await session.out.data(text);
    return EXIT.ok;
  },
};

function unknown(topic: string) {
  const names = [...TOPICS.keys(), ...COMMAND_TREE.map(({ name }) => name), ...Object.keys(ERROR_HELP)];
  const near = nearest(topic, names, 3);
  const guess = near.length > 0 ? `did you mean ${near.join(", ")}? ` : "";
  return usage(
    `no help on "${topic}"`,
    `${guess}topics: ${[...TOPICS.keys()].join(", ")}; or a command, or an error id`,
  );
}
