/** `exp edit`: another priority for runs that are not over; tags, a note and a mark for any. */
import type { EditRequest } from "../../proto/gen/runner/v1/control.ts";
import { type Args, usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { type Command, referencesOf } from "../session.ts";

const USAGE = "exp edit REF... --priority N | --tag +x,-y | --note TEXT | --favourite";

export const edit: Command = {
  options: {
    priority: { describe: "higher goes first; of runs that are not over" },
    tag: { describe: "+x,-y: tags to add and to remove, repeatable", type: "texts" },
    note: { describe: 'text to keep with the runs; "" removes it' },
    favourite: { describe: "mark them", type: "flag" },
    "no-favourite": { describe: "take the mark away", type: "flag" },
  },
  examples: [
    ["exp edit digits.1.3-5 --priority 10", "three runs before the others"],
    ['exp edit digits.1.4 --tag +paper,-draft --note "table 2"', "what to find it by"],
  ],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("edit what?", USAGE);
    const request = requestOf(args);
    const { changed, unchanged } = await (await session.connect()).edit({ refs, ...request });
    const rest = unchanged > 0 ? `, ${unchanged} left alone (over, or so before)` : "";
    const lines = [`${plural(changed, "run")} changed${rest}`];
    await session.out.single({ json: { changed, unchanged }, lines, name: refs.join(" ") });
    return changed === 0 ? EXIT.refused : EXIT.ok;
  },
};

function requestOf(args: Args): Partial<EditRequest> {
  const priority = args.integer("priority", Number.MIN_SAFE_INTEGER);
  const words = args.texts("tag").flatMap((text) => text.split(",").filter((word) => word !== ""));
  const removed = words.filter((word) => word.startsWith("-")).map((word) => word.slice(1));
  const added = words.filter((word) => !word.startsWith("-")).map((word) => word.replace(/^\+/, ""));
  const note = args.text("note");
  const mark = favouriteOf(args);
  if (priority === undefined && words.length === 0 && note === undefined && mark === undefined) {
    throw usage("what is to be changed?", USAGE);
  }
  return { priority, addTags: added, removeTags: removed, note, favourite: mark };
}

function favouriteOf(args: Args): boolean | undefined {
  const [yes, no] = [args.flag("favourite"), args.flag("no-favourite")];
  if (yes && no) throw usage("--favourite and --no-favourite at once");
  return yes || no ? yes : undefined;
}
