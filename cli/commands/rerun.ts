/** `exp rerun`: a run once more, with its own code, as a new sweep that knows what it repeats. */
import { randomUUID } from "node:crypto";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const rerun: Command = {
  options: { set: { describe: "k=v: another value for a parameter, repeatable", type: "texts" } },
  examples: [
    ["exp rerun digits.1.4", "the same once more"],
    ["exp rerun digits.1.4 --set lr=0.01", "with another value"],
  ],
  async run(session, args) {
    const ref = args.required("ref");
    const client = await session.connect();
    const { sweep, repeats } = await client.rerun({ submitId: randomUUID(), ref, set: args.texts("set") });
    await session.out.single({ json: { sweep, repeats }, lines: [`${sweep}: ${repeats} once more`], name: sweep });
    session.out.next(`exp wait ${sweep}`);
    return EXIT.ok;
  },
};
