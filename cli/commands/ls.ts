/** `exp ls`: runs. Without references: what is live, and what ended within a day. */
import { LIVE_STATES, type RunState, TERMINAL_STATES } from "../../shared/run/states.ts";
import type { RunView } from "../../shared/run/views.ts";
import { nodeFromProto, runFromProto } from "../../shared/wire/views.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import type { Listing } from "../output.ts";
import { deviceNames } from "../render/nodes.ts";
import { runColumns, runsFooter } from "../render/runs.ts";
import { statesOf, whereOf } from "../run-filter.ts";
import { type Command, referencesOf, type Session } from "../session.ts";
import { watchList } from "../watch-list.ts";

const RECENT_MS = 24 * 3_600_000;
const RECENT_RUNS_MAX = 100_000;
/** More sweeps than this have no metric in common worth a column. */
const SWEEPS_WITH_METRIC_MAX = 20;

export const ls: Command = {
  options: {
    all: { describe: "also what ended long ago", type: "flag", alias: "a" },
    state: { describe: "only runs in this state, repeatable", type: "texts" },
    where: { describe: "only runs for which this holds: exp help expressions" },
    limit: { describe: "the newest so many", alias: "n" },
    watch: { describe: "again whenever something changed", type: "flag", alias: "w" },
  },
  examples: [
    ["exp ls digits.1", "the runs of one sweep"],
    ["exp ls --where 'lr < 0.01 and metrics[\"val/acc\"] > 0.9'", "by parameters, metrics and more"],
    ["exp ls --state failed -q | exp retry -", "failed runs, by name, into another command"],
  ],
  async run(session, args) {
    const states = statesOf(args);
    const limit = args.integer("limit", 1) ?? 0;
    const where = whereOf(args);
    const filter = { refs: await referencesOf(session, args, "refs"), states, limit, where, all: args.flag("all") };
    const client = await session.connect();
    if (args.flag("watch")) {
      return watchList(session, async () => {
        const { rows } = await select(client, filter, session.clock.wallMs());
        return session.out.listText(await listing(session, client, rows));
      });
    }
    const { rows, hidden } = await select(client, filter, session.clock.wallMs());
    await session.out.list(await listing(session, client, rows));
    if (hidden && !session.out.isJson)
      session.out.note("runs that ended more than a day ago are not shown; -a shows all");
    return EXIT.ok;
  },
};

interface Filter {
  readonly refs: readonly string[];
  readonly states: readonly RunState[];
  readonly limit: number;
  /** Empty: none. */
  readonly where: string;
  readonly all: boolean;
}

/** By submission, then position. */
async function select(client: Client, filter: Filter, nowMs: number): Promise<{ rows: RunView[]; hidden: boolean }> {
  const { refs, states, limit, where } = filter;
  if (filter.all || refs.length > 0 || states.length > 0 || limit > 0 || where !== "") {
    return { rows: (await client.listRuns({ refs, states, limit, where })).map(runFromProto), hidden: false };
  }
  const [live, ended] = await Promise.all([
    client.listRuns({ states: LIVE_STATES }),
    client.listRuns({ states: TERMINAL_STATES, limit: RECENT_RUNS_MAX }),
  ]);
  const recent = ended.filter(({ finishedAt, createdAt }) => (finishedAt || createdAt) >= nowMs - RECENT_MS);
  // A run may end between the two answers: the later word counts.
  const byId = new Map([...live, ...recent].map((run) => [run.id, run]));
  const rows = [...byId.values()].sort(
    (a, b) => a.createdAt - b.createdAt || (a.sweep < b.sweep ? -1 : a.sweep > b.sweep ? 1 : a.index - b.index),
  );
  return { rows: rows.map(runFromProto), hidden: recent.length < ended.length };
}

async function listing(session: Session, client: Client, rows: readonly RunView[]): Promise<Listing<RunView>> {
  const forPeople = !session.out.isJson && session.config.format !== "name" && rows.length > 0;
  const [metrics, names] = forPeople
    ? await Promise.all([
        objectiveMetrics(client, rows),
        client.listNodes().then((nodes) => deviceNames(nodes.map(nodeFromProto))),
      ])
    : [[], new Map<string, string>()];
  return {
    rows,
    columns: runColumns(rows, { nowMs: session.clock.wallMs(), metrics, deviceNames: names }),
    name: (run) => run.ref,
    json: (run) => run,
    footer: runsFooter(rows),
    empty: "no runs",
  };
}

async function objectiveMetrics(client: Client, rows: readonly RunView[]): Promise<string[]> {
  const sweeps = new Set(rows.map((run) => run.sweep));
  if (sweeps.size > SWEEPS_WITH_METRIC_MAX) return [];
  const found = await client.listSweeps([...sweeps], 0);
  return [...new Set(found.flatMap(({ objective }) => (objective?.metric ? [objective.metric] : [])))];
}
