/** `exp logs`: a run's output, byte for byte and nothing else on stdout. */
import { Absence } from "../absence.ts";
import { EXIT } from "../exit-codes.ts";
import { pause } from "../follow.ts";
import { escapeControl } from "../render/text.ts";
import type { Command } from "../session.ts";

export const logs: Command = {
  options: {
    follow: { describe: "go on as it grows, until the run has ended", type: "flag", alias: "f" },
    lines: { describe: "only the last so many lines", alias: "n" },
    attempt: { describe: "of this attempt [the last]" },
    rank: { describe: "of this node of a run on several, from 0 [0]" },
  },
  examples: [["exp logs digits.1.4 -f", "as it is written"]],
  async run(session, args) {
    const ref = args.required("ref");
    const follow = args.flag("follow");
    const client = await session.connect();
    const stop = new AbortController();
    const undo = session.onSignal(() => stop.abort());
    const asText: Buffer[] = [];
    // Where to go on after the coordinator was away.
    const rank = args.integer("rank", 0) ?? 0;
    let place = { attempt: args.integer("attempt", 1) ?? 0, offset: 0, tailLines: args.integer("lines", 0) ?? 0 };
    const absence = new Absence(session.clock);
    let incomplete = "";
    let attempt = 0;
    try {
      if (place.tailLines === 0 && args.text("lines") !== undefined) return EXIT.ok;
      for (let ended = false; !ended && !stop.signal.aborted; ) {
        try {
          for await (const part of client.logs({ ref, follow, rank, ...place }, stop.signal)) {
            absence.end();
            attempt = part.attempt;
            incomplete = part.incomplete;
            if (session.out.isJson) asText.push(part.data);
            else await session.out.data(part.data);
            place = { attempt: place.attempt, offset: part.offset + part.data.length, tailLines: 0 };
          }
          ended = true;
        } catch (error) {
          if (!follow || attempt === 0) throw error;
          absence.bear(error);
          await pause(500, stop.signal);
        }
      }
    } finally {
      undo();
    }
    if (session.out.isJson) {
      const text = Buffer.concat(asText).toString("utf8");
      await session.out.data(`${JSON.stringify({ ref, attempt, text, incomplete })}\n`);
    } else if (incomplete !== "") session.out.note(`incomplete: ${escapeControl(incomplete)}`);
    return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
  },
};
