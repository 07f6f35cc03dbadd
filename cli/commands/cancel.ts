/** `exp cancel`: stop runs and take queued ones out. Many at once are asked about. */
import { LIVE_STATES } from "../../shared/run/states.ts";
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { type Command, confirm, referencesOf } from "../session.ts";

const ASK_ABOVE = 20;

export const cancel: Command = {
  examples: [["exp cancel digits.1.3-5", "three runs"]],
  async run(session, args) {
    const refs = await referencesOf(session, args, "refs");
    if (refs.length === 0) throw usage("cancel what?", "exp cancel REF...");
    const client = await session.connect();
    if (!session.config.yes) {
      const live = (await client.listRuns({ refs, states: LIVE_STATES, limit: 0 })).length;
      const question = `cancel ${plural(live, "run")}?`;
      if (live > ASK_ABOVE && !(await confirm(session, question, `${live} runs would be cancelled`))) {
        session.out.note("nothing was cancelled");
        return EXIT.refused;
      }
    }
    const response = await client.cancel(refs);
    const { cancelled, stopping, unchanged } = response;
    const parts = [
      cancelled > 0 ? `${cancelled} cancelled` : "",
      stopping > 0 ? `${stopping} stopping` : "",
      unchanged > 0 ? `${unchanged} had ended before` : "",
    ];
    const line = parts.filter((part) => part !== "").join(", ");
    await session.out.single({ json: { cancelled, stopping, unchanged }, lines: [line], name: refs.join(" ") });
    if (stopping > 0) session.out.next(`exp wait ${refs.join(" ")} --for terminal`);
    return cancelled + stopping === 0 ? EXIT.refused : EXIT.ok;
  },
};
