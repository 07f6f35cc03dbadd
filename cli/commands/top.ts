/** `exp top`: the fleet, the queue and the runs, live; without a terminal one look at them. */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { deviceNames } from "../render/nodes.ts";
import { runColumns } from "../render/runs.ts";
import { plural } from "../render/text.ts";
import { whyLines } from "../render/why.ts";
import type { Screen } from "../screen.ts";
import type { Command, Session } from "../session.ts";
import { keysOf } from "../top/keys.ts";
import { readLog, takePicture, watchFleet } from "../top/live-picture.ts";
import { type Action, FIRST_STATE, onKey, type Picture, type TopState } from "../top/state.ts";
import { snapshotLines, topLines } from "../top/view.ts";

/** News is drawn at most four times a second; what a key does is seen at once. */
const DRAW_EVERY_MS = 250;

export const top: Command = {
  examples: [["exp top", "? shows the keys"]],
  async run(session) {
    const { stdinIsTty, stdoutIsTty } = session.config.terminal;
    const client = await session.connect();
    const first = await takePicture(session, client);
    if (!stdinIsTty || !stdoutIsTty || session.config.format !== "table") {
      await snapshot(session, first);
      return EXIT.ok;
    }
    const screen = session.openScreen();
    try {
      return await live(session, client, screen, first);
    } finally {
      screen.close();
    }
  },
};

/** One look. Formats for lists are about the runs. */
async function snapshot(session: Session, picture: Picture): Promise<void> {
  const { nodes, queue, queueTotal, runs, nowMs } = picture;
  const { format } = session.config;
  if (format === "table" || format === "wide") {
    await session.out.data(
      snapshotLines(picture)
        .map((line) => `${line}\n`)
        .join(""),
    );
  } else if (format === "json") {
    await session.out.data(`${JSON.stringify({ nodes, queue: { total: queueTotal, runs: queue }, runs })}\n`);
  } else {
    const columns = runColumns(runs, { nowMs, metrics: [], deviceNames: deviceNames(nodes) });
    await session.out.list({ rows: runs, columns, name: ({ ref }) => ref, json: (run) => run, empty: "no runs" });
  }
}

/** Until a key or a signal ends it. */
async function live(session: Session, client: Client, screen: Screen, first: Picture): Promise<number> {
  const over = new AbortController();
  let code: number = EXIT.ok;
  let state: TopState = FIRST_STATE;
  let picture = first;
  let timer: NodeJS.Timeout | undefined;
  let drawnMs = 0;
  let reading: AbortController | undefined;

  const draw = () => {
    clearTimeout(timer);
    timer = undefined;
    drawnMs = session.clock.monotonicMs();
    if (!over.signal.aborted) screen.draw(topLines(state, picture, screen.size(), session.config.color.out));
  };
  const drawSoon = () => {
    timer ??= setTimeout(draw, Math.max(0, drawnMs + DRAW_EVERY_MS - session.clock.monotonicMs()));
  };
  const end = (with_: number) => {
    code = with_;
    over.abort();
  };
  const say = (message: string) => {
    state = { ...state, message };
    drawSoon();
  };
  const openReader = (title: string): AbortController => {
    reading?.abort();
    reading = new AbortController();
    state = { ...state, mode: "reader", reader: { title, lines: [], back: 0 } };
    return reading;
  };
  const showLines = (lines: readonly string[], of: AbortController) => {
    if (of !== reading || of.signal.aborted) return;
    // Who reads further up stays at that place while more comes.
    const { back } = state.reader;
    const grown = Math.max(0, lines.length - state.reader.lines.length);
    state = { ...state, reader: { ...state.reader, lines, back: back === 0 ? 0 : back + grown } };
    drawSoon();
  };

  const carryOut = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case "quit":
        return end(EXIT.ok);
      case "interrupt":
        return end(EXIT.interrupted);
      case "close":
        reading?.abort();
        return;
      case "logs": {
        const of = openReader(`logs of ${action.ref}`);
        return readLog(client, action.ref, AbortSignal.any([of.signal, over.signal]), (lines) => showLines(lines, of));
      }
      case "why": {
        const of = openReader(`why ${action.ref}`);
        const answer = await client.why(action.ref);
        if (answer.run) showLines(whyLines(runFromProto(answer.run), answer, session.clock.wallMs()), of);
        return;
      }
      case "cancel": {
        const { cancelled, stopping } = await client.cancel([action.ref]);
        return say(cancelled + stopping > 0 ? `${action.ref} is being cancelled` : `${action.ref} had ended before`);
      }
      case "retry": {
        const { requeued } = await client.retry([action.ref], false);
        return say(requeued > 0 ? `${plural(requeued, "run")} queued again` : `${action.ref} is live or succeeded`);
      }
    }
  };

  const undo = session.onSignal(() => end(EXIT.interrupted));
  screen.onResize(draw);
  screen.onInput((text) => {
    for (const key of keysOf(text)) {
      const { rows } = screen.size();
      const next = onKey(state, key, picture, Math.max(1, rows - 4));
      state = next.state;
      if (next.action) carryOut(next.action).catch((error: unknown) => say(sentence(error)));
    }
    draw();
  });
  draw();
  try {
    await watchFleet(session, client, first, over.signal, (next) => {
      picture = next;
      drawSoon();
    });
  } finally {
    over.abort();
    clearTimeout(timer);
    undo();
  }
  return code;
}

function sentence(error: unknown): string {
  return error instanceof AppError && error.hint !== undefined
    ? `${error.message}; ${error.hint}`
    : errorMessage(error);
}
