/** `exp sweeps`: submissions with their progress. */
import type { Sweep } from "../../proto/gen/runner/v1/control.ts";
import { sweepFromProto } from "../../shared/wire/views.ts";
import type { Listing } from "../output.ts";
import { stateColour } from "../render/colour.ts";
import { endedCount } from "../render/progress.ts";
import { countsText } from "../render/runs.ts";
import type { Column } from "../render/table.ts";
import { ageText } from "../render/time.ts";
import { type Command, referencesOf } from "../session.ts";
import { showList } from "../watch-list.ts";

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
      listing(await client.listSweeps(refs, limit), session.clock.wallMs()),
    );
  },
};

function listing(rows: readonly Sweep[], nowMs: number): Listing<Sweep> {
  return {
    rows,
    columns: columns(nowMs),
    name: (sweep) => sweep.ref,
    json: sweepFromProto,
    empty: "no sweeps; exp submit FILE makes one",
  };
}

function columns(nowMs: number): Column<Sweep>[] {
  return [
    { title: "NAME", cell: (sweep) => sweep.ref },
    { title: "STATE", cell: (sweep) => sweep.state, colour: (sweep) => stateColour(sweep.state) },
    { title: "ENDED", cell: (sweep) => `${endedCount(sweep.counts)}/${sweep.total}`, align: "right" },
    {
      title: "REUSED",
      cell: (sweep) => (sweep.reused > 0 ? String(sweep.reused) : ""),
      align: "right",
      optional: true,
      rank: 2,
    },
    { title: "OBJECTIVE", cell: (sweep) => sweep.objective?.metric ?? "", optional: true, rank: 2 },
    { title: "AGE", cell: (sweep) => ageText(new Date(sweep.createdAt).toISOString(), nowMs), rank: 3 },
    { title: "RUNS", cell: (sweep) => countsText(sweep.counts) },
  ];
}
