/** `exp version`. */
import { VERSION } from "../../shared/version.ts";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const version: Command = {
  async run(session) {
    await session.out.single({ json: { version: VERSION, node: process.version }, lines: [VERSION], name: VERSION });
    return EXIT.ok;
  },
};
