/** `exp pause`: queued runs are held until `exp resume`. What runs is not touched. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { type Command, referencesOf } from "../session.ts";

export const pause: Command = {
  examples: [["exp pause digits.1", "what waits of a sweep"]],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("pause what?", "exp pause REF...");
    const { held, running, unchanged } = await (await session.connect()).pause(refs);
    const parts = [
      `${held} held`,
      running > 0 ? `${running} go on, and are held should they come back to the queue` : "",
      unchanged > 0 ? `${unchanged} left alone (over, or held before)` : "",
    ];
    const lines = [parts.filter((part) => part !== "").join(", ")];
    await session.out.single({ json: { held, running, unchanged }, lines, name: refs.join(" ") });
    if (held > 0) session.out.next(`exp resume ${refs.join(" ")}`);
    return held + running === 0 ? EXIT.refused : EXIT.ok;
  },
};
