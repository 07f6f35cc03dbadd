/**
 * [P] Every address of the HTTP API, in one table: the server registers its answers by it, and refuses query parameters that
 * are not in it; the API's description is made from it. Paths are below /api/v1.
 */
import type { ActionName } from "./actions.ts";

export interface Route {
  readonly method: "get" | "post" | "put";
  /** Such as "/runs/:ref". */
  readonly path: string;
  readonly summary: string;
  /** By name, what each means. */
  readonly query: { readonly [name: string]: string };
  /** What is answered: the name of its type in shared/run (views.ts, dashboard.ts and others), or words. */
  readonly answer: string;
  readonly type: "application/json" | "text/plain" | "text/event-stream" | "application/octet-stream";
  /** The body, for actions. */
  readonly body?: ActionName;
  /** The body is bytes. */
  readonly bytes?: boolean;
}

const LIMIT = "Rows of a page, 1 to 1,000; 100 where it is not said.";
const STATE = "States to keep, with commas between.";
const SWEEP = "A reference of a sweep or of runs, such as digits.1 or digits.1.1-5; every run where it is not said.";
const FENCE = "Of the attempt that the content is for. A host whose token is bound to its node has to say it.";
const WHERE = "An expression over parameters, metrics and facts, as `exp ls --where` takes it.";

function get(
  path: string,
  summary: string,
  answer: string,
  query: { readonly [name: string]: string } = {},
  type: Route["type"] = "application/json",
) {
  return { method: "get", path, summary, query, answer, type } as const satisfies Route;
}

function action(name: ActionName, summary: string, answer = "ActionAnswer") {
  const path = `/actions/${name}`;
  return {
    method: "post",
    path,
    summary,
    query: {},
    answer,
    type: "application/json",
    body: name,
  } as const satisfies Route;
}

