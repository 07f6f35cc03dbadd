/** `exp sweeps`: submissions with their progress. */
import type { Sweep } from "../../proto/gen/runner/v1/control.ts";
import { formatDuration } from "../../shared/kernel/duration.ts";
import { jsonNumber } from "../../shared/run/records.ts";
import { sweepFromProto } from "../../shared/wire/views.ts";
import type { Listing } from "../output.ts";
import { stateColour } from "../render/colour.ts";
import { endedCount, progressBar } from "../render/progress.ts";
import { countsText } from "../render/runs.ts";
import type { Column } from "../render/table.ts";
import { shortNumber } from "../render/text.ts";
import { ageText } from "../render/time.ts";
import { type Command, referencesOf } from "../session.ts";
import { showList } from "../watch-list.ts";

const BAR_WIDTH = 12;

export const sweeps: Command = {
  options: {
    limit: { describe: "the newest so many", alias: "n" },
    watch: { describe: "again whenever something changed", type: "flag", alias: "w" },
  },
  async run(session, args) {
    const limit = args.integer("limit", 1) ?? 0;
    const refs = await referencesOf(session, args, "refs");
    const client = await session.connect();
    return showList(session, args.flag("watch"), async () =>
      listing(await client.listSweeps(refs, limit, true), session.clock.wallMs(), session.config.terminal.stdoutIsTty),
    );
  },
};

function listing(rows: readonly Sweep[], nowMs: number, isTerminal: boolean): Listing<Sweep> {
  return {
    rows,
    columns: columns(nowMs, isTerminal),
    name: (sweep) => sweep.ref,
    json: (sweep) => ({
      ...sweepFromProto(sweep),
      bestValue: sweep.bestValue === undefined ? null : jsonNumber(sweep.bestValue),
      bestRef: sweep.bestRef ?? null,
      etaMs: sweep.etaMs ?? null,
    }),
    empty: "no sweeps; exp submit FILE makes one",
  };
}

/** The bar is for eyes: files and pipes have the numbers beside it. */
function columns(nowMs: number, isTerminal: boolean): Column<Sweep>[] {
  const bar: Column<Sweep> = {
    title: "PROGRESS",
    cell: ({ counts, total }) => progressBar(endedCount(counts), total, BAR_WIDTH),
    colour: ({ counts }) => (counts.failed ? "bad" : "good"),
    rank: 4,
  };
  return [
    { title: "NAME", cell: (sweep) => sweep.ref },
    { title: "STATE", cell: (sweep) => sweep.state, colour: (sweep) => stateColour(sweep.state) },
    ...(isTerminal ? [bar] : []),
    { title: "ENDED", cell: (sweep) => `${endedCount(sweep.counts)}/${sweep.total}`, align: "right" },
    {
      title: "REUSED",
      cell: (sweep) => (sweep.reused > 0 ? String(sweep.reused) : ""),
      align: "right",
      optional: true,
      rank: 2,
    },
    { title: "OBJECTIVE", cell: (sweep) => sweep.objective?.metric ?? "", optional: true, rank: 2 },
    {
      title: "BEST",
      cell: ({ bestValue, bestRef = "" }) => (bestValue === undefined ? "" : `${shortNumber(bestValue)} ${bestRef}`),
      optional: true,
      rank: 1,
    },
    {
      title: "LEFT",
      cell: ({ counts, total, etaMs }) =>
        etaMs === undefined || endedCount(counts) >= total ? "" : `~${formatDuration(etaMs)}`,
      align: "right",
      optional: true,
      rank: 1,
    },
    { title: "AGE", cell: (sweep) => ageText(new Date(sweep.createdAt).toISOString(), nowMs), rank: 3 },
    { title: "RUNS", cell: (sweep) => countsText(sweep.counts) },
  ];
}
