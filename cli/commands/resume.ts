/** `exp resume`: held runs go back to the queue, whatever held them. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { type Command, referencesOf } from "../session.ts";

export const resume: Command = {
  examples: [["exp resume digits.1", "what is held of a sweep"]],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("resume what?", "exp resume REF...");
    const { queued, unchanged } = await (await session.connect()).resume(refs);
    const rest = unchanged > 0 ? `, ${unchanged} left alone (not held)` : "";
    const lines = [`${plural(queued, "run")} let go${rest}`];
    await session.out.single({ json: { queued, unchanged }, lines, name: refs.join(" ") });
    if (queued > 0) session.out.next(`exp wait ${refs.join(" ")}`);
    return queued === 0 ? EXIT.refused : EXIT.ok;
  },
};