export const ROUTES = {
  runs: get("/runs", "Runs, the newest first.", "RunView[]", {
    limit: LIMIT,
    after: "Handle of the run after which the page begins.",
    state: STATE,
  }),
  run: get("/runs/:ref", "One run.", "RunView"),
  runDetail: get("/runs/:ref/detail", "Everything of a run's page that is not a stream.", "RunDetail"),
  runRecord: get("/runs/:ref/record", "What it was made from and what it ran on.", "RunRecordAnswer"),
  runLogs: get(
    "/runs/:ref/logs",
    "What the run wrote, as it is.",
    "bytes",
    {
      attempt: "Number of the attempt; the last where it is not said.",
      rank: "Of a run on several nodes: whose output, from 0; 0 where it is not said.",
      offset: "Byte to start from.",
      tail: "Only so many last lines.",
      follow: "1: goes on until the run has ended.",
    },
    "text/plain",
  ),
  runMetrics: get("/runs/:ref/metrics", "Every logged point.", "list of {key, value, step, at}", {
    keys: "Metrics to keep, with commas between.",
  }),
  runSeries: get("/runs/:ref/series", "Curves, cut to what a screen can show.", "SeriesAnswer", {
    keys: "Metrics, with commas between; every one where it is not said, 50 at most.",
    x: '"step" (where it is not said), "time" in ms since the run started, "wall" in Unix ms, or the name of a metric.',
    width: "Buckets, 10 to 10,000; 800 where it is not said. Each gives at most two points.",
    from: "First x.",
    to: "Last x.",
    attempt: "Number of the attempt; the last where it is not said.",
  }),
  runPlace: get("/runs/:ref/place", "Where its output was at a point of a curve, or at a time.", "PlaceAnswer", {
    x: '"step", "time" in ms since the run started (where it is not said), "wall" in Unix ms, or the name of a metric.',
    value: "Place on this axis.",
    key: "The metric whose nearest point is meant; none for a time.",
    attempt: "Number of the attempt; the last where it is not said.",
  }),
  runFiles: get("/runs/:ref/files", "Files of its results directory, by path.", "FilesAnswer"),
  runFile: get(
    "/runs/:ref/file",
    "One of these files, to be saved: a browser neither shows nor runs it.",
    "bytes",
    { path: "As /runs/REF/files gives it." },
    "application/octet-stream",
  ),
  runArtifacts: get("/runs/:ref/artifacts", "What the run keeps of its files, by attempt.", "ArtifactView[]"),
  runArtifact: get(
    "/runs/:ref/artifacts/:id",
    "The content of one, to be saved. Parts of it by the header Range.",
    "bytes",
    { path: "Of a folder: the file, from the folder." },
    "application/octet-stream",
  ),
  content: get("/contents/:hash", "How much of a content is there. For hosts.", "ContentAnswer", {
    fence: FENCE,
  }),
  putContent: {
    method: "put",
    path: "/contents/:hash",
    summary: "Takes the next part of a content, at most 4 MiB. For hosts.",
    query: { size: "Bytes of the whole content.", offset: "Bytes that are there already.", fence: FENCE },
    answer: "ContentAnswer",
    type: "application/json",
    bytes: true,
  },
  sweeps: get("/sweeps", "Sweeps, the newest first.", "SweepView[]", {
    limit: LIMIT,
    after: "Handle of the sweep after which the page begins.",
  }),
  sweep: get("/sweeps/:ref", "One sweep.", "SweepView"),
  sweepRuns: get("/sweeps/:ref/runs", "Runs of a sweep by position.", "RunView[]", {
    limit: LIMIT,
    after: "Handle or position of the run after which the page begins.",
    state: STATE,
  }),
  sweepBest: get("/sweeps/:ref/best", "The leaderboard of a sweep.", "BestAnswer", {
    metric: "What to rank by; the sweep's objective where it is not said.",
    goal: "maximize or minimize.",
    fold: "1: replicates (other seeds, or repeats) make one row.",
    limit: "Rows, 1 to 1,000; 10 where it is not said.",
  }),
  sweepDetail: get("/sweeps/:ref/detail", "Everything of a sweep's page that is not a table.", "SweepDetail"),
  nodes: get(
    "/nodes",
    "Every node with its devices, by name; devices at work with their last readings.",
    "FleetNode[]",
  ),
  nodeDetail: get("/nodes/:name", "One node, with what runs there and what ran lately.", "NodeDetail"),
  devices: get("/devices", "Every device with its node.", "list of DeviceView with node"),
  queue: get("/queue", "What waits, in the order in which it will be placed.", "QueueAnswer", {
    offset: "Rows to pass over.",
    limit: LIMIT,
  }),
  events: get("/events", "What happened, the newest first.", "EventsAnswer", {
    before: "Only events before this number.",
    limit: LIMIT,
    run: "Only of a run, or of the runs of a sweep.",
    node: "Only of a node.",
    kind: "Kinds to keep, with commas between.",
  }),
  usage: get("/usage", "Device time by day and sweep.", "UsageAnswer", {
    days: "Days up to today, 1 to 366; 14 where it is not said.",
    kind: "gpu or cpu.",
  }),
  channels: get(
    "/channels",
    "Ways to receivers outside: what waits for them, what is wrong with them.",
    "ChannelView[]",
  ),
  tableColumns: get("/tables/columns", "What a table of these runs can show.", "ColumnsAnswer", { sweep: SWEEP }),
  tableRuns: get("/tables/runs", "A page of a table of runs, by column.", "RunTable", {
    sweep: SWEEP,
    where: WHERE,
    sort: "Columns with commas between; with - in front the largest first. What has no value comes last.",
    columns: "Columns with commas between; a comma within a name is written \\,.",
    group: "Columns whose different combinations make one row each.",
    offset: "Rows to pass over.",
    limit: LIMIT,
  }),
  stream: get(
    "/stream",
    "What changed, as it changes: at most four events a second. An event says what to look at again.",
    'events "fleet" with LiveNews',
    { topics: "nodes, runs, and run:REF, with commas between; nodes,runs where it is not said." },
    "text/event-stream",
  ),
  cancel: action("cancel", "Ends runs: those that wait at once, those that run are told to stop."),
  retry: action("retry", "Puts failed, cancelled and skipped runs back into the queue."),
  pause: action("pause", "Holds runs: queued ones wait until they are resumed; what runs goes on."),
  resume: action("resume", "Lets held runs go back to the queue."),
  priority: action("priority", "Changes the priority of runs that are not over."),
  annotate: action("annotate", "Replaces the tags, the note or the mark that people put on a run."),
  node: action("node", "Closes or opens a node for new runs."),
  plan: action("plan", "Says what a sweep file would run, without running it.", "PlanAnswer"),
  submit: action("submit", "Submits a sweep file.", "SubmitAnswer"),
  apply: action("apply", "Brings a sweep in line with an edited file.", "ApplyAnswer"),
} as const satisfies { readonly [name: string]: Route };

export type RouteName = keyof typeof ROUTES;
