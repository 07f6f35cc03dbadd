/** `exp prune`: removes results directories of runs that are over. Without --yes it only shows what would go. */
import type { PrunedRun, PruneKept } from "../../proto/gen/runner/v1/control.ts";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { runStateFromProto, runStateToProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import { ageText } from "../render/time.ts";
import { statesOf, whereOf } from "../run-filter.ts";
import { type Command, referencesOf } from "../session.ts";

export const prune: Command = {
  options: {
    "older-than": { describe: "only runs that ended so long ago: 30d" },
    state: {
      describe: "only runs in this state, repeatable [failed,cancelled; with --keep-best every one]",
      type: "texts",
    },
    where: { describe: "only runs for which this holds: exp help expressions" },
    "keep-best": { describe: "not so many of each sweep that are best by its objective" },
  },
  examples: [
    ["exp prune --older-than 90d", "what failed and was cancelled, and ended three months ago: a list, nothing goes"],
    ["exp prune digits.1 --keep-best 10 --yes", "all results of a sweep but the ten best"],
  ],
  async run(session, args) {
    const dryRun = !session.config.yes;
    const request = {
      refs: await referencesOf(session, args, "refs"),
      states: statesOf(args).map(runStateToProto),
      where: whereOf(args),
      olderThanMs: args.duration("older-than") ?? 0,
      keepBest: args.integer("keep-best", 1) ?? 0,
      dryRun,
    };
    const client = await session.connect();
    const runs: PrunedRun[] = [];
    let kept: PruneKept[] = [];
    for await (const part of client.prune(request)) {
      runs.push(...part.runs);
      if (part.kept.length > 0) kept = part.kept;
    }
    const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
    const total = `${plural(runs.length, "run")}, ${formatBytes(bytes)}`;
    await session.out.list({
      rows: runs,
      columns: [
        { title: "NAME", cell: ({ ref }) => ref },
        { title: "STATE", cell: ({ state }) => runStateFromProto(state) },
        { title: "ENDED", cell: ({ finishedAt }) => ageText(isoOf(finishedAt), session.clock.wallMs()) },
        { title: "SIZE", cell: (run) => formatBytes(run.bytes), align: "right" },
      ],
      name: ({ ref }) => ref,
      json: ({ ref, state, finishedAt, bytes }) => ({
        ...{ ref, state: runStateFromProto(state), finishedAt: isoOf(finishedAt), bytes, removed: !dryRun },
      }),
      footer: total,
      empty: "no run has results to remove",
    });
    for (const { reason, runs } of kept) session.out.note(`left alone: ${plural(runs, "run")}: ${reason}`);
    if (runs.length > 0) {
      session.out.note(dryRun ? `${total} would go; nothing was removed: --yes does it` : `removed: ${total}`);
    }
    return EXIT.ok;
  },
};

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
