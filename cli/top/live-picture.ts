/** The fleet as `exp top` shows it, asked for again whenever something happened. */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import { TERMINAL_STATES } from "../../shared/run/states.ts";
import { nodeFromProto, runFromProto, runStateFromProto } from "../../shared/wire/views.ts";
import type { Client } from "../client.ts";
import { pause } from "../follow.ts";
import type { Session } from "../session.ts";
import type { Picture } from "./state.ts";

const RUNS_MAX = 300;
const ENDED_MAX = 50;
const ENDED_SHOWN_MS = 3_600_000;
const QUEUE_MAX = 200;
/** At most four times a second, and now and then although nobody said that anything happened. */
const LOOK_EVERY_MS = 250;
const LOOK_AT_LATEST_MS = 2_000;

/** Throws AppError. */
export async function takePicture(session: Session, client: Client): Promise<Picture> {
  const { address } = await session.locate();
  const [nodes, queue, active, ended] = await Promise.all([
    client.listNodes(),
    client.listQueue(QUEUE_MAX),
    client.listRuns({ states: ["running", "assigned", "unknown"], limit: RUNS_MAX }),
    client.listRuns({ states: TERMINAL_STATES, limit: ENDED_MAX }),
  ]);
  const nowMs = session.clock.wallMs();
  const recent = ended
    .filter(({ finishedAt }) => finishedAt >= nowMs - ENDED_SHOWN_MS)
    .sort((a, b) => b.finishedAt - a.finishedAt);
  // A run may end between two answers: the later word counts.
  const known = new Set(recent.map(({ id }) => id));
  return {
    server: address,
    nowMs,
    nodes: nodes.map(nodeFromProto),
    queue: queue.runs.map((run) => ({ ...run, state: runStateFromProto(run.state) })),
    queueTotal: queue.total,
    runs: [...active.filter(({ id }) => !known.has(id)), ...recent].map(runFromProto),
    stale: "",
  };
}

/** Gives pictures after the first until `signal` aborts. While the coordinator is away it gives the last one, marked. Throws other AppErrors. */
export async function watchFleet(
  session: Session,
  client: Client,
  first: Picture,
  signal: AbortSignal,
  show: (picture: Picture) => void,
): Promise<void> {
  let happened = false;
  let wake: (() => void) | undefined;
  const pulse = listen(client, signal, () => {
    happened = true;
    wake?.();
  });
  let last = first;
  while (!signal.aborted) {
    happened = false;
    try {
      last = await takePicture(session, client);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "unavailable") throw error;
      last = { ...last, stale: "the coordinator is away; this was the last word" };
    }
    if (!signal.aborted) show(last);
    await pause(LOOK_EVERY_MS, signal);
    if (happened) continue;
    const early = new AbortController();
    wake = () => early.abort();
    await pause(LOOK_AT_LATEST_MS - LOOK_EVERY_MS, AbortSignal.any([signal, early.signal]));
    wake = undefined;
  }
  await pulse;
}

/** Says that something happened; never fails, as looking now and then does without it. */
async function listen(client: Client, signal: AbortSignal, tell: () => void): Promise<void> {
  const request = { ref: "", node: "", kinds: [], since: 0, limit: 1, follow: true, after: 0 };
  while (!signal.aborted) {
    try {
      for await (const _ of client.events(request, signal)) tell();
    } catch {
      // The next look says why, where it matters.
    }
    await pause(LOOK_AT_LATEST_MS, signal);
  }
}

/** The output of a run as lines, from near its end, as it comes. Ends with the run or with `signal`. */
export async function readLog(
  client: Client,
  ref: string,
  signal: AbortSignal,
  show: (lines: readonly string[]) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let lines: string[] = [];
  try {
    const request = { ref, follow: true, attempt: 0, rank: 0, offset: 0, tailLines: LOG_LINES_MAX };
    for await (const part of client.logs(request, signal)) {
      const [first = "", ...rest] = decoder.decode(part.data, { stream: true }).split("\n");
      lines.push((lines.pop() ?? "") + first, ...rest);
      if (lines.length > LOG_LINES_MAX) lines = lines.slice(-LOG_LINES_MAX);
      show(lines.map(lastDrawn));
    }
  } catch (error) {
    if (!signal.aborted) show([...lines.map(lastDrawn), `(${errorMessage(error)})`]);
  }
}

const LOG_LINES_MAX = 5_000;

/** A progress bar draws over its line: what it drew last is what one would see. */
function lastDrawn(line: string): string {
  return line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
}
