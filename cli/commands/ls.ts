/** `exp ls`: runs. Without references: what is live, and what ended within a day. */
import { LIVE_STATES, type RunState, TERMINAL_STATES } from "../../shared/run/states.ts";
import type { RunView } from "../../shared/run/views.ts";
import { nodeFromProto, runFromProto } from "../../shared/wire/views.ts";
import { type Args, usage } from "../args.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import type { Listing } from "../output.ts";
import { deviceNames } from "../render/nodes.ts";
import { fieldOf, namesOf, type SortKey, sortedBy, sortKeysOf } from "../render/run-fields.ts";
import { groupColumns, groupsOf, type RunGroup } from "../render/run-groups.ts";
import { chosenColumns, type RunTableOptions, runsFooter } from "../render/runs.ts";
import { plural } from "../render/text.ts";
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
    limit: { describe: "the newest so many; with --sort the first so many", alias: "n" },
    sort: { describe: "KEY or KEY:desc, more with commas: a parameter, a metric or a fact", type: "texts" },
    cols: {
      describe: "columns to show, by comma: lr,val/acc; with +lr,-age beside the usual ones, and without",
      type: "texts",
    },
    group: { describe: "a row for each value of this, with states and means, more with commas", type: "texts" },
    watch: { describe: "again whenever something changed", type: "flag", alias: "w" },
  },
  examples: [
    ["exp ls digits.1", "the runs of one sweep"],
    ["exp ls --where 'lr < 0.01 and metrics[\"val/acc\"] > 0.9'", "by parameters, metrics and more"],
    ["exp ls digits.1 --sort val/acc:desc -n 5 --cols ref,lr,val/acc,took", "the best five, with these columns"],
    ["exp ls digits.1 --group lr,depth", "states and mean of each combination"],
    ["exp ls --state failed -q | exp retry -", "failed runs, by name, into another command"],
  ],
  async run(session, args) {
    const view = viewOf(args);
    const limit = args.integer("limit", 1) ?? 0;
    const filter = {
      refs: await referencesOf(session, args, "refs"),
      states: statesOf(args),
      where: whereOf(args),
      // What is sorted first must be there as a whole.
      limit: view.sort.length > 0 || view.group.length > 0 ? 0 : limit,
      all: args.flag("all") || limit > 0,
    };
    const client = await session.connect();
    const look = async () => {
      const { rows, hidden } = await select(client, filter, session.clock.wallMs());
      return { listing: await listing(session, client, rows, view, limit), hidden };
    };
    if (args.flag("watch")) {
      return watchList(session, async () => {
        const { listing } = await look();
        return "runs" in listing ? session.out.listText(listing.runs) : session.out.listText(listing.groups);
      });
    }
    const { listing: found, hidden } = await look();
    if ("runs" in found) await session.out.list(found.runs);
    else await session.out.list(found.groups);
    if (hidden && !session.out.isJson)
      session.out.note("runs that ended more than a day ago are not shown; -a shows all");
    return EXIT.ok;
  },
};

/** How it is shown. */
interface View {
  readonly sort: readonly SortKey[];
  readonly cols: readonly string[];
  readonly group: readonly string[];
}

function viewOf(args: Args): View {
  const group = namesOf("group", args.texts("group"));
  const cols = namesOf("cols", args.texts("cols"));
  if (group.length > 0 && cols.some((name) => /^[+-]/.test(name))) {
    throw usage("with --group, --cols names metrics", "--group lr --cols val/acc,loss");
  }
  return { sort: sortKeysOf(args.texts("sort")), cols, group };
}

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
  if (filter.all || refs.length > 0 || states.length > 0 || where !== "") {
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

type Shown = { readonly runs: Listing<RunView> } | { readonly groups: Listing<RunGroup> };

/** `limit` 0: all. Throws AppError (invalid) for a column that no run has. */
async function listing(
  session: Session,
  client: Client,
  rows: readonly RunView[],
  view: View,
  limit: number,
): Promise<Shown> {
  const isNamed = view.cols.length > 0 || view.group.length > 0;
  const forPeople = (!session.out.isJson && session.config.format !== "name") || isNamed;
  const [metrics, names] =
    forPeople && rows.length > 0
      ? await Promise.all([
          objectiveMetrics(client, rows),
          client.listNodes().then((nodes) => deviceNames(nodes.map(nodeFromProto))),
        ])
      : [[], new Map<string, string>()];
  const options: RunTableOptions = { nowMs: session.clock.wallMs(), metrics, deviceNames: names };
  const cut = <Row>(all: readonly Row[]) => (limit > 0 ? all.slice(0, limit) : all);
  if (view.group.length > 0) return { groups: groupListing(rows, view, options, cut) };
  const keys = view.sort.map(({ key, descending }) => ({ ...fieldOf(key, rows, options), descending }));
  const shown = keys.length > 0 ? cut(sortedBy(rows, keys)) : rows;
  const { fields, columns, isWhole } = chosenColumns(view.cols, shown, rows, options);
  return {
    runs: {
      rows: shown,
      columns,
      name: (run) => run.ref,
      json: (run) => (isWhole ? Object.fromEntries(fields.map(({ key, value }) => [key, value(run) ?? null])) : run),
      footer: runsFooter(shown),
      empty: "no runs",
    },
  };
}

function groupListing(
  rows: readonly RunView[],
  { group, cols, sort }: View,
  options: RunTableOptions,
  cut: (all: readonly RunGroup[]) => readonly RunGroup[],
): Listing<RunGroup> {
  const by = group.map((key) => fieldOf(key, rows, options));
  const metrics = (cols.length > 0 ? cols : options.metrics).map((key) => fieldOf(key, rows, options));
  const other = metrics.find(({ isMetric }) => !isMetric);
  if (other) throw usage(`with --group, --cols names metrics, and ${JSON.stringify(other.key)} is none`);
  const groups = groupsOf(rows, by, metrics, sort);
  return {
    rows: cut(groups),
    columns: groupColumns(by, metrics),
    name: ({ refs }) => refs.join(" "),
    json: (row) => row,
    footer: `${plural(groups.length, "group")} of ${plural(rows.length, "run")}`,
    empty: "no runs",
  };
}

async function objectiveMetrics(client: Client, rows: readonly RunView[]): Promise<string[]> {
  const sweeps = new Set(rows.map((run) => run.sweep));
  if (sweeps.size > SWEEPS_WITH_METRIC_MAX) return [];
  const found = await client.listSweeps([...sweeps], 0);
  return [...new Set(found.flatMap(({ objective }) => (objective?.metric ? [objective.metric] : [])))];
}
