/** `exp edit`: another priority for runs that are not over. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { type Command, referencesOf } from "../session.ts";

export const edit: Command = {
  options: { priority: { describe: "higher goes first" } },
  examples: [["exp edit digits.1.3-5 --priority 10", "three runs before the others"]],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("edit what?", "exp edit REF... --priority N");
    const priority = args.integer("priority", Number.MIN_SAFE_INTEGER);
    if (priority === undefined) throw usage("what is to be changed?", "exp edit REF... --priority N");
    const { changed, unchanged } = await (await session.connect()).edit({ refs, priority });
    const rest = unchanged > 0 ? `, ${unchanged} left alone (over, or so before)` : "";
    const lines = [`${plural(changed, "run")} changed${rest}`];
    await session.out.single({ json: { changed, unchanged }, lines, name: refs.join(" ") });
    return changed === 0 ? EXIT.refused : EXIT.ok;
  },
};
