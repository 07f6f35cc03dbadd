/** `exp events`: what happened, the oldest first, and on request what happens from now on. */

import type { Event } from "../../proto/gen/runner/v1/control.ts";
import { HISTORY_KINDS } from "../../shared/run/history-kinds.ts";
import { Absence } from "../absence.ts";
import { type Args, usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { pause } from "../follow.ts";
import type { Listing } from "../output.ts";
import { clockText } from "../render/time.ts";
import { whatOf } from "../render/what.ts";
import type { Command, Session } from "../session.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 100_000;

interface EventView {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly run: string | null;
  readonly node: string | null;
  readonly text: string;
  readonly by: string | null;
}

export const events: Command = {
  options: {
    follow: { describe: "go on as more happens", type: "flag", alias: "f" },
    since: { describe: "not older than this: a duration such as 2h, or a time such as 2026-01-31T12:00Z" },
    run: { describe: "about these runs: a run, or a whole sweep" },
    node: { describe: "about this node" },
    kind: { describe: "only this kind, repeatable", type: "texts", values: HISTORY_KINDS },
    limit: { describe: `the newest so many [${LIMIT_DEFAULT}; with --since all of them]`, alias: "n" },
  },
  examples: [
    ["exp events --since 1h --node gpu-01", "what happened on a machine"],
    ["exp events -f --run digits.1", "a sweep, as it happens"],
  ],
  async run(session, args) {
    const since = sinceOf(args, session.clock.wallMs());
    const request = {
      ref: args.text("run") ?? "",
      node: args.text("node") ?? "",
      kinds: args.texts("kind").flatMap((text) => text.split(",")),
      since,
      limit: args.integer("limit", 1) ?? (since > 0 ? LIMIT_MAX : LIMIT_DEFAULT),
      follow: args.flag("follow"),
      after: 0,
    };
    if (request.follow) return follow(session, request);
    const client = await session.connect();
    const found: Event[] = [];
    for await (const part of client.events(request)) found.push(...part.events);
    await session.out.list(listing(found.map(viewOf)));
    return EXIT.ok;
  },
};

type Request = Parameters<Awaited<ReturnType<Session["connect"]>>["events"]>[0];

/** One line an event, as it comes; a coordinator that restarts is waited for. */
async function follow(session: Session, first: Request): Promise<number> {
  if (session.config.format === "json") throw usage("-f has no end, so no JSON value", "-o jsonl gives one an event");
  const client = await session.connect();
  const stop = new AbortController();
  const undo = session.onSignal(() => stop.abort());
  let request = first;
  let titles = true;
  const absence = new Absence(session.clock);
  try {
    while (!stop.signal.aborted) {
      try {
        for await (const part of client.events(request, stop.signal)) {
          absence.end();
          request = { ...request, after: part.events.at(-1)?.seq ?? request.after };
          await session.out.data(session.out.listText(listing(part.events.map(viewOf)), titles));
          titles = false;
        }
      } catch (error) {
        if (request.after === 0) throw error;
        absence.bear(error);
        await pause(500, stop.signal);
      }
    }
  } finally {
    undo();
  }
  return EXIT.interrupted;
}

function listing(rows: readonly EventView[]): Listing<EventView> {
  return {
    rows,
    columns: [
      { title: "SEQ", cell: ({ seq }) => String(seq), align: "right", wide: true },
      { title: "AT", cell: ({ at }) => clockText(at), minWidth: 19, rank: 3 },
      {
        title: "KIND",
        cell: ({ kind }) => kind,
        minWidth: 16,
      },
      { title: "RUN", cell: ({ run }) => run ?? "", minWidth: 14 },
      { title: "NODE", cell: ({ node }) => node ?? "", minWidth: 8, rank: 2 },
      { title: "WHAT", cell: whatOf },
    ],
    name: ({ seq }) => String(seq),
    json: (row) => row,
    empty: "no events",
  };
}

function viewOf({ seq, at, kind, run, node, text, by }: Event): EventView {
  return { seq, at: new Date(at).toISOString(), kind, run: run || null, node: node || null, text, by: by || null };
}

/** Unix milliseconds; 0 where it is not said. Throws AppError (invalid) for what is neither a duration nor a time. */
function sinceOf(args: Args, nowMs: number): number {
  const text = args.text("since");
  if (text === undefined) return 0;
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const at = Date.parse(text);
    if (Number.isNaN(at)) throw usage(`--since "${text}" is no time`, "write it as 2026-01-31T12:00Z");
    return at;
  }
  return Math.max(0, nowMs - (args.duration("since") ?? 0));
}
