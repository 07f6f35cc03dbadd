/** [P] `exp top` as lines: never more than the terminal has, none wider than it is. */
import { formatDuration } from "../../shared/kernel/duration.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { DeviceView, NodeView, RunView } from "../../shared/run/views.ts";
import { paint, stateColour } from "../render/colour.ts";
import { deviceNames } from "../render/nodes.ts";
import { countsText, runColumns } from "../render/runs.ts";
import { type Column, tableText } from "../render/table.ts";
import { escapeControl, plural } from "../render/text.ts";
import { ageText, clockText } from "../render/time.ts";
import { displayWidth, padEnd, truncate } from "../render/width.ts";
import {
  cursorOf,
  nodeRow,
  PANES,
  type Pane,
  type Picture,
  type QueueLine,
  queueRow,
  runRow,
  type TopState,
  visible,
} from "./state.ts";

export interface TopSize {
  readonly columns: number;
  readonly rows: number;
}

/** Devices that are drawn one by one. */
const DEVICES_DRAWN_MAX = 16;
/** Rows that a list without the cursor may take, as a share of all. */
const OTHER_SHARE = 0.25;
/** Below so many rows only the list with the cursor is shown. */
const ROWS_FOR_ALL = 16;
const KEYS_LINE = "tab list  / filter  enter logs  w why  c cancel  r retry  ? help  q quit";

const HELP = [
  "tab, shift-tab      next list, list before",
  "j k, arrows         down, up; page up, page down, home, end",
  "enter, l            logs of the run, as they come; q goes back",
  "enter on a node     its runs",
  "w                   why the run is where it is",
  "c                   cancel it, after a question",
  "r                   queue it again (failed and cancelled runs)",
  "/                   show only rows with this text; escape shows all",
  "q, Ctrl-C           leave; the runs go on",
  "",
  "devices: █ busy  ░ free  ▒ used by somebody else  ! not fit for work  ? not known",
];

/** Exactly `size.rows` lines. */
export function topLines(state: TopState, picture: Picture, size: TopSize, color: boolean): string[] {
  const body = size.rows - 2;
  const middle =
    state.mode === "reader"
      ? readerLines(state, size.columns, body)
      : state.mode === "help"
        ? HELP.map((line) => truncate(line, size.columns))
        : listLines(state, picture, { ...size, rows: body }, color);
  const lines = [titleLine(state, picture, size.columns, color), ...middle.slice(0, Math.max(0, body))];
  while (lines.length < size.rows - 1) lines.push("");
  lines.push(lastLine(state, size.columns, color));
  return lines.slice(0, size.rows);
}

/** Everything once, for a file or a pipe: nothing is cut. */
export function snapshotLines(picture: Picture): string[] {
  return [
    summary(picture),
    ...PANES.flatMap((pane) => {
      const { text, rows } = paneTable(pane, picture, "", { width: undefined, color: false });
      return ["", `${TITLES[pane]} ${rows}`, ...(rows === 0 ? [] : text)];
    }),
  ];
}

const TITLES: { readonly [pane in Pane]: string } = { nodes: "FLEET", queue: "QUEUE", runs: "RUNS" };

function titleLine(state: TopState, picture: Picture, width: number, color: boolean): string {
  const right = clockText(new Date(picture.nowMs).toISOString()).slice(11);
  if (state.mode === "reader") return paint(truncate(escapeControl(state.reader.title), width), "strong", color);
  const left = truncate(picture.stale === "" ? summary(picture) : picture.stale, width);
  const room = width - displayWidth(left) - right.length;
  const line = room > 0 ? `${left}${" ".repeat(room)}${right}` : left;
  return paint(line, picture.stale === "" ? "strong" : "bad", color);
}

function summary({ server, nodes, queueTotal, runs }: Picture): string {
  const devices = nodes.flatMap((node) => node.devices);
  const busy = devices.filter(({ state }) => state === "busy").length;
  const live = runs.filter(({ state }) => !isTerminal(state)).length;
  const parts = [
    `exp top ${escapeControl(server)}`,
    `${plural(nodes.length, "node")}, ${busy} of ${plural(devices.length, "device")} busy`,
    `${live} running, ${queueTotal} waiting`,
  ];
  return parts.join("   ");
}

function lastLine(state: TopState, width: number, color: boolean): string {
  if (state.mode === "filter") return truncate(`filter: ${escapeControl(state.filter)}▏`, width);
  if (state.mode === "confirm") return paint(truncate(`cancel ${state.asked}? y/n`, width), "bad", color);
  if (state.message !== "") return truncate(escapeControl(state.message), width);
  if (state.mode === "reader") return paint(truncate("q back  j k scroll  end follows", width), "quiet", color);
  if (state.mode === "help") return paint(truncate("any key goes back", width), "quiet", color);
  return paint(truncate(KEYS_LINE, width), "quiet", color);
}

function readerLines({ reader }: TopState, width: number, rows: number): string[] {
  const end = Math.max(0, reader.lines.length - reader.back);
  return reader.lines.slice(Math.max(0, end - rows), end).map((line) => truncate(escapeControl(line), width));
}

function listLines(state: TopState, picture: Picture, size: TopSize, color: boolean): string[] {
  const shown = size.rows >= ROWS_FOR_ALL ? PANES : [state.pane];
  const tables = new Map(
    shown.map((pane) => [pane, paneTable(pane, picture, state.filter, { width: size.columns - 2, color })]),
  );
  // A heading and a line of titles each.
  const room = Math.max(1, size.rows - 2 * shown.length);
  const share = Math.max(2, Math.floor(room * OTHER_SHARE));
  const rowsOf = (pane: Pane) => tables.get(pane)?.rows ?? 0;
  const others = shown.filter((pane) => pane !== state.pane);
  const taken = others.reduce((sum, pane) => sum + Math.min(share, rowsOf(pane)), 0);
  const lines: string[] = [];
  for (const pane of shown) {
    const table = tables.get(pane);
    if (!table) continue;
    const isFocused = pane === state.pane;
    const height = isFocused ? room - taken : Math.min(share, table.rows);
    lines.push(heading(state, pane, table, picture, size.columns, color));
    lines.push(...windowed(table, cursorOf(table.ids, state.chosen[pane]), height, isFocused, size.columns, color));
  }
  return lines;
}

