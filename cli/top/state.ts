/** [P] What `exp top` shows and where the person is in it; each key gives the next state, and perhaps something to do. */

import type { QueueAnswer } from "../../shared/run/dashboard.ts";
import type { NodeView, RunView } from "../../shared/run/views.ts";

export const PANES = ["nodes", "queue", "runs"] as const;
export type Pane = (typeof PANES)[number];

export type QueueLine = QueueAnswer["rows"][number];

/** The fleet at one moment. */
export interface Picture {
  /** Address of the coordinator. */
  readonly server: string;
  readonly nowMs: number;
  readonly nodes: readonly NodeView[];
  readonly queue: readonly QueueLine[];
  /** With those that `queue` leaves out. */
  readonly queueTotal: number;
  /** What runs, then what ended a short while ago. */
  readonly runs: readonly RunView[];
  /** Why it is no longer new; "" while it is. */
  readonly stale: string;
}

/** A page over the lists. */
export interface Reader {
  readonly title: string;
  readonly lines: readonly string[];
  /** Lines from the end; 0 follows what comes. */
  readonly back: number;
}

export interface TopState {
  readonly pane: Pane;
  /** What the cursor is on: it stays there when rows come and go. */
  readonly chosen: { readonly [pane in Pane]: string };
  readonly filter: string;
  readonly mode: "list" | "filter" | "confirm" | "reader" | "help";
  /** Of the confirmation. */
  readonly asked: string;
  readonly reader: Reader;
  /** Said in the last line until the next key. */
  readonly message: string;
}

export type Action =
  | { readonly kind: "quit" | "interrupt" | "close" }
  | { readonly kind: "logs" | "why" | "cancel" | "retry"; readonly ref: string };

export const FIRST_STATE: TopState = {
  pane: "runs",
  chosen: { nodes: "", queue: "", runs: "" },
  filter: "",
  mode: "list",
  asked: "",
  reader: { title: "", lines: [], back: 0 },
  message: "",
};

export interface Row {
  readonly id: string;
  /** What a filter looks in. */
  readonly text: string;
}

/** The rows of a pane that the filter lets through, by position in the picture. */
export function visible<T>(items: readonly T[], rowOf: (item: T) => Row, filter: string): T[] {
  const wanted = filter.toLowerCase();
  return items.filter((item) => rowOf(item).text.toLowerCase().includes(wanted));
}

export const nodeRow = (node: NodeView): Row => ({ id: node.name, text: `${node.name} ${node.state}` });
export const queueRow = (line: QueueLine): Row => ({ id: line.ref, text: `${line.ref} ${line.state} ${line.reason}` });
export const runRow = (run: RunView): Row => ({
  id: run.ref,
  text: `${run.ref} ${run.state} ${run.node ?? ""} ${run.reason}`,
});

/** Ids of the rows that are shown in a pane, in order. */
export function idsOf(picture: Picture, pane: Pane, filter: string): string[] {
  if (pane === "nodes") return visible(picture.nodes, nodeRow, filter).map(({ name }) => name);
  if (pane === "queue") return visible(picture.queue, queueRow, filter).map(({ ref }) => ref);
  return visible(picture.runs, runRow, filter).map(({ ref }) => ref);
}

/** Position of the cursor; the first row where what it was on is gone. */
export function cursorOf(ids: readonly string[], chosen: string): number {
  return Math.max(0, ids.indexOf(chosen));
}

/** `pageRows`: how far a page key goes. */
export function onKey(
  state: TopState,
  key: string,
  picture: Picture,
  pageRows: number,
): { readonly state: TopState; readonly action?: Action } {
  if (key === "interrupt") return { state, action: { kind: "interrupt" } };
  const quiet: TopState = { ...state, message: "" };
  switch (state.mode) {
    case "filter":
      return { state: onFilterKey(quiet, key) };
    case "confirm": {
      const back: TopState = { ...quiet, mode: "list", asked: "" };
      if (key === "y" || key === "Y") return { state: back, action: { kind: "cancel", ref: state.asked } };
      return { state: { ...back, message: "nothing was cancelled" } };
    }
    case "help":
      return { state: { ...quiet, mode: "list" } };
    case "reader":
      return onReaderKey(quiet, key, pageRows);
    case "list":
      return onListKey(quiet, key, picture, pageRows);
  }
}

function onFilterKey(state: TopState, key: string): TopState {
  if (key === "enter") return { ...state, mode: "list" };
  if (key === "escape") return { ...state, mode: "list", filter: "" };
  if (key === "clear") return { ...state, filter: "" };
  if (key === "backspace") return { ...state, filter: [...state.filter].slice(0, -1).join("") };
  return isName(key) ? state : { ...state, filter: state.filter + key };
}

function onReaderKey(state: TopState, key: string, pageRows: number): ReturnType<typeof onKey> {
  const { reader } = state;
  const by = { up: 1, k: 1, down: -1, j: -1, "page-up": pageRows, "page-down": -pageRows, home: 1e9, end: -1e9 }[key];
  if (by !== undefined) {
    const most = Math.max(0, reader.lines.length - pageRows);
    return { state: { ...state, reader: { ...reader, back: Math.max(0, Math.min(most, reader.back + by)) } } };
  }
  if (key === "q" || key === "escape" || key === "left") {
    return { state: { ...state, mode: "list", reader: FIRST_STATE.reader }, action: { kind: "close" } };
  }
  return { state };
}

function onListKey(state: TopState, key: string, picture: Picture, pageRows: number): ReturnType<typeof onKey> {
  const { pane, filter } = state;
  const ids = idsOf(picture, pane, filter);
  const at = cursorOf(ids, state.chosen[pane]);
  const by = { up: -1, k: -1, down: 1, j: 1, "page-up": -pageRows, "page-down": pageRows, home: -1e9, end: 1e9 }[key];
  if (by !== undefined) {
    const next = ids[Math.max(0, Math.min(ids.length - 1, at + by))] ?? "";
    return { state: { ...state, chosen: { ...state.chosen, [pane]: next } } };
  }
  const turned = (step: number): TopState => ({
    ...state,
    pane: PANES[(PANES.indexOf(pane) + step + PANES.length) % PANES.length] ?? pane,
  });
  const ref = pane === "nodes" ? undefined : ids[at];
  const onRun = (kind: "logs" | "why" | "retry"): ReturnType<typeof onKey> =>
    ref === undefined ? { state: { ...state, message: NO_RUN } } : { state, action: { kind, ref } };
  switch (key) {
    case "q":
      return { state, action: { kind: "quit" } };
    case "tab":
      return { state: turned(1) };
    case "back-tab":
      return { state: turned(-1) };
    case "/":
      return { state: { ...state, mode: "filter" } };
    case "escape":
      return { state: { ...state, filter: "" } };
    case "?":
    case "h":
      return { state: { ...state, mode: "help" } };
    case "enter":
      // The runs of a machine: what one looks at a machine for.
      if (pane === "nodes" && ids[at] !== undefined) return { state: { ...state, pane: "runs", filter: ids[at] } };
      return onRun("logs");
    case "l":
      return onRun("logs");
    case "w":
      return onRun("why");
    case "r":
      return onRun("retry");
    case "c":
      return { state: ref === undefined ? { ...state, message: NO_RUN } : { ...state, mode: "confirm", asked: ref } };
    default:
      return { state };
  }
}

const NO_RUN = "no run is chosen; tab goes to the next list";

/** Keys have names of several letters; what is typed is one character. */
function isName(key: string): boolean {
  return [...key].length !== 1;
}
