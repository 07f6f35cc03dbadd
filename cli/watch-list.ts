/** `-w` of the lists: again whenever something changed, until interrupted. A coordinator that restarts is waited for. */
import { Absence } from "./absence.ts";
import { EXIT } from "./exit-codes.ts";
import { pause } from "./follow.ts";
import type { Listing } from "./output.ts";
import type { Session } from "./session.ts";

const LOOK_EVERY_MS = 2_000;

/** The list as it is, or with `-w` again and again. */
export async function showList<Row>(
  session: Session,
  isWatched: boolean,
  look: () => Promise<Listing<Row>>,
): Promise<number> {
  if (isWatched) return watchList(session, async () => session.out.listText(await look()));
  await session.out.list(await look());
  return EXIT.ok;
}

/** `look` gives the text as it is now. On a terminal it is drawn over; elsewhere it is written where it differs. */
export async function watchList(session: Session, look: () => Promise<string>): Promise<number> {
  const stop = new AbortController();
  const undo = session.onSignal(() => stop.abort());
  const { stdoutIsTty } = session.config.terminal;
  let shown: string | undefined;
  const absence = new Absence(session.clock);
  try {
    while (!stop.signal.aborted) {
      try {
        const text = await look();
        absence.end();
        if (text !== shown) await session.out.data(stdoutIsTty ? `\u001b[H\u001b[2J${text}` : text);
        shown = text;
      } catch (error) {
        if (shown === undefined) throw error;
        if (absence.bear(error)) session.out.note("the coordinator is away; waiting for it");
      }
      await pause(LOOK_EVERY_MS, stop.signal);
    }
  } finally {
    undo();
  }
  return EXIT.interrupted;
}
