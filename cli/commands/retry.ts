/** `exp retry`: failed and cancelled runs go back to the queue. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { type Command, referencesOf } from "../session.ts";

export const retry: Command = {
  options: {
    "failed-only": { describe: "only runs that failed, not cancelled, skipped or held ones", type: "flag" },
  },
  examples: [["exp retry digits.1 --failed-only", "fill the holes of a sweep"]],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("retry what?", "exp retry REF...");
    const { requeued, unchanged } = await (await session.connect()).retry(refs, args.flag("failed-only"));
    const rest = unchanged > 0 ? `, ${unchanged} left alone (live or succeeded)` : "";
    const line = `${plural(requeued, "run")} queued again${rest}`;
    await session.out.single({ json: { requeued, unchanged }, lines: [line], name: refs.join(" ") });
    if (requeued > 0) session.out.next(`exp wait ${refs.join(" ")}`);
    return requeued === 0 ? EXIT.refused : EXIT.ok;
  },
};
