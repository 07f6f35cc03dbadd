/** `exp sweeps`: submissions with their progress. */
import type { Sweep } from "../../proto/gen/runner/v1/control.ts";
import { sweepFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { stateColour } from "../render/colour.ts";
import { endedCount } from "../render/progress.ts";
import { countsText } from "../render/runs.ts";
import type { Column } from "../render/table.ts";
import { ageText } from "../render/time.ts";
import { type Command, referencesOf } from "../session.ts";

export const sweeps: Command = {
  options: { limit: { describe: "the newest so many", alias: "n" } },
  async run(session, args) {
    const limit = args.integer("limit", 1) ?? 0;
    const refs = await referencesOf(session, args, "refs");
    const found = await (await session.connect()).listSweeps(refs, limit);
    await session.out.list({
      rows: found,
      columns: columns(session.clock.wallMs()),
      name: (sweep) => sweep.ref,
      json: sweepFromProto,
      empty: "no sweeps; exp submit FILE makes one",
    });
    return EXIT.ok;
  },
};

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
