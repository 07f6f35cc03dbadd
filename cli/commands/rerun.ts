/** `exp rerun`: a run once more, with its own code, as a new sweep that knows what it repeats. */
import { randomUUID } from "node:crypto";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const rerun: Command = {
  options: {
    set: { describe: "k=v: another value for a parameter, repeatable", type: "texts" },
    resume: { describe: "go on from the last checkpoint of the run", type: "flag" },
  },
  examples: [
    ["exp rerun digits.1.4", "the same once more"],
    ["exp rerun digits.1.4 --set lr=0.01", "with another value"],
    ["exp rerun digits.1.4 --resume --set epochs=20", "from where it stopped"],
  ],
  async run(session, args) {
    const ref = args.required("ref");
    const client = await session.connect();
    const request = { submitId: randomUUID(), ref, set: args.texts("set"), resume: args.flag("resume") };
    const { sweep, repeats } = await client.rerun(request);
    await session.out.single({ json: { sweep, repeats }, lines: [`${sweep}: ${repeats} once more`], name: sweep });
    session.out.next(`exp wait ${sweep}`);
    return EXIT.ok;
  },
};
