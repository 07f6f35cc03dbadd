/** `-w` of the lists: again whenever something changed, until interrupted. A coordinator that restarts is waited for. */
import { AppError } from "../shared/kernel/errors.ts";
import { EXIT } from "./exit-codes.ts";
import { pause } from "./follow.ts";
import type { Session } from "./session.ts";

const LOOK_EVERY_MS = 2_000;
const AWAY_MAX_MS = 120_000;

/** `look` gives the text as it is now. On a terminal it is drawn over; elsewhere it is written where it differs. */
export async function watchList(session: Session, look: () => Promise<string>): Promise<number> {
  const stop = new AbortController();
  const undo = session.onSignal(() => stop.abort());
  const { stdoutIsTty } = session.config.terminal;
  let shown: string | undefined;
  let awaySince: number | undefined;
  try {
    while (!stop.signal.aborted) {
      try {
        const text = await look();
        awaySince = undefined;
        if (text !== shown) await session.out.data(stdoutIsTty ? `\u001b[H\u001b[2J${text}` : text);
        shown = text;
      } catch (error) {
        const nowMs = session.clock.monotonicMs();
        if (!(error instanceof AppError) || error.code !== "unavailable" || shown === undefined) throw error;
        if (awaySince === undefined) session.out.note("the coordinator is away; waiting for it");
        awaySince ??= nowMs;
        if (nowMs - awaySince > AWAY_MAX_MS) throw error;
      }
      await pause(LOOK_EVERY_MS, stop.signal);
    }
  } finally {
    undo();
  }
  return EXIT.interrupted;
}
