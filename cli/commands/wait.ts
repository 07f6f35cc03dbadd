/** `exp wait`: until runs have ended. */
import { EXIT } from "../exit-codes.ts";
import { followRuns } from "../follow.ts";
import { countsText } from "../render/runs.ts";
import { plural } from "../render/text.ts";
import { type Command, referencesOf } from "../session.ts";
import { finish } from "./submit.ts";

export const wait: Command = {
  options: { for: { describe: "succeeded: exit 1 when one did not; terminal: any end will do [succeeded]" } },
  examples: [["exp wait digits.1 --timeout 2h", "until all have ended, two hours at most"]],
  async run(session, args) {
    const wanted = args.choice("for", ["succeeded", "terminal"] as const) ?? "succeeded";
    const refs = await referencesOf(session, args, "refs");
    const title = refs.length === 1 ? (refs[0] ?? "") : plural(refs.length, "reference");
    const followed = await followRuns(session, await session.connect(), refs, title);
    const { total, counts, done } = followed;
    const lines = done ? [`${plural(total, "run")}: ${countsText(counts)}`] : [];
    await session.out.single({ json: { total, counts, done }, lines, name: refs.join(" ") });
    const code = finish(session, refs.join(" "), followed);
    return code === EXIT.workFailed && wanted === "terminal" ? EXIT.ok : code;
  },
};