function heading(
  state: TopState,
  pane: Pane,
  { rows, all }: PaneTable,
  picture: Picture,
  width: number,
  color: boolean,
): string {
  const total = pane === "queue" ? picture.queueTotal : all;
  const count = rows < total ? `${rows} of ${total}` : String(total);
  const counts: { [state: string]: number } = {};
  if (pane === "runs") for (const run of picture.runs) counts[run.state] = (counts[run.state] ?? 0) + 1;
  const filter = state.filter === "" ? "" : ` with "${escapeControl(state.filter)}"`;
  const text = `${TITLES[pane]} ${count}${filter}  ${countsText(counts)}`.trimEnd();
  const mark = pane === state.pane ? "▸ " : "  ";
  return paint(truncate(mark + text, width), pane === state.pane ? "active" : "strong", color);
}

/** The titles and the rows around the cursor; the row of the cursor has a mark. */
function windowed(
  { text: [titles = "", ...rows], ids }: PaneTable,
  cursor: number,
  height: number,
  isFocused: boolean,
  width: number,
  color: boolean,
): string[] {
  if (ids.length === 0) return ["  -"];
  const first = Math.max(0, Math.min(cursor - Math.floor(height / 2), rows.length - height));
  return [
    `  ${titles}`,
    ...rows.slice(first, first + height).map((row, n) => {
      if (!isFocused || first + n !== cursor) return `  ${row}`;
      // Colours inside would end the marking.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed.
      const plain = `> ${row.replace(/\u001b\[\d+m/g, "")}`;
      return color ? `\u001b[7m${padEnd(plain, width)}\u001b[27m` : plain;
    }),
  ];
}

interface PaneTable {
  /** Titles, then a line for each row. */
  readonly text: readonly string[];
  readonly ids: readonly string[];
  readonly rows: number;
  /** Without the filter. */
  readonly all: number;
}

interface Drawing {
  readonly width: number | undefined;
  readonly color: boolean;
}

function paneTable(pane: Pane, picture: Picture, filter: string, drawing: Drawing): PaneTable {
  const table = <T>(
    items: readonly T[],
    rowOf: (item: T) => { id: string },
    columns: readonly Column<T>[],
    all: number,
  ) => ({
    text: tableText(columns, items, drawing).trimEnd().split("\n"),
    ids: items.map((item) => rowOf(item).id),
    rows: items.length,
    all,
  });
  const { nodes, queue, runs, nowMs } = picture;
  if (pane === "nodes") return table(visible(nodes, nodeRow, filter), nodeRow, nodeColumns(nowMs), nodes.length);
  if (pane === "queue") return table(visible(queue, queueRow, filter), queueRow, QUEUE_COLUMNS, queue.length);
  const shown = visible(runs, runRow, filter);
  const columns = runColumns(shown, { nowMs, metrics: [], deviceNames: deviceNames(nodes) });
  return table<RunView>(
    shown,
    runRow,
    columns.filter(({ wide }) => !wide),
    runs.length,
  );
}

function nodeColumns(nowMs: number): Column<NodeView>[] {
  return [
    { title: "NODE", cell: ({ name }) => name },
    { title: "STATE", cell: ({ state }) => state, colour: ({ state }) => stateColour(state) },
    { title: "DEVICES", cell: ({ devices }) => deviceMarks(devices) },
    {
      title: "BUSY",
      cell: ({ devices }) => `${devices.filter(({ state }) => state === "busy").length}/${devices.length}`,
      align: "right",
    },
    { title: "MODEL", cell: ({ devices }) => [...new Set(devices.map(({ model }) => model))].join(", "), rank: 2 },
    { title: "SEEN", cell: ({ seenAt }) => ageText(seenAt, nowMs), rank: 1 },
  ];
}

const DEVICE_MARKS: { readonly [state in DeviceView["state"]]: string } = {
  busy: "█",
  free: "░",
  foreign: "▒",
  dirty: "!",
  unknown: "?",
};

/** Of many devices: the same in as many signs as fit, in proportion. */
function deviceMarks(devices: readonly DeviceView[]): string {
  const marks = devices.map(({ state }) => DEVICE_MARKS[state]);
  if (marks.length <= DEVICES_DRAWN_MAX) return marks.join("");
  const sorted = marks.toSorted();
  return Array.from(
    { length: DEVICES_DRAWN_MAX },
    (_, i) => sorted[Math.floor((i * sorted.length) / DEVICES_DRAWN_MAX)],
  ).join("");
}

const QUEUE_COLUMNS: readonly Column<QueueLine>[] = [
  { title: "NAME", cell: ({ ref }) => ref },
  { title: "STATE", cell: ({ state }) => state, colour: ({ state }) => stateColour(state), rank: 2 },
  {
    title: "PRIORITY",
    cell: ({ priority }) => (priority === 0 ? "" : String(priority)),
    align: "right",
    optional: true,
    rank: 3,
  },
  { title: "NEEDS", cell: ({ needs }) => needs, rank: 1 },
  { title: "WAITING", cell: ({ waitingMs }) => formatDuration(waitingMs), align: "right" },
  { title: "WHY", cell: ({ reason }) => reason },
];
